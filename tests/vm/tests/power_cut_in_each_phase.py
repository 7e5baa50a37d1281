# SPDX-License-Identifier: LGPL-2.1-or-later
"""The power fails in each phase of making a set of thick, thin and btrfs volumes, and while one is deleted. After the next
boot the volumes are active and can be written, what was half made, half deleted or auto-release is gone, persistent sets
are mounted and check clean."""
from __future__ import annotations

import json
import os

from ring import storage, vssd
from ring.guest import Guest
from ring.soundness import expect_sound
from ring.testcase import Test
from ring.trouble import (begin, reset_at_work, reset_while_held, set_up, start_writer, stop_at, wait_until_at,
                          wait_until_made)

# One power cut and boot each. run.sh has the first ones only; from five on, which is --all, there are all of them.
ROUNDS = int(os.environ.get("VSSD_VM_ROUNDS", "2"))
PHASES = ("capture", "published", "post_snapshot", "freeze", "prepare", "stores", "thaw", "final_commit", "deletion")
CUTS = max(ROUNDS, len(PHASES)) if ROUNDS >= 5 else ROUNDS
PATIENT = ",x-systemd.device-timeout=240,x-systemd.mount-timeout=240"


class PowerCutInEachPhase(Test):
    disks = {"pv": "512M", "btrfs": "256M"}
    limit = 1700 + 350 * CUTS
    usual = ("bookworm",)

    def run(self, guest: Guest) -> None:
        self.make(guest)
        self.kept = [self.keep(guest, "first")]
        for number in range(CUTS):
            phase = PHASES[number % len(PHASES)]
            getattr(self, phase)(guest)
            guest.power_cut_and_boot()
            self.everything_is_well(guest, phase)

    def make(self, guest: Guest) -> None:
        storage.make_group(guest, "data", ["pv"])
        storage.make_pool(guest, "data", "160M")
        volumes = [storage.thick(guest, "data", "thick", "64M"), storage.thin(guest, "data", "thin", "64M"),
                   *storage.subvolumes(guest, guest.disk("btrfs"), ["sub"])]
        self.paths = [volume.path for volume in volumes]
        guest.run(f"awk '$2 ~ \"^/srv/\" {{ $4 = $4 \"{PATIENT}\"; print }}' /proc/self/mounts >>/etc/fstab")
        set_up(guest, store="16MiB")
        guest.run("sync")

    def keep(self, guest: Guest, text: str) -> tuple[dict, str]:
        guest.run("\n".join(f"echo {text} >{path}/file" for path in self.paths))
        made = vssd.create(guest, self.paths)
        guest.run("\n".join(f"echo later >{path}/file" for path in self.paths))
        return made, text

    def stopped_in(self, guest: Guest, event: str, *options: str) -> None:
        start_writer(guest, self.paths, stop_at(event))
        begin(guest, self.paths, *options)
        wait_until_at(guest, event)

    def off_at_work(self, guest: Guest, event: str) -> None:
        """The machine is off while lvm does what follows the event."""
        self.off_by(guest, {event: reset_at_work("data", 0.5)})

    def off_by(self, guest: Guest, commands: dict[str, str]) -> None:
        start_writer(guest, self.paths, commands)
        begin(guest, self.paths, "--persistent")
        guest.wait_until_off()

    def prepare(self, guest: Guest) -> None:
        self.stopped_in(guest, "prepare_for_snapshot", "--persistent")

    def stores(self, guest: Guest) -> None:
        """In the middle of the command that makes the first one."""
        self.off_at_work(guest, "prepare_for_snapshot")

    def freeze(self, guest: Guest) -> None:
        """The stores are there."""
        self.stopped_in(guest, "freeze")

    def capture(self, guest: Guest) -> None:
        """In the middle of lvm's commands, while volumes are held."""
        self.off_by(guest, {"freeze": reset_while_held("data-thick")})

    def thaw(self, guest: Guest) -> None:
        """All is captured, and nothing held."""
        self.stopped_in(guest, "thaw", "--persistent")

    def post_snapshot(self, guest: Guest) -> None:
        """The snapshots are there, and writable."""
        self.stopped_in(guest, "post_snapshot", "--persistent")

    def final_commit(self, guest: Guest) -> None:
        """In the middle of the command that makes the snapshots read-only."""
        self.off_at_work(guest, "post_snapshot")

    def published(self, guest: Guest) -> None:
        """One that is to stay, and one that is not."""
        wait_until_made(guest, begin(guest, self.paths))
        self.kept.append(self.keep(guest, "last"))

    def deletion(self, guest: Guest) -> None:
        made = vssd.create(guest, self.paths)
        guest.run(reset_at_work("data", 0.5))
        guest.spawn(["vssctl", "delete", "--yes", "--set", made["set_id"]])
        guest.wait_until_off()

    def everything_is_well(self, guest: Guest, phase: str) -> None:
        expect_sound(guest, self.paths)
        there = {snapshot["snapshot_id"]: snapshot for snapshot in json.loads(guest.run("vssctl list snapshots --json").out)}
        wanted = {snapshot["snapshot_id"] for made, _ in self.kept for snapshot in made["snapshots"]}
        self.equal(set(there), wanted, f"snapshots after a power cut in {phase}")
        for made, text in self.kept:
            for snapshot in made["snapshots"]:
                now = there[snapshot["snapshot_id"]]
                self.equal(guest.run(f"cat {now['path']}/file").out, f"{text}\n", f"{now} after a power cut in {phase}")
                if now["provider"] == "lvm":
                    storage.check_copy(guest, now["device"], "ext4")
        storage.check_btrfs_in_use(guest, guest.disk("btrfs"))
