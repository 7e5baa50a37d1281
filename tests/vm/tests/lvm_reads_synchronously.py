# SPDX-License-Identifier: LGPL-2.1-or-later
"""While a set is made nobody waits for the end of lvm's asynchronous I/O: vssd's lvm has none. That of the distribution
does, so the look at it is not blind."""
from __future__ import annotations

from ring import storage, vssd
from ring.guest import Guest
from ring.testcase import Test

# io_setup(2) by the number of system calls on x86_64.
TRACED = """
set -e
tracing=/sys/kernel/tracing
mountpoint -q $tracing || mount -t tracefs tracefs $tracing
cd $tracing
echo 'id == 206' >events/raw_syscalls/sys_enter/filter
echo 1 >events/raw_syscalls/sys_enter/enable
echo >trace
{command} >/dev/null
sed -n 's/^ *\\([^#][^ ]*\\)-[0-9]* .*sys_enter.*/\\1/p' trace | sort -u
echo 0 >events/raw_syscalls/sys_enter/enable
"""


class LvmReadsSynchronously(Test):
    disks = {"pv": "512M"}
    usual = ("trixie",)

    def run(self, guest: Guest) -> None:
        storage.make_group(guest, "data", ["pv"])
        volume = storage.thick(guest, "data", "thick", "64M")
        self.equal(self.who_sets_up(guest, "lvs"), ["lvs"], "who reads asynchronously when lvs runs")
        made = f"vssctl create --persistent --quiet -v {volume.path}"
        self.equal([name for name in self.who_sets_up(guest, made) if name.startswith("vssd")], [],
                   "who of vssd reads asynchronously")
        guest.run("vssctl delete --yes --all", timeout=vssd.SET_LIMIT)
        self.equal(vssd.leftovers(guest), "", "what is left")

    @staticmethod
    def who_sets_up(guest: Guest, command: str) -> list[str]:
        return guest.run(TRACED.replace("{command}", command), timeout=vssd.SET_LIMIT).out.split()
