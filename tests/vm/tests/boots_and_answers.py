# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ring itself: commands, background processes, files, limits, and an agent that needs no disk to answer."""
from __future__ import annotations

from ring.guest import Guest
from ring.channel import GuestError
from ring.testcase import Test


class BootsAndAnswers(Test):
    disks = {"first": "64M", "second": "32M"}
    packages = False

    def run(self, guest: Guest) -> None:
        self.equal(guest.run(f"blockdev --getsize64 {guest.disk('second')}").out.strip(), str(32 << 20), "second disk")
        self.equal(guest.run("cat; exit 3", check=False, stdin=b"asked")[1:3], (3, "asked"), "status and output")
        self.equal(guest.run("systemctl --failed --no-legend --plain").out, "", "failed units")
        self.files(guest)
        self.background(guest)
        self.limit_ends_a_command(guest)
        self.answers_while_root_is_frozen(guest)

    def files(self, guest: Guest) -> None:
        data = bytes(range(256)) * 3000
        guest.put("/root/some/data", data)
        self.equal(guest.get("/root/some/data"), data, "a file there and back")

    def background(self, guest: Guest) -> None:
        process = guest.spawn("echo begun; exec tail -f /dev/null")
        guest.wait_for(lambda: process.output() == "begun\n")
        self.true(process.running(), "the process runs beside other commands")
        self.equal(process.stop().rc, -15, "end by SIGTERM")

    def limit_ends_a_command(self, guest: Guest) -> None:
        try:
            guest.run("tail -f /dev/null", timeout=1)
        except GuestError as error:
            self.true("killed after 1 s" in str(error), f"the limit is named in: {error}")
        else:
            raise AssertionError("a command without end has ended")

    def answers_while_root_is_frozen(self, guest: Guest) -> None:
        # The limit of read is the alarm that thaws whatever becomes of this test.
        process = guest.spawn("mkfifo /run/thaw && fsfreeze -f / && echo frozen && read -r -t 60 <>/run/thaw; fsfreeze -u /")
        guest.wait_for(lambda: process.output() == "frozen\n")
        guest.ping(limit=3)
        guest.run("echo >/run/thaw")
        process.wait(60)
        guest.run("touch /root/thawed")
