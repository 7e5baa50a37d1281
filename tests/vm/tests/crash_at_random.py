# SPDX-License-Identifier: LGPL-2.1-or-later
"""kill -9 of vssd, of vssd-hold, or of all that the service has, at any moment while a set of thick, thin and btrfs volumes
is made under load: soon nothing is held, the catalogue and the disks agree, an auto-release set is gone, a persistent one
that was made is whole and shows its instant."""
from __future__ import annotations

import json
import math
import os
import random
import time
from collections import Counter as Counts

from ring import storage, vssd
from ring.counter import Counter
from ring.guest import Guest
from ring.remote import Process
from ring.soundness import expect_sound
from ring.testcase import Test
from ring.trouble import begin, set_up
from ring.work import say

ROUNDS = int(os.environ.get("VSSD_VM_ROUNDS", "6"))
SEED = int(os.environ.get("VSSD_VM_SEED", "0")) or random.randrange(1, 1 << 32)
# Without a new process: vssd-hold may be gone before one has started.
FIND = """find() { for file in /proc/[0-9]*/comm; do
  read -r name <$file && [ "$name" = vssd-hold ] && pid=${file//[!0-9]/} && return; done 2>/dev/null; [ $SECONDS -gt 100 ]; }
until find; do :; done
"""
LIFE = FIND + "from=$EPOCHREALTIME; while [ -e /proc/$pid ]; do :; done; echo $from $EPOCHREALTIME"
KILL = {
    "vssd": "sleep {delay}; kill -9 $(pgrep -x vssd)",
    "vssd-hold": FIND + "sleep {delay}; kill -9 $pid",
    # vssd-hold and vssd-lvm with it: nobody is left to let go but what systemd starts.
    "the service": "sleep {delay}; systemctl kill -s KILL vssd",
}
VICTIMS = tuple(KILL)


class CrashAtRandom(Test):
    disks = {"pv": "512M", "btrfs": "256M"}
    limit = 900 + 60 * ROUNDS
    usual = ("trixie",)

    def run(self, guest: Guest) -> None:
        storage.make_group(guest, "data", ["pv"])
        storage.make_pool(guest, "data", "160M")
        self.volumes = [storage.thick(guest, "data", "thick", "64M"), storage.thin(guest, "data", "thin", "64M"),
                        *storage.subvolumes(guest, guest.disk("btrfs"), ["sub"])]
        self.paths = [volume.path for volume in self.volumes]
        set_up(guest, store="32MiB")
        self.counter = Counter(guest, self.paths)
        times = self.undisturbed(guest)
        chance = random.Random(SEED)
        say(f"CrashAtRandom: VSSD_VM_SEED={SEED}; a set takes {times['vssd']:.1f} s, vssd-hold lives {times['vssd-hold']:.1f} s")
        hits: Counts[str] = Counts()
        for number in range(ROUNDS):
            victim = VICTIMS[number % len(VICTIMS)]
            # However few the rounds are, they are spread over all of the time.
            part = (number // len(VICTIMS) + chance.random()) / math.ceil(ROUNDS / len(VICTIMS))
            hits[victim] += self.round(guest, victim, keep=number % 4 > 1, delay=part * times[victim])
        self.counter.stop()
        say(f"CrashAtRandom: crashes that have prevented a set: {dict(hits)}")
        self.true(sum(hits.values()) > 0, "crashes come before the set is made")

    def undisturbed(self, guest: Guest) -> dict[str, float]:
        life = guest.spawn(LIFE)
        start = time.monotonic()
        made = vssd.create(guest, self.paths)
        total = time.monotonic() - start
        begun, ended = (float(word) for word in life.wait(30).out.split())
        vssd.delete(guest, made)
        return {"vssd": total, "vssd-hold": ended - begun, "the service": total}

    def round(self, guest: Guest, victim: str, keep: bool, delay: float) -> bool:
        """Whether it has cost a set."""
        guest.run("systemctl reset-failed vssd")
        killer = guest.spawn(KILL[victim].replace("{delay}", f"{delay:.3f}"))
        self.counter.mark("before")
        making = begin(guest, self.paths, *(["--persistent"] if keep else []))
        hit = killer.wait(120, check=False).ok
        made = self.end_of(guest, making, keep)
        said = "a set" if made else " ".join(making.output().splitlines()[-1:])
        say(f"CrashAtRandom: {victim} {'killed' if hit else 'had gone'} after {delay:.2f} s: {said}")
        self.true(hit or made, f"without a crash there is a set: {said}")
        expect_sound(guest, self.paths)
        self.counter.mark("after")
        self.what_is_there_is_whole(guest, making, keep, made)
        guest.run("vssctl delete --yes --all", timeout=120, check=False)
        self.equal(vssd.leftovers(guest), "", f"what is left after a crash of {victim} at {delay:.3f} s")
        return hit and not made

    @staticmethod
    def end_of(guest: Guest, making: Process, keep: bool) -> bool:
        """Whether vssctl was told that there is a set."""
        if keep:
            return making.wait(120, check=False).ok
        guest.wait_for(lambda: "/run/vssd/snapshots/" in making.output() or not making.running(), 120)
        made = "/run/vssd/snapshots/" in making.output()
        making.stop()
        return made

    def what_is_there_is_whole(self, guest: Guest, making: Process, keep: bool, made: bool) -> None:
        if not keep:
            guest.wait_for("[ \"$(vssctl list snapshots --json)\" = '[]' ]")  # vssd hears that its requester is gone
            return
        snapshots = json.loads(guest.run("vssctl list snapshots --json").out)
        self.true(len(snapshots) in ((3,) if made else (0, 3)), f"all or nothing, {made=}: {snapshots}")
        for snapshot in snapshots:
            self.true(snapshot["path"], f"it is mounted: {snapshot}")
            if snapshot["provider"] == "lvm":
                storage.check_copy(guest, snapshot["device"], "ext4")
        if snapshots:
            storage.check_btrfs_in_use(guest, guest.disk("btrfs"))
            shown = {snapshot["volume"]: snapshot for snapshot in snapshots}
            cut = snapshots[0]["consistency"] == "cut"
            violations = self.counter.violations([shown[path]["path"] for path in self.paths])
            self.equal([line for line in violations if cut or line.startswith("content")], [], "violations of its instant")
