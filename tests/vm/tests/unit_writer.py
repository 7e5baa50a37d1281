# SPDX-License-Identifier: LGPL-2.1-or-later
"""Services that the real systemd has stand still for a set: what they write stops with Freeze, is on the snapshot so, and
goes on afterwards, whoever dies in between. What somebody else has frozen stays frozen, and what cannot be frozen fails
the set and nothing else."""
from __future__ import annotations

import re

from ring import storage, trouble
from ring.guest import Guest
from ring.remote import Process
from ring.soundness import expect_sound
from ring.testcase import Test
from ring.work import say

UNIT = "vss-writer-unit@app"
PLACES = ("/srv/data", "/srv/other")
SOON = 25  # seconds; well before the writer's own timer
IN_TIME = 120  # after its timer, or that of systemd's watchdog
UNITS = ("counter.service", "other.service")

# Counts in a file, without ever starting a program.
COUNTER = """[Service]
ExecStart=/bin/bash -c 'exec 3<> <(:); while :; do echo $((++n)) >>/srv/{volume}/count; read -rt 0.02 -u 3; done'
"""

WRITER = """
name = "app"
class_id = "c5f1a9d4-3a57-4c50-9b0e-52a8d2c3b7e1"
paths = ["/srv/data"]
units = ["counter.service", "other.service"]
freeze_timeout_ms = 60000
freeze_within_ms = 15000
"""


class UnitWriter(Test):
    disks = {"pv": "1G"}
    usual = ("trixie",)
    limit = 2400

    def run(self, guest: Guest) -> None:
        storage.make_group(guest, "data", ["pv"])
        for unit, volume in zip(UNITS, ("data", "other")):
            storage.thick(guest, "data", volume, "128M")
            guest.put(f"/etc/systemd/system/{unit}", COUNTER.format(volume=volume))
        guest.put("/etc/vssd/writers.d/app.toml", WRITER)
        guest.run(f"systemctl daemon-reload && systemctl start {' '.join(UNITS)} {UNIT}", timeout=120)
        self.brake = trouble.start_writer(guest, ["/srv/data"], trouble.stop_at("freeze"))
        self.wait_for_writer(guest)
        self.stands_still_on_the_snapshot(guest)
        self.one_that_cannot_stand_still_fails_the_set(guest)
        self.goes_on_when(guest, "the writer is killed", f"kill -9 {self.writer}")
        self.goes_on_when(guest, "writer and guard are killed", f"systemctl kill -s KILL {UNIT}")
        self.goes_on_when(guest, "writer and guard are stopped", f"systemctl kill -s STOP {UNIT}", IN_TIME)
        self.goes_on_when(guest, "vssd is killed", "systemctl kill -s KILL --kill-who=main vssd")
        self.goes_on_when(guest, "the requester is killed", "kill -9 $(pgrep -x vssctl)")
        self.somebody_elses_stays_frozen(guest)
        self.systemd_may_execute_itself_anew(guest)
        self.goes_on_when(guest, "the writer is stopped", f"kill -STOP {self.writer}", IN_TIME)
        self.goes_on_when(guest, "the writer is asked to end", f"systemctl restart {UNIT}")
        self.brake.stop()
        guest.run(f"systemctl stop {UNIT} {' '.join(UNITS)}", timeout=120)
        expect_sound(guest, ["/srv/data"])

    writer = f"$(systemctl show -P MainPID {UNIT})"

    @staticmethod
    def count(guest: Guest, place: str = "/srv/data") -> int:
        return int(guest.run(f"tail -n 1 {place}/count").out)

    @staticmethod
    def states(guest: Guest) -> list[str]:
        return guest.run(f"systemctl show -P FreezerState {' '.join(UNITS)}").out.split()

    def wait_for_writer(self, guest: Guest) -> None:
        guest.wait_for(lambda: {"app", "test"} <= set(re.findall(r"^\w+", guest.run("vssctl list writers").out, re.M)), 120)

    def expect_to_go_on(self, guest: Guest, when: str, places: tuple[str, ...] = PLACES, limit: float = SOON) -> None:
        for place in places:
            before = self.count(guest, place)
            try:
                guest.wait_for(lambda: self.count(guest, place) > before, limit)
            except Exception as error:
                raise AssertionError(f"what writes to {place} stands still after this: {when}") from error

    def begin(self, guest: Guest) -> Process:
        """A set in the making that waits in Freeze, with the units standing still."""
        making = trouble.begin(guest, ["/srv/data"])
        trouble.wait_until_at(guest, "freeze")
        guest.wait_for(lambda: self.states(guest) == ["frozen", "frozen"])
        return making

    def stands_still_on_the_snapshot(self, guest: Guest) -> None:
        making = self.begin(guest)
        stopped = self.count(guest)
        guest.run("sleep 2")
        self.equal(self.count(guest), stopped, "the count after two seconds in Freeze")
        trouble.go_on(guest, "freeze")
        trouble.wait_until_made(guest, making)
        snapshot = re.search(r"/run/vssd/snapshots/\S+", making.output())
        self.true(snapshot, f"a snapshot in {making.output()}")
        self.equal(self.count(guest, snapshot[0]), stopped, "the count on the snapshot")
        self.expect_to_go_on(guest, "Thaw")
        guest.wait_for(lambda: self.states(guest) == ["running", "running"])
        making.stop()

    def goes_on_when(self, guest: Guest, when: str, script: str, limit: float = SOON) -> None:
        say(f"UnitWriter: {when}")
        making = self.begin(guest)
        guest.run(script, timeout=120)
        self.expect_to_go_on(guest, when, limit=limit)
        trouble.go_on(guest, "freeze")
        said = making.wait(120, check=False).out
        self.true("/run/vssd/snapshots/" not in said, f"no set, as {when}: {said}")
        guest.wait_for(lambda: self.states(guest) == ["running", "running"])
        # A writer that was stopped is killed by systemd, and comes back.
        self.wait_for_writer(guest)
        guest.wait_for(lambda: guest.run(f"systemctl is-active {UNIT}", check=False).out == "active\n", 120)
        guest.wait_for(f"! test -e /run/vss-writer-unit/app/frozen && [ $(ps -o state= -p {self.writer}) != T ]", 120)

    def systemd_may_execute_itself_anew(self, guest: Guest) -> None:
        making = self.begin(guest)
        guest.run("systemctl daemon-reexec", timeout=120)
        self.equal(self.states(guest), ["frozen", "frozen"], "what systemd shows afterwards")
        trouble.go_on(guest, "freeze")
        trouble.wait_until_made(guest, making)
        self.expect_to_go_on(guest, "daemon-reexec")
        guest.wait_for(lambda: self.states(guest) == ["running", "running"])
        making.stop()

    def fail(self, guest: Guest) -> str:
        making = trouble.begin(guest, ["/srv/data"])
        guest.wait_for(lambda: guest.run("test -e /run/at.freeze", check=False).ok or not making.running(), 120)
        if making.running():
            self.expect_to_go_on(guest, "a unit that cannot be frozen", ("/srv/data",))
            trouble.go_on(guest, "freeze")
        return making.wait(120, check=False).out

    def somebody_elses_stays_frozen(self, guest: Guest) -> None:
        guest.run("systemctl freeze other.service")
        said = self.fail(guest)
        self.true("other.service cannot be frozen: somebody else has frozen it" in said, f"the message: {said}")
        self.equal(self.states(guest), ["running", "frozen"], "what systemd shows")
        guest.run("systemctl thaw other.service")
        self.expect_to_go_on(guest, "the thaw by who has frozen it")

    def one_that_cannot_stand_still_fails_the_set(self, guest: Guest) -> None:
        """A process that waits for a filesystem cannot be frozen, nor killed."""
        say("UnitWriter: one that cannot stand still")
        guest.run("fsfreeze -f /srv/other")
        try:
            guest.wait_for("grep -q '^State:.D' /proc/$(systemctl show -P MainPID other)/status")
            said = self.fail(guest)
        finally:
            guest.run("fsfreeze -u /srv/other")
        say(f"UnitWriter: the units of the set that failed: {self.states(guest)}")
        self.true("other.service cannot be frozen: FreezeUnit: no answer in time" in said, f"the message: {said}")
        self.expect_to_go_on(guest, "a unit that cannot stand still")
        making = self.begin(guest)
        trouble.go_on(guest, "freeze")
        trouble.wait_until_made(guest, making)
        self.expect_to_go_on(guest, "the next set")
        making.stop()
