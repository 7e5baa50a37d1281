# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stores that are as large as what is written to their origins wants: a load that begins when the set has been planned
still gets a larger one, as far as its group has space, and no set fails because there is none."""
from __future__ import annotations

from ring import storage, vssd
from ring.guest import Guest
from ring.soundness import expect_sound
from ring.testcase import Test
from ring.trouble import journal, set_up, start_writer

# At least the 5 s from which on a rate says something, with some seconds to spare.
LOAD = """for i in $(seq 16); do
    dd if=/dev/zero of=PATH/file bs=1M count=1 seek=$i conv=notrunc,fsync status=none; sleep 0.5; done"""
SMALLEST = 16.0
LARGEST = 132.0  # all of the origin, and what says where it is


class EstimatedStore(Test):
    disks = {"pv": "512M"}
    usual = ("trixie",)

    def run(self, guest: Guest) -> None:
        storage.make_group(guest, "data", ["pv"])
        self.volume = storage.thick(guest, "data", "one", "128M")
        set_up(guest, store="estimate", store_minutes=10)
        self.equal(self.size_made(guest), SMALLEST, "the store of a volume that is not written to")
        writer = start_writer(guest, [self.volume.path], {"prepare_for_backup": LOAD.replace("PATH", self.volume.path)})
        self.equal(self.size_made(guest), LARGEST, "the store for a load that has just begun")
        self.fill_group_but(guest, SMALLEST + 40)
        self.equal(self.size_made(guest), SMALLEST + 40, "the store for it when there is no more space")
        self.fill_group_but(guest, SMALLEST)
        self.equal(self.size_made(guest), SMALLEST, "the store for it when there is no space")
        self.true("its store should have 132 MiB, not 16 MiB" in journal(guest), "the journal tells it")
        writer.stop()
        expect_sound(guest, [self.volume.path])

    def size_made(self, guest: Guest) -> float:
        """MiB. The device is a new one, which nothing has been written to, nor is by ext4 itself in the background."""
        guest.run(f"umount {self.volume.path} && lvchange -an data/one && lvchange -ay data/one && "
                  f"mount -o noinit_itable {self.volume.device} {self.volume.path}")
        made = vssd.create(guest, [self.volume.path])
        size = float(guest.run("lvs --noheadings --nosuffix --units m -o lv_size -S 'lv_attr=~^s' data").out)
        vssd.delete(guest, made)
        return size

    def fill_group_but(self, guest: Guest, mebibytes: float) -> None:
        guest.run("lvremove -q -y -S lv_name=filler data; lvcreate -q -y -Wn -n filler -l 100%FREE data && "
                  f"lvreduce -q -f -y -L -{mebibytes:.0f}M data/filler")
