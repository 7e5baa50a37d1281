# SPDX-License-Identifier: LGPL-2.1-or-later
"""The holds of a set of four thick volumes and of one of four thin ones, beside those of the usual script: freeze all,
lvcreate -s one by one, thaw all. Both in turn in one guest, under load. Prints what it has measured, and where the time of
a hold goes; where both hold, vssd does so for half of the script's time at most."""
from __future__ import annotations

import json
import os

from ring import vssd
from ring.guest import Guest
from ring.storage import Volume, make_group, make_pool, thick, thin
from ring.testcase import Test
from ring.work import TREE, say

ROUNDS = int(os.environ.get("VSSD_VM_ROUNDS", "2"))
PROGRAMS = ("lvm_hold.py", "lvm_account.py")
PLACE = "/usr/local/bin"


class HoldTime(Test):
    disks = {"first": "1G", "second": "1G"}
    limit = 900 + 240 * ROUNDS
    usual = ()

    def run(self, guest: Guest) -> None:
        make_group(guest, "data", ["first", "second"])
        make_pool(guest, "data", "600M")
        for name in PROGRAMS:
            guest.put(f"{PLACE}/{name}", (TREE / "tests/bench" / name).read_bytes(), 0o755)
        self.measured(guest, [thick(guest, "data", f"thick{number}", "64M") for number in range(4)], held=True)
        self.measured(guest, [thin(guest, "data", f"thin{number}", "64M") for number in range(4)],
                      held=vssd.nests_freezes(guest))
        self.equal(vssd.leftovers(guest), "", "what is left")

    @staticmethod
    def said_by(guest: Guest, program: str, volumes: list[Volume]) -> dict:
        command = [f"{PLACE}/{program}", "--json", "--rounds", str(ROUNDS), *(volume.path for volume in volumes)]
        return json.loads(guest.run(command, timeout=120 + 120 * ROUNDS).out)

    def measured(self, guest: Guest, volumes: list[Volume], held: bool) -> None:
        table = self.said_by(guest, "lvm_hold.py", volumes)
        for way, row in table.items():
            say(f"HoldTime: 4 {volumes[0].kind}, {way}: " + ", ".join(f"{name} {value:.0f} ms" for name, value in row.items()))
        script, ours = table["script"], table["vssd"]
        # What can be held neither way only notices lvm's own captures.
        self.equal(script["held"] > 0, held, "the script holds")
        if held:
            say(f"HoldTime: 4 {volumes[0].kind}: vssd holds {100 * ours['held'] / script['held']:.0f}% of the script's time")
            self.true(0 < 2 * ours["held"] <= script["held"],
                      f"4 {volumes[0].kind}: vssd holds for {ours['held']:.0f} ms, the script for {script['held']:.0f} ms")
            for line, value in self.said_by(guest, "lvm_account.py", volumes).items():
                say(f"HoldTime: 4 {volumes[0].kind}: {value:7.1f} ms  {line}")
