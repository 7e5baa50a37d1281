# SPDX-License-Identifier: LGPL-2.1-or-later
"""What may happen to lvm while a set is made: it is killed in the middle of a command, it hangs, somebody else has
locked the volume group. No set, an error that says what it was, nothing suspended, and the next set is made: beside five
snapshots of the same origins, and beside a set of vssd's own."""
from __future__ import annotations

from ring import storage, vssd
from ring.guest import Guest
from ring.soundness import expect_sound
from ring.testcase import Test
from ring.trouble import (hold_lock, kill_lvm_at_work, kill_lvm_loading, kill_lvm_suspending, set_up, start_writer,
                          take_lock, unlock)
from ring.work import say

MOMENTS = (0.0, 0.15, 0.4, 0.9)  # seconds after lvm's first command in the window has begun
SCRIPT = "/run/at-freeze"


class LvmTrouble(Test):
    disks = {"pv": "1G"}
    usual = ("trixie",)

    def run(self, guest: Guest) -> None:
        storage.make_group(guest, "data", ["pv"])
        storage.make_pool(guest, "data", "256M")
        self.volumes = [storage.thick(guest, "data", "thick", "64M"), storage.thin(guest, "data", "thin", "64M")]
        self.paths = [volume.path for volume in self.volumes]
        set_up(guest, store="16MiB", command_limit_s=10)
        writer = start_writer(guest, self.paths, {"freeze": f". {SCRIPT}"})
        self.killed_in_the_middle_of_a_command(guest)
        self.hangs(guest)
        self.locked_beforehand(guest)
        self.locked_in_the_window(guest)
        writer.stop()
        set_up(guest, store="16MiB")
        self.killed_in_a_removal_that_somebody_waits_for(guest)
        self.beside_other_snapshots(guest)

    def expect_refused(self, guest: Guest, *texts: str) -> None:
        try:
            made = vssd.create(guest, self.paths)
        except vssd.Refused as refused:
            self.equal(refused.name, "ProviderVeto", f"the error: {refused}")
            for text in texts:
                self.true(text in refused.message, f"{text!r} is in: {refused}")
        else:
            raise AssertionError(f"a set was made all the same: {made}")

    def killed_in_the_middle_of_a_command(self, guest: Guest) -> None:
        kills = [(f"{moment} s after its begin", kill_lvm_at_work("data", moment)) for moment in MOMENTS]
        kills.append(("while it loads tables", kill_lvm_loading("data-thick")))
        refusals = 0
        for moment, kill in kills:
            guest.put(SCRIPT, kill)
            try:
                vssd.delete(guest, vssd.create(guest, self.paths))
            except vssd.Refused as refused:
                say(f"LvmTrouble: killed {moment}: {refused}")
                self.equal(refused.name, "ProviderVeto", f"the error: {refused}")
                self.true("killed" in refused.message, f"the error says so: {refused}")
                refusals += 1
            self.equal(guest.run("cat /run/killed", check=False).out, "killed\n", f"lvm {moment}")
            expect_sound(guest, self.paths)
        self.true(refusals >= 2, "lvm was killed before it had captured all")

    def hangs(self, guest: Guest) -> None:
        guest.put(SCRIPT, "kill -STOP $(pgrep -x vssd-lvm)")
        self.expect_refused(guest, "did not end in time")
        expect_sound(guest, self.paths)

    def locked_beforehand(self, guest: Guest) -> None:
        holder = hold_lock(guest, "data")
        self.expect_refused(guest, "data is locked by flock")
        holder.stop()
        expect_sound(guest, self.paths)

    def locked_in_the_window(self, guest: Guest) -> None:
        """What has been made until then cannot be removed before the lock is free."""
        guest.put(SCRIPT, take_lock("data"))
        self.expect_refused(guest, "data is locked by flock")
        unlock(guest)
        expect_sound(guest, self.paths)

    def killed_in_a_removal_that_somebody_waits_for(self, guest: Guest) -> None:
        """Who has waited for the lock gets it, and knows nothing of what lvm has left suspended. Nobody removes one snapshot a
        second time by itself."""
        made = self.captured(guest, "first")
        thick = vssd.snapshot_of(made, self.paths[0])["snapshot_id"]
        guest.run(kill_lvm_suspending("data-thick", "data"))
        said = guest.run(["vssctl", "delete", "--yes", "--snapshot", thick], timeout=120, check=False)
        self.equal(guest.run("cat /run/killed", check=False).out, "killed\n", f"lvm: {said}")
        self.true(not said.ok, f"the removal failed: {said}")
        guest.wait_for("! dmsetup info -c --noheadings -o suspended | grep -q Suspended", 20)
        vssd.delete(guest, made)
        expect_sound(guest, self.paths)

    def beside_other_snapshots(self, guest: Guest) -> None:
        guest.run("""set -e
            for i in 1 2 3 4 5; do
              lvcreate -q -y -s -n thick.$i -L 8M data/thick && lvcreate -q -y -s -n thin.$i data/thin
            done""", timeout=180)
        sets = [self.captured(guest, "first"), self.captured(guest, "second")]
        for made, text in zip(sets, ("first", "second")):
            self.holds(guest, made, text)
        vssd.delete(guest, sets[0])
        self.holds(guest, sets[1], "second")
        vssd.delete(guest, sets[1])
        expect_sound(guest, self.paths)
        others = "lvs --noheadings -o lv_name -S 'lv_name=~\"^thi(ck|n)[.]\" && lv_snapshot_invalid!=1' data | grep -c ."
        self.equal(guest.run(others).out, "10\n", "snapshots that are not vssd's")

    def captured(self, guest: Guest, text: str) -> dict:
        guest.run("\n".join(f"echo {text} >{path}/file" for path in self.paths))
        return vssd.create(guest, self.paths)

    def holds(self, guest: Guest, made: dict, text: str) -> None:
        for path in self.paths:
            snapshot = vssd.snapshot_of(made, path)
            self.equal(guest.run(f"cat {snapshot['path']}/file").out, f"{text}\n", f"{path} in the {text} set")
            storage.check_copy(guest, snapshot["device"], "ext4")
