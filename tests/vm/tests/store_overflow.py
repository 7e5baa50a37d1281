# SPDX-License-Identifier: LGPL-2.1-or-later
"""The store of a thick snapshot fills up while the snapshot is in use: it grows while its group has space. When it
cannot grow, also because lvm cannot be asked, who uses it hears so, with the time that is left, before it is lost, and
again when it is. The set stays until it is deleted. A deletion that waits does not keep other stores from growing."""
from __future__ import annotations

import json

from ring import storage, vssd
from ring.guest import Guest
from ring.remote import Process
from ring.soundness import expect_sound
from ring.testcase import Test
from ring.trouble import hold_lock, set_up


class StoreOverflow(Test):
    disks = {"pv": "512M", "other": "512M"}
    usual = ("trixie",)

    def run(self, guest: Guest) -> None:
        storage.make_group(guest, "data", ["pv"])
        self.path = storage.thick(guest, "data", "one", "128M").path
        set_up(guest, store="16MiB")
        self.it_grows_while_there_is_space(guest)
        self.it_is_at_risk_while_lvm_cannot_be_asked(guest)
        self.it_grows_while_a_deletion_waits(guest)
        self.lost_is_told_in_time(guest)

    def write(self, guest: Guest, mebibytes: int, pause: float = 0.5) -> Process:
        """About a MiB a second, where the snapshot has nothing yet; slower with a longer pause after each half."""
        return guest.spawn(f"""for i in $(seq {2 * mebibytes}); do
            dd if=/dev/zero of={self.path}/file bs=512k count=1 seek=$i conv=notrunc,fsync status=none
            sleep {pause}; done""")

    @staticmethod
    def watch(guest: Guest) -> Process:
        return guest.spawn("exec busctl monitor --json=short --match=\"type='signal',member='SnapshotInvalidated'\"")

    def health(self, guest: Guest) -> str:
        (snapshot,) = json.loads(guest.run("vssctl list snapshots --json").out)
        return snapshot["health"]

    @staticmethod
    def store_size(guest: Guest) -> float:
        """Of the one snapshot in the group, in MiB."""
        return float(guest.run("lvs --noheadings --nosuffix --units m -o lv_size -S 'lv_attr=~^s' data").out)

    def it_grows_while_there_is_space(self, guest: Guest) -> None:
        made = vssd.create(guest, [self.path])
        self.equal(self.store_size(guest), 16.0, "the store at first")
        load = self.write(guest, 13)
        guest.wait_for(lambda: self.store_size(guest) >= 32, 120)
        load.wait(180)
        self.equal(self.health(guest), "good", "health of a snapshot whose store grows")
        guest.run(f"e2fsck -fn {made['snapshots'][0]['device']}")
        vssd.delete(guest, made)
        expect_sound(guest, [self.path])

    def it_is_at_risk_while_lvm_cannot_be_asked(self, guest: Guest) -> None:
        """Somebody has the lock of the group for too long. As soon as it is free again the store grows."""
        made = vssd.create(guest, [self.path])
        monitor = self.watch(guest)
        holder = hold_lock(guest, "data")
        load = self.write(guest, 24, pause=1.5)
        told = guest.wait_for(lambda: self.told(monitor, "at-risk") or self.told(monitor, "lost"), 180)
        load.stop()
        holder.stop()
        self.equal(told[0]["state"], "at-risk", f"what is told first: {told}")
        self.true(told[0]["left"] > 0, f"the time that is left was told: {told}")
        self.true("cannot grow" in told[0]["reason"], f"why: {told[0]['reason']}")
        self.true("data is locked by flock" in told[0]["reason"], f"who has the lock: {told[0]['reason']}")
        guest.wait_for(lambda: self.store_size(guest) >= 32, 120)
        guest.wait_for(lambda: self.health(guest) == "good", 60)
        monitor.stop()
        vssd.delete(guest, made)
        expect_sound(guest, [self.path])

    def it_grows_while_a_deletion_waits(self, guest: Guest) -> None:
        """The lock of another group is held, and the deletion of a snapshot there waits for it."""
        storage.make_group(guest, "other", ["other"])
        other = storage.thick(guest, "other", "two", "64M")
        elsewhere, made = vssd.create(guest, [other.path]), vssd.create(guest, [self.path])
        self.write(guest, 10, pause=0).wait(180)
        holder = hold_lock(guest, "other")
        deletion = guest.spawn(f"exec vssctl delete --yes --set {elsewhere['set_id']}")
        guest.wait_for("grep -q '^[0-9]*: -> FLOCK' /proc/locks", 60)  # lvm waits
        self.equal(self.store_size(guest), 16.0, "the store before")
        load = self.write(guest, 13, pause=0.2)
        guest.wait_for(lambda: self.store_size(guest) >= 32, 50)  # the deletion waits for 60 s
        self.true(deletion.running(), "the deletion waits meanwhile")
        holder.stop()
        deletion.wait(120)
        load.wait(180)
        vssd.delete(guest, made)
        expect_sound(guest, [self.path, other.path])
        guest.run(f"umount {other.path} && vgremove -q -y other", timeout=120)

    def lost_is_told_in_time(self, guest: Guest) -> None:
        made = vssd.create(guest, [self.path])
        guest.run("lvcreate -q -y -n filler -l 100%FREE data")
        monitor = self.watch(guest)
        load = self.write(guest, 24)
        told = guest.wait_for(lambda: self.told(monitor, "lost"), 180)
        self.equal((told[0]["state"], told[-1]["state"]), ("at-risk", "lost"), "what is told first and last")
        times = [one["left"] for one in told if one["state"] == "at-risk" and one["left"] >= 0]
        self.true(times and times[0] > 0, f"the time that is left was told: {told}")
        self.true("cannot grow" in told[0]["reason"], f"why: {told[0]['reason']}")
        load.stop()
        self.equal(self.health(guest), "lost", "health in the list")
        self.true("lost" in guest.run(f"vssctl show {made['set_id']}").out, "show says that it is lost")
        self.true("lost" in guest.run("vssctl list snapshots").out, "the table says that it is lost")
        monitor.stop()
        self.no_set_without_space(guest)
        vssd.delete(guest, made)
        guest.run("lvremove -q -y data/filler")
        expect_sound(guest, [self.path])

    def no_set_without_space(self, guest: Guest) -> None:
        try:
            vssd.create(guest, [self.path])
        except vssd.Refused as refused:
            self.equal(refused.name, "InsufficientStorage", f"the error: {refused}")
        else:
            raise AssertionError("a set is made in a group without space")

    @staticmethod
    def told(monitor: Process, until: str) -> list[dict]:
        """The signals, when one with that state has come."""
        lines = [json.loads(line) for line in monitor.output().splitlines() if line.endswith("}")]
        signals = [dict(zip(("set", "snapshot", "state", "left", "reason"), line["payload"]["data"]))
                   for line in lines if line.get("member") == "SnapshotInvalidated"]
        return signals if any(signal["state"] == until for signal in signals) else []
