# SPDX-License-Identifier: LGPL-2.1-or-later
"""A thin pool that is out of space for data or for metadata: no set is begun, and one that is under way fails. While a snapshot is in use it is told that
it is at risk, and that it is well again in the list when there is space again."""
from __future__ import annotations

import json

from ring import storage, vssd
from ring.guest import Guest
from ring.soundness import expect_sound
from ring.testcase import Test
from ring.trouble import journal, set_up, start_writer

# Writes past the page cache until so much of the pool's data space is used; 100 is until an error.
FILL = r"""
used() { dmsetup status data-pool-tpool | awk '{split($6, part, "/"); print int(100 * part[1] / part[2])}'; }
for at in $(seq 0 4 252); do
  [ $(used) -lt PERCENT ] || break
  dd if=/dev/zero of=/dev/data/filler bs=1M count=4 seek=$at oflag=direct status=none || break
done 2>/dev/null; dmsetup status data-pool-tpool"""


class ThinPoolFull(Test):
    disks = {"pv": "512M"}
    usual = ("trixie",)

    def run(self, guest: Guest) -> None:
        storage.make_group(guest, "data", ["pv"])
        guest.run("lvcreate -q -y --type thin-pool -L 128M --poolmetadatasize 2M -n pool data && lvchange -q --errorwhenfull y data/pool")
        self.path = storage.thin(guest, "data", "one", "64M").path
        guest.run("lvcreate -q -y -V 256M -n filler --thinpool pool data")
        set_up(guest, pool_metadata_limit_percent=30)  # a pool of this size is a thousand devices away from the usual 90
        self.metadata(guest)
        self.data_meanwhile(guest)
        self.data(guest)

    def state(self, guest: Guest) -> tuple[str, str]:
        (snapshot,) = json.loads(guest.run("vssctl list snapshots --json").out)
        return snapshot["health"], snapshot["health_reason"]

    def fill(self, guest: Guest, percent: int) -> None:
        guest.run(FILL.replace("PERCENT", str(percent)), timeout=120)

    def data_meanwhile(self, guest: Guest) -> None:
        """The space goes when the volume has been added and checked."""
        writer = start_writer(guest, [self.path], {"prepare_for_snapshot": FILL.replace("PERCENT", "92")})
        self.refused(guest, "data")
        writer.stop()
        guest.run("blkdiscard /dev/data/filler")
        expect_sound(guest, [self.path])

    def data(self, guest: Guest) -> None:
        made = vssd.create(guest, [self.path])
        self.equal(self.state(guest)[0], "good", "health at first")
        self.fill(guest, 92)
        guest.wait_for(lambda: self.state(guest)[0] == "at-risk", 30)
        self.true("data" in self.state(guest)[1], f"why: {self.state(guest)}")
        self.fill(guest, 100)
        guest.wait_for("dmsetup status data-pool-tpool | grep -q out_of_data_space")
        self.equal(self.state(guest)[0], "at-risk", "health when there is no space at all")
        self.refused(guest, "data")
        guest.run("lvextend -q -L +128M data/pool")
        guest.wait_for(lambda: self.state(guest)[0] == "good", 30)
        self.true("is well again" in journal(guest), "the journal tells it")
        guest.run(f"e2fsck -fn {made['snapshots'][0]['device']}")
        vssd.delete(guest, made)
        expect_sound(guest, [self.path])

    def metadata(self, guest: Guest) -> None:
        """Devices of the pool that lvm does not know of fill it up."""
        made = vssd.create(guest, [self.path])
        guest.run("""
            full() { dmsetup status data-pool-tpool | awk '{split($5, part, "/"); exit !(part[1] > 0.31 * part[2])}'; }
            for id in $(seq 100000 101000); do
              ((id % 8)) || ! full || break
              dmsetup message data-pool-tpool 0 "create_thin $id"
            done""", timeout=300)
        guest.wait_for(lambda: self.state(guest)[0] == "at-risk", 30)
        self.true("metadata" in self.state(guest)[1], f"why: {self.state(guest)}")
        self.refused(guest, "metadata")
        guest.run("lvextend -q --poolmetadatasize +8M data/pool")
        guest.wait_for(lambda: self.state(guest)[0] == "good", 30)
        vssd.delete(guest, made)
        expect_sound(guest, [self.path])

    def refused(self, guest: Guest, what: str) -> None:
        before = guest.run("lvs -a --noheadings -o lv_name,lv_uuid; vgs --noheadings -o vg_seqno").out
        try:
            vssd.create(guest, [self.path])
        except vssd.Refused as refused:
            self.equal(refused.name, "InsufficientStorage", f"the error for {what}: {refused}")
            self.true(f"{what} is " in refused.message, f"the error names {what}: {refused}")
        else:
            raise AssertionError(f"a set was made without space for {what}")
        after = guest.run("lvs -a --noheadings -o lv_name,lv_uuid; vgs --noheadings -o vg_seqno").out
        self.equal(after, before, "the group after the refusal")
