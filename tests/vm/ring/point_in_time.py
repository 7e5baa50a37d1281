# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the point-in-time tests share: counters that are written to all volumes, sets that are made meanwhile, and the
same load with plain captures as the control."""
from __future__ import annotations

import os
import time
from statistics import median
from typing import Any, ClassVar, Sequence

from . import vssd
from .counter import Counter
from .guest import Guest
from .plain_capture import plain_capture
from .storage import MOUNTS, Volume, check_btrfs_in_use, check_copy
from .testcase import Test
from .work import say

ROUNDS = int(os.environ.get("VSSD_VM_ROUNDS", "2"))
CONTROL_TRIES = 6
LOWERED_TRIES = 5
CONTROL = "/run/vssd-test/control"


def shows_one_instant(volumes: Sequence[Volume], nests: bool) -> bool:
    """Of those that cannot be held there is one at most: a btrfs is one, and a thin volume where the kernel does not
    freeze what is frozen (`nests`)."""
    cannot_be_held = {volume.device for volume in volumes if volume.kind == "btrfs" or (volume.kind == "thin" and not nests)}
    return len(cannot_be_held) <= 1


def spare_the_processor(guest: Guest) -> None:
    """Hundreds of sets are made. Otherwise udevd asks lvm after each of its writes what the disk is now, and systemd
    tells the bus of each device."""
    rules = "/run/udev/rules.d/99-vssd-test.rules"
    guest.run(f"""mkdir -p {rules.rpartition('/')[0]} && echo 'KERNEL=="vd*", OPTIONS="nowatch"' >{rules}
        udevadm control --reload && udevadm trigger --settle --sysname-match='vd*' && systemctl stop systemd-logind""")


class PointInTime(Test):
    limit: ClassVar[int] = 900 + 60 * ROUNDS

    def volumes(self, guest: Guest) -> list[Volume]:
        """Makes them, in a guest that has been booted just now."""
        raise NotImplementedError

    def sets_of(self, volumes: list[Volume]) -> list[list[Volume]]:
        """The members of each kind of set that is made of them. The control is captured with the first."""
        return [volumes]

    def run(self, guest: Guest) -> None:
        spare_the_processor(guest)
        volumes = self.volumes(guest)
        before = guest.run("lvs --noheadings -o vg_name,lv_name").out
        nests = vssd.nests_freezes(guest)
        first, *others = self.sets_of(volumes)
        self.under_load(guest, first, shows_one_instant(first, nests), ROUNDS, control=True)
        for members in others:
            self.under_load(guest, members, shows_one_instant(members, nests), (ROUNDS + 1) // 2)
        self.equal(vssd.leftovers(guest), "", "what is left")
        self.equal(guest.run("lvs --noheadings -o vg_name,lv_name").out, before, "logical volumes")
        self.origins_are_clean(guest, volumes)

    def under_load(self, guest: Guest, volumes: Sequence[Volume], cut: bool, rounds: int, control: bool = False) -> None:
        counter = Counter(guest, [volume.path for volume in volumes])
        if not cut:
            self.cut_is_refused(guest, volumes)
        self.sets(guest, counter, volumes, cut, rounds)
        if control:
            self.control_is_torn(guest, counter, volumes)
        counter.stop()

    def cut_is_refused(self, guest: Guest, volumes: Sequence[Volume]) -> None:
        try:
            vssd.create(guest, [volume.path for volume in volumes], "--require", "cut")
        except vssd.Refused as refusal:
            self.equal(refusal.name, "ConsistencyNotReached", "the error")
        else:
            raise AssertionError("a set of less than one instant passes for a cut")
        self.equal(vssd.leftovers(guest), "", "what is left of a set that was refused")

    def sets(self, guest: Guest, counter: Counter, volumes: Sequence[Volume], cut: bool, rounds: int) -> None:
        violations: list[str] = []
        holds: list[float] = []
        start = time.monotonic()
        for number in range(rounds):
            counter.mark("before")
            made = self.create(guest, volumes, cut)
            counter.mark("after")
            self.equal(made["consistency"], "cut" if cut else "per-volume", f"level ({made['consistency_reason']})")
            self.equal(bool(made["consistency_reason"]), not cut, "a reason is given")
            holds.append(made["hold_ms"])
            snapshots = [vssd.snapshot_of(made, volume.path) for volume in volumes]
            said = counter.violations([snapshot["path"] for snapshot in snapshots])
            violations += [f"set {number}: {line}" for line in said if cut or line.startswith("content")]
            counter.stand_still()  # nothing depends on it any more, and what follows needs the processor
            self.snapshots_are_clean(guest, volumes, snapshots)
            if number % 2 == 0:  # every second one is removed under load
                counter.go_on()
            vssd.delete(guest, made)
            counter.go_on()
        say(f"{type(self).__name__}: {rounds} sets of {len(volumes)} in {time.monotonic() - start:.0f} s, {made['consistency']}, "
            f"{len(violations)} violations, longest hold: median {median(holds):.0f} ms, most {max(holds):.0f} ms")
        self.equal(violations, [], "violations")

    @staticmethod
    def create(guest: Guest, volumes: Sequence[Volume], cut: bool) -> dict[str, Any]:
        """Where a guest has to wait for a processor, the snapshots of one btrfs may miss each other's transaction ten times;
        the set says so, and another is made."""
        for _ in range(LOWERED_TRIES):
            made = vssd.create(guest, [volume.path for volume in volumes])
            if not cut or "into one transaction" not in made["consistency_reason"]:
                break
            say(f"a set is {made['consistency']}: {made['consistency_reason']}")
            vssd.delete(guest, made)
        return made

    @staticmethod
    def snapshots_are_clean(guest: Guest, volumes: Sequence[Volume], snapshots: Sequence[dict[str, Any]]) -> None:
        for volume, snapshot in zip(volumes, snapshots):
            if volume.filesystem != "btrfs":
                check_copy(guest, snapshot["device"], volume.filesystem)
        for device in {volume.device for volume in volumes if volume.filesystem == "btrfs"}:
            check_btrfs_in_use(guest, device)

    def control_is_torn(self, guest: Guest, counter: Counter, volumes: Sequence[Volume]) -> None:
        for attempt in range(CONTROL_TRIES):
            violations = [line for line in self.captured_one_by_one(guest, counter, volumes) if line.startswith("order")]
            if violations:
                say(f"{type(self).__name__}: the control is torn at try {attempt + 1}: {violations[0]}")
                return
        raise AssertionError("blind: captures one after another look as good as a set")

    def captured_one_by_one(self, guest: Guest, counter: Counter, volumes: Sequence[Volume]) -> list[str]:
        points = [f"{CONTROL}/{number}" for number in range(len(volumes))]
        captures = [plain_capture(volume, point) for volume, point in zip(volumes, points)]
        guest.run(f"mkdir -p {' '.join(points)}")
        counter.mark("before")
        guest.run("\n".join(["set -e", *(capture.take for capture in captures)]), timeout=120)
        counter.mark("after")
        guest.run("\n".join(["set -e", *(capture.show for capture in captures)]), timeout=120)
        said = counter.violations(points)
        guest.run("\n".join(["set -e", *(capture.drop for capture in captures)]), timeout=120)
        return said

    @staticmethod
    def origins_are_clean(guest: Guest, volumes: Sequence[Volume]) -> None:
        guest.run(f"tac /proc/self/mounts | awk '$2 ~ \"^{MOUNTS}/\" {{print $2}}' | xargs umount")
        for device, filesystem in {volume.device: volume.filesystem for volume in volumes if volume.kind != "image"}.items():
            if filesystem == "btrfs":
                guest.run(f"btrfs check {device}", timeout=120)
            else:
                check_copy(guest, device, filesystem)
