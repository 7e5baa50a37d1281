# SPDX-License-Identifier: LGPL-2.1-or-later
"""What was synchronised before a power cut is there after it, what was not synchronised may be lost; an orderly
restart keeps all of it, and the journal of the boots before can be read."""
from __future__ import annotations

from ring.guest import Guest
from ring.testcase import Test


class PowerCutAndReboot(Test):
    disks = {"data": "256M"}
    packages = False
    usual = ("trixie",)

    def run(self, guest: Guest) -> None:
        disk = guest.disk("data")
        guest.run(f"mkfs.ext4 -q {disk} && mount {disk} /mnt && echo kept >/mnt/kept && sync && echo more >/mnt/more")
        guest.power_cut_and_boot()
        guest.run(f"e2fsck -fp {disk}", check=False)
        guest.run(f"e2fsck -fn {disk} && mount {disk} /mnt")
        self.equal(guest.run("cat /mnt/kept").out, "kept\n", "what was synchronised")
        guest.run("echo last >/mnt/last")
        guest.reboot()
        guest.run(f"mount {disk} /mnt")
        self.equal(guest.run("cat /mnt/last").out, "last\n", "what an orderly restart writes")
        boots = guest.run("journalctl --list-boots --no-pager -q | grep -c .").out.strip()
        self.equal(boots, "3", "boots in the journal")
