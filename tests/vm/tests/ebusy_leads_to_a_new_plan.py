# SPDX-License-Identifier: LGPL-2.1-or-later
"""The setting "hold" is believed instead of the kernel. One that does not freeze what is frozen refuses lvm's own
suspend with EBUSY: the set is then planned and made once more, and its result tells what it has reached. On one that does,
suspending the thick volumes is as good a plan."""
from __future__ import annotations

from typing import Sequence

from ring import storage, vssd
from ring.guest import Guest
from ring.soundness import expect_sound
from ring.storage import Volume
from ring.testcase import Test
from ring.trouble import journal, set_up

AGAIN = "trying again with another kind of hold"


class EbusyLeadsToANewPlan(Test):
    disks = {"pv": "1G"}
    usual = ("bookworm",)

    def run(self, guest: Guest) -> None:
        storage.make_group(guest, "data", ["pv"])
        storage.make_pool(guest, "data", "256M")
        thick = storage.thick(guest, "data", "thick", "64M")
        thin = [storage.thin(guest, "data", name, "64M") for name in ("thin-one", "thin-two")]
        self.paths = [volume.path for volume in (thick, *thin)]
        nests = vssd.nests_freezes(guest)
        self.hold = "suspend" if nests else "freeze"
        self.attempts = 0 if nests else 1
        self.reaches(guest, [thin[0], thick], "cut")
        self.reaches(guest, [thick, *thin], "per-volume")
        self.cut_is_refused(guest, [thick, *thin])

    def restart(self, guest: Guest) -> None:
        """What the provider has learnt of the kernel is forgotten."""
        set_up(guest, store="16MiB", hold=self.hold)

    def refusals(self, guest: Guest) -> int:
        return journal(guest).count(AGAIN)

    def reaches(self, guest: Guest, volumes: Sequence[Volume], level: str) -> None:
        """The second set is planned well at once."""
        self.restart(guest)
        before = self.refusals(guest)
        for text in ("one", "two"):
            self.one_set(guest, volumes, level, text)
            self.equal(self.refusals(guest) - before, self.attempts, f"attempts that were refused, after set {text}")

    def one_set(self, guest: Guest, volumes: Sequence[Volume], level: str, text: str) -> None:
        paths = [volume.path for volume in volumes]
        guest.run("\n".join(f"echo {text} >{path}/file" for path in paths))
        made = vssd.create(guest, paths)
        self.equal(made["consistency"], level, f"level ({made['consistency_reason']})")
        self.equal("thin-two" in made["consistency_reason"], level == "per-volume", f"why: {made['consistency_reason']}")
        guest.run("\n".join(f"echo later >{path}/file" for path in paths))
        for path in paths:
            snapshot = vssd.snapshot_of(made, path)
            self.equal(guest.run(f"cat {snapshot['path']}/file").out, f"{text}\n", f"the snapshot of {path}")
            storage.check_copy(guest, snapshot["device"], "ext4")
        vssd.delete(guest, made)
        expect_sound(guest, self.paths)

    def cut_is_refused(self, guest: Guest, volumes: Sequence[Volume]) -> None:
        self.restart(guest)
        try:
            vssd.create(guest, [volume.path for volume in volumes], "--require", "cut")
        except vssd.Refused as refused:
            self.equal(refused.name, "ConsistencyNotReached", f"the error: {refused}")
            self.equal("second attempt" in refused.message, bool(self.attempts), f"of the second attempt: {refused}")
        else:
            raise AssertionError("a set of less than one instant passes for a cut")
        expect_sound(guest, self.paths)
        self.equal(vssd.leftovers(guest), "", "what is left")
