# SPDX-License-Identifier: LGPL-2.1-or-later
"""The packages as a user's machine has them: the unit is up after the boot, a call to the bus name starts it, polkit
decides who may ask, and a stop leaves nothing behind."""
from __future__ import annotations

from ring.guest import Guest
from ring.testcase import Test


class UnitRunsUnderSystemd(Test):
    def run(self, guest: Guest) -> None:
        self.equal(guest.run("systemctl is-active vssd").out, "active\n", "the unit after the boot")
        guest.run("vssctl status")
        self.polkit_decides(guest)
        self.restart_is_another_process(guest)
        self.stop_leaves_nothing(guest)
        self.bus_starts_it(guest)

    def main_pid(self, guest: Guest) -> str:
        return guest.run("systemctl show -P MainPID vssd").out.strip()

    def polkit_decides(self, guest: Guest) -> None:
        refused = guest.run("setpriv --reuid=nobody --regid=nogroup --clear-groups vssctl create -v /", check=False)
        self.true(not refused.ok, "an unprivileged user makes no set")
        self.true("AccessDenied" in refused.err or "denied" in refused.err.lower() or "authori" in refused.err.lower(),
                  f"the refusal says why: {refused.err}")

    def restart_is_another_process(self, guest: Guest) -> None:
        before = self.main_pid(guest)
        guest.run("systemctl restart vssd", timeout=120)
        guest.run("vssctl status")
        self.true(self.main_pid(guest) not in (before, "0"), "a new process after the restart")

    def stop_leaves_nothing(self, guest: Guest) -> None:
        guest.run("systemctl stop vssd", timeout=120)
        self.equal(guest.run("systemctl is-active vssd", check=False).out, "inactive\n", "the unit after the stop")
        self.equal(guest.run("pgrep -l vss", check=False).out, "", "processes left")
        self.equal(guest.run("grep /run/vssd /proc/self/mounts", check=False).out, "", "mounts left")

    def bus_starts_it(self, guest: Guest) -> None:
        guest.run("vssctl status", timeout=120)
        self.equal(guest.run("systemctl is-active vssd").out, "active\n", "the unit after a call to its name")
