# SPDX-License-Identifier: LGPL-2.1-or-later
"""Processes that write a number to one directory after the other, each time with fsync, in every rotation. Snapshots tell
whether they show one instant, and that of the set: what had been acknowledged before it, and nothing of after it."""
from __future__ import annotations

import os
import signal
from typing import Sequence

from .programs import put_program
from .remote import Remote

# The processor of a guest is slow and must be left to vssd too; captures one after another take several times as long.
PAUSE_MS = int(os.environ.get("VSSD_VM_PAUSE_MS", "200"))
STATE = "/run/counter"


class Counter:
    def __init__(self, guest: Remote, directories: Sequence[str]) -> None:
        self._guest = guest
        self._program = put_program(guest, "counter")
        self._load = guest.spawn([self._program, "write", STATE, str(PAUSE_MS), *directories])
        guest.wait_for(lambda: self._load.output() == "ready\n" or not self._load.running())

    def mark(self, when: str) -> None:
        """`before` and `after` what violations() is asked about."""
        self._guest.run(["cp", STATE, f"{STATE}.{when}"])

    def violations(self, directories: Sequence[str]) -> list[str]:
        """Of copies of the directories, one a line: of the `order`, of the `content`."""
        result = self._guest.run([self._program, "check", f"{STATE}.before", f"{STATE}.after", *directories], timeout=120,
                                 check=False)
        if result.rc not in (0, 1):
            raise AssertionError(f"the counters cannot be read: {result.err}")
        return result.out.splitlines()

    def stand_still(self) -> None:
        self._load.kill(signal.SIGSTOP)

    def go_on(self) -> None:
        self._load.kill(signal.SIGCONT)

    def stop(self) -> None:
        if not self._load.running() or self._load.stop().rc != 0:
            raise AssertionError("the counters have not written until now")
