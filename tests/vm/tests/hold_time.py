# SPDX-License-Identifier: LGPL-2.1-or-later
"""The holds of a set of four thick volumes and of one of four thin ones, beside those of the usual script: freeze all,
lvcreate -s one by one, thaw all. Both in turn in one guest, under load. Prints what it has measured; where both hold, vssd
does so for half of the script's time at most."""
from __future__ import annotations

import json
import os

from ring import vssd
from ring.guest import Guest
from ring.storage import Volume, make_group, make_pool, thick, thin
from ring.testcase import Test
from ring.work import TREE, say

ROUNDS = int(os.environ.get("VSSD_VM_ROUNDS", "2"))
PROGRAM = "/usr/local/bin/lvm_hold.py"


class HoldTime(Test):
    disks = {"first": "1G", "second": "1G"}
    limit = 900 + 240 * ROUNDS
    usual = ()

    def run(self, guest: Guest) -> None:
        make_group(guest, "data", ["first", "second"])
        make_pool(guest, "data", "600M")
        guest.put(PROGRAM, (TREE / "tests/bench/lvm_hold.py").read_bytes(), 0o755)
        self.measured(guest, [thick(guest, "data", f"thick{number}", "64M") for number in range(4)], held=True)
        self.measured(guest, [thin(guest, "data", f"thin{number}", "64M") for number in range(4)],
                      held=vssd.nests_freezes(guest))
        self.equal(vssd.leftovers(guest), "", "what is left")

    def measured(self, guest: Guest, volumes: list[Volume], held: bool) -> None:
        paths = [volume.path for volume in volumes]
        table = json.loads(guest.run([PROGRAM, "--json", "--rounds", str(ROUNDS), *paths], timeout=120 + 120 * ROUNDS).out)
        for way, row in table.items():
            say(f"HoldTime: 4 {volumes[0].kind}, {way}: " + ", ".join(f"{name} {value:.0f} ms" for name, value in row.items()))
        script, ours = table["script"], table["vssd"]
        # What can be held neither way only notices lvm's own captures.
        self.equal(script["held"] > 0, held, "the script holds")
        if held:
            say(f"HoldTime: 4 {volumes[0].kind}: vssd holds {100 * ours['held'] / script['held']:.0f}% of the script's time")
            self.true(0 < 2 * ours["held"] <= script["held"],
                      f"4 {volumes[0].kind}: vssd holds for {ours['held']:.0f} ms, the script for {script['held']:.0f} ms")
