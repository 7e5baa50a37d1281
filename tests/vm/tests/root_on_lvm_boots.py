# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest with its root filesystem and /var on logical volumes is what it says it is, and has space for snapshots."""
from __future__ import annotations

from ring.guest import Guest
from ring.testcase import Test


class RootOnLvmBoots(Test):
    root = "lvm"
    packages = False

    def run(self, guest: Guest) -> None:
        mounted = guest.run("findmnt -no SOURCE / && findmnt -no SOURCE /var").out.split()
        self.equal(mounted, ["/dev/mapper/system-root", "/dev/mapper/system-var"], "what / and /var are")
        free = float(guest.run("vgs --noheadings --nosuffix --units g -o vg_free system").out)
        self.true(free > 4, f"{free} GiB are free for snapshots")
        guest.power_cut()
        guest.boot()
        self.equal(guest.run("systemctl --failed --no-legend --plain").out, "", "failed units after a power cut")
