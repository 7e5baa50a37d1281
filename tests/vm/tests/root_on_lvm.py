# SPDX-License-Identifier: LGPL-2.1-or-later
"""The root filesystem, /var with a journal that writes, and a volume of data in one set, again and again under load: no
deadlock, nobody held longer than the limit, one instant of all three, and the machine answers afterwards. With its power
cut it comes back, and a set that was to stay is there."""
from __future__ import annotations

import os
import time
from statistics import median
from typing import Any

from ring import vssd
from ring.counter import PAUSE_MS, Counter
from ring.guest import Guest
from ring.storage import thick
from ring.testcase import Test
from ring.work import say

ROUNDS = int(os.environ.get("VSSD_VM_ROUNDS", "2"))
HOLD_LIMIT_MS = 10_000
# In each volume a directory.
COUNTED = {"/": "root", "/var": "tmp", "/srv/data": "."}
# Writes to the journal without a pause, and to files of / and of /var, each with fsync.
LOAD = f"""
(while true; do seq 20 | logger -t load; journalctl --sync; done) &
(while sleep {PAUSE_MS / 1000}; do dd if=/dev/zero of=/root/load bs=64k count=16 conv=fsync status=none; done) &
while sleep {PAUSE_MS / 1000}; do dd if=/dev/zero of=/var/tmp/load bs=64k count=16 conv=fsync status=none; done
"""


class RootOnLvm(Test):
    root = "lvm"
    disks = {"data": "512M"}
    limit = 900 + 60 * ROUNDS
    usual = ("bookworm",)

    def run(self, guest: Guest) -> None:
        mounted = guest.run("findmnt -no SOURCE / && findmnt -no SOURCE /var").out.split()
        self.equal(mounted, ["/dev/mapper/system-root", "/dev/mapper/system-var"], "what / and /var are")
        guest.run(f"vgextend -q -y system {guest.disk('data')}")
        data = thick(guest, "system", "data", "128M")
        paths = list(COUNTED)
        self.equal(data.path, paths[-1], "where the data are")
        holds: list[float] = []
        load = guest.spawn(LOAD)
        self.counter = Counter(guest, [f"{path}/{place}" for path, place in COUNTED.items()])
        for number in range(ROUNDS):
            made = self.one_set(guest, paths)
            holds.append(made["hold_ms"])
            if number + 1 < ROUNDS:
                vssd.delete(guest, made)
        self.true(load.running(), "the load has run until now")
        load.stop()
        self.counter.stop()
        say(f"RootOnLvm: {ROUNDS} sets, longest hold: median {median(holds):.0f} ms, most {max(holds):.0f} ms")
        self.true(max(holds) < HOLD_LIMIT_MS, f"holds below {HOLD_LIMIT_MS} ms: {holds}")
        self.comes_back_with(guest, made)

    def one_set(self, guest: Guest, paths: list[str]) -> dict[str, Any]:
        self.counter.mark("before")
        made = vssd.create(guest, paths)
        self.counter.mark("after")
        start = time.monotonic()
        guest.ping(limit=5)
        guest.run("sync; echo of the set >/root/after; ls / >/dev/null", timeout=30)
        self.true(time.monotonic() - start < 30, "the machine answers after a set")
        # / cannot be held by a kernel that freezes nothing twice, so it is captured first: one of them is no harm.
        self.equal(made["consistency"], "cut", f"level ({made['consistency_reason']})")
        copies = [f"{vssd.snapshot_of(made, path)['path']}/{place}" for path, place in COUNTED.items()]
        self.equal(self.counter.violations(copies), [], "violations of the one instant")
        for path in paths:
            snapshot = vssd.snapshot_of(made, path)
            self.equal(snapshot["provider"], "lvm", f"provider of {path}")
            guest.run(f"e2fsck -fn {snapshot['device']}", timeout=120)
        return made

    def comes_back_with(self, guest: Guest, made: dict[str, Any]) -> None:
        guest.power_cut_and_boot()
        self.equal(guest.run("systemctl --failed --no-legend --plain").out, "", "failed units after a power cut")
        self.equal(vssd.snapshots(guest), sorted(snapshot["snapshot_id"] for snapshot in made["snapshots"]),
                   "snapshots after a power cut")
        vssd.delete(guest, made)
        self.equal(vssd.leftovers(guest), "", "what is left")
        guest.run("journalctl --sync && systemctl is-active vssd && touch /root/writable /var/tmp/writable")
