# SPDX-License-Identifier: LGPL-2.1-or-later
"""The store of a thick snapshot fills up while the snapshot is in use: it grows while its group has space. When it
cannot grow, who uses it hears so, with the time that is left, before it is lost, and again when it is. The set stays
until it is deleted."""
from __future__ import annotations

import json

from ring import storage, vssd
from ring.guest import Guest
from ring.remote import Process
from ring.soundness import expect_sound
from ring.testcase import Test
from ring.trouble import set_up


class StoreOverflow(Test):
    disks = {"pv": "512M"}
    usual = ("trixie",)

    def run(self, guest: Guest) -> None:
        storage.make_group(guest, "data", ["pv"])
        self.path = storage.thick(guest, "data", "one", "128M").path
        set_up(guest, store="16MiB")
        self.it_grows_while_there_is_space(guest)
        self.lost_is_told_in_time(guest)

    def write(self, guest: Guest, mebibytes: int) -> Process:
        """About a MiB a second, where the snapshot has nothing yet."""
        return guest.spawn(f"""for i in $(seq {2 * mebibytes}); do
            dd if=/dev/zero of={self.path}/file bs=512k count=1 seek=$i conv=notrunc,fsync status=none; sleep 0.5; done""")

    def health(self, guest: Guest) -> str:
        (snapshot,) = json.loads(guest.run("vssctl list snapshots --json").out)
        return snapshot["health"]

    def it_grows_while_there_is_space(self, guest: Guest) -> None:
        made = vssd.create(guest, [self.path])
        size = "lvs --noheadings --nosuffix --units m -o lv_size -S 'lv_attr=~^s' data"
        self.equal(float(guest.run(size).out), 16.0, "the store at first")
        load = self.write(guest, 13)
        guest.wait_for(lambda: float(guest.run(size).out) >= 32, 120)
        load.wait(180)
        self.equal(self.health(guest), "good", "health of a snapshot whose store grows")
        guest.run(f"e2fsck -fn {made['snapshots'][0]['device']}")
        vssd.delete(guest, made)
        expect_sound(guest, [self.path])

    def lost_is_told_in_time(self, guest: Guest) -> None:
        made = vssd.create(guest, [self.path])
        guest.run("lvcreate -q -y -n filler -l 100%FREE data")
        monitor = guest.spawn("exec busctl monitor --json=short --match=\"type='signal',member='SnapshotInvalidated'\"")
        load = self.write(guest, 24)
        told = guest.wait_for(lambda: self.told(monitor, "lost"), 180)
        self.equal((told[0]["state"], told[-1]["state"]), ("at-risk", "lost"), "what is told first and last")
        times = [one["left"] for one in told if one["state"] == "at-risk" and one["left"] >= 0]
        self.true(times and times[0] > 0, f"the time that is left was told: {told}")
        self.true("cannot grow" in told[0]["reason"], f"why: {told[0]['reason']}")
        load.stop()
        self.equal(self.health(guest), "lost", "health in the list")
        self.true("lost" in guest.run(f"vssctl show {made['set_id']}").out, "show says that it is lost")
        self.true("lost" in guest.run("vssctl list snapshots").out, "the table says that it is lost")
        monitor.stop()
        vssd.delete(guest, made)
        guest.run("lvremove -q -y data/filler")
        expect_sound(guest, [self.path])

    @staticmethod
    def told(monitor: Process, until: str) -> list[dict]:
        """The signals, when one with that state has come."""
        lines = [json.loads(line) for line in monitor.output().splitlines() if line.endswith("}")]
        signals = [dict(zip(("set", "snapshot", "state", "left", "reason"), line["payload"]["data"]))
                   for line in lines if line.get("member") == "SnapshotInvalidated"]
        return signals if any(signal["state"] == until for signal in signals) else []
