# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sets on logical volumes, thick and thin, that are broken: their volumes live on. Volumes that are reverted to a
snapshot: at once when nobody uses them, by force with the next activation, over a reboot. What would be lost by it is
refused. Stores that are limited."""
from __future__ import annotations

import json
from typing import Any

from ring import storage, vssd
from ring.guest import Guest
from ring.soundness import expect_sound
from ring.testcase import Test
from ring.trouble import set_up

MIB = 1 << 20
LIMIT = 180


def ask(guest: Guest, *words: str) -> Any:
    """What vssctl answers; Refused is raised for an error of the list."""
    result = guest.run(["vssctl", *words, "--json"], check=False, timeout=LIMIT)
    answer = json.loads(result.out.splitlines()[0])
    if isinstance(answer, dict) and "error" in answer:
        raise vssd.Refused(answer["error"])
    return answer


class BreakAndRevert(Test):
    disks = {"pv": "1G"}
    usual = ("bookworm",)

    def run(self, guest: Guest) -> None:
        storage.make_group(guest, "data", ["pv"])
        storage.make_pool(guest, "data", "256M")
        self.volumes = [storage.thick(guest, "data", "thick", "96M"), storage.thin(guest, "data", "thin", "64M")]
        self.paths = [volume.path for volume in self.volumes]
        set_up(guest, store="16MiB")
        self.broken_volumes_live_on(guest)
        self.reverted_when_nobody_uses_it(guest)
        self.taken_back_if_it_was_killed_before_the_merge(guest)
        self.refused_while_others_have_no_room(guest)
        self.stores_are_limited(guest)
        self.forced_and_done_by_a_reboot(guest)

    # --- what all of them do

    def write(self, guest: Guest, text: str) -> None:
        guest.run("\n".join(f"echo {text} >{path}/file && sync -f {path}" for path in self.paths))

    def text(self, guest: Guest, path: str) -> str:
        return guest.run(f"cat {path}/file").out.strip()

    def refused(self, guest: Guest, name: str, text: str, *words: str) -> None:
        try:
            answer = ask(guest, *words)
        except vssd.Refused as refused:
            self.equal(refused.name, name, f"the error: {refused}")
            self.true(text in refused.message, f"{text!r} is in: {refused}")
        else:
            raise AssertionError(f"{words} was not refused: {answer}")

    def lvs(self, guest: Guest, fields: str, what: str = "data") -> list[str]:
        return guest.run(f"lvs -a --noheadings --nosuffix --units b --separator / -o {fields} {what}").out.split()

    def state(self, guest: Guest, path: str) -> str:
        return ask(guest, "revert-status", path)["state"]

    # --- the tests

    def broken_volumes_live_on(self, guest: Guest) -> None:
        self.write(guest, "first")
        made = vssd.create(guest, self.paths)
        self.write(guest, "second")
        broken = ask(guest, "break", made["set_id"], "--writable")
        self.equal(sorted(one["volume"] for one in broken), sorted(self.paths), "the volumes")
        self.equal(ask(guest, "list", "snapshots"), [], "what vssd knows")
        self.equal(ask(guest, "gc")["removed"], 0, "what is garbage")
        guest.run("systemctl restart vssd && vssctl gc", timeout=120)
        self.true("vssd" not in guest.run("lvs --noheadings -o lv_tags data").out, "no tag of vssd is left")
        guest.run("mkdir -p /run/broken")
        for one in broken:
            guest.run(f"mount {one['device']} /run/broken")
            self.equal(self.text(guest, "/run/broken"), "first", f"what {one['location']} shows")
            guest.run("echo written >/run/broken/file && umount /run/broken")
            (attributes,) = self.lvs(guest, "lv_attr", one["location"])
            self.true(attributes[1] == "w" and "k" not in attributes[9:], f"writable, activated with others: {attributes}")
        for path in self.paths:
            self.equal(self.text(guest, path), "second", f"{path} itself")
        guest.run("lvremove -q -y " + " ".join(one["location"] for one in broken), timeout=120)
        expect_sound(guest, self.paths)

    def reverted_when_nobody_uses_it(self, guest: Guest) -> None:
        self.write(guest, "before")
        made = vssd.create(guest, self.paths)
        self.write(guest, "after")
        for volume in self.volumes:
            snapshot = vssd.snapshot_of(made, volume.path)["snapshot_id"]
            self.refused(guest, "VolumeInUse", "is mounted or open", "revert", snapshot)
            self.true(snapshot in vssd.snapshots(guest), "a refused one is there still")
            self.equal(self.text(guest, volume.path), "after", f"{volume.path} after the refusal")
            guest.run(f"umount {volume.path}")
            state = ask(guest, "revert", snapshot)["state"]
            self.true(state in ("done", "running"), f"the revert of {volume.kind} is {state}")
            guest.wait_for(lambda: self.state(guest, volume.path) == "done", LIMIT)
            self.true(snapshot not in vssd.snapshots(guest), "it is used up")
            guest.run(f"mount {volume.device} {volume.path}")
            self.equal(self.text(guest, volume.path), "before", f"{volume.path} after the revert")
            (facts,) = self.lvs(guest, "lv_attr,lv_tags", volume.full_name)
            attributes, _, tags = facts.partition("/")
            self.true(attributes[1] == "w" and "k" not in attributes[9:], f"an ordinary volume: {attributes}")
            self.equal(tags, "", "its tags")
        expect_sound(guest, self.paths)
        # They can be captured and reverted again.
        again = vssd.create(guest, self.paths)
        vssd.delete(guest, again)

    def taken_back_if_it_was_killed_before_the_merge(self, guest: Guest) -> None:
        made = vssd.create(guest, self.paths)
        facts = sorted(self.lvs(guest, "lv_name,lv_attr,lv_tags", "-S lv_name=~_vss_ data"))
        guest.run("systemctl stop vssd", timeout=120)
        for name, _, tags in (fact.split("/") for fact in facts):
            untag = " ".join(f"--deltag {tag}" for tag in tags.split(","))
            skip = "lvchange -q -kn data/" + name if "thin" in name else ":"
            guest.run(f"lvchange -q -prw data/{name} && {skip} && lvchange -q {untag} data/{name}", timeout=120)
        guest.run("systemctl start vssd", timeout=120)
        self.equal(sorted(self.lvs(guest, "lv_name,lv_attr,lv_tags", "-S lv_name=~_vss_ data")), facts, "as they were")
        vssd.delete(guest, made)
        self.equal(self.lvs(guest, "lv_name", "-S lv_name=~_vss_ data"), [], "snapshots that are left")

    def refused_while_others_have_no_room(self, guest: Guest) -> None:
        thick = self.volumes[0]
        self.write(guest, "before")
        first = vssd.create(guest, [thick.path])
        second = vssd.create(guest, [thick.path])
        guest.run(f"dd if=/dev/urandom of={thick.path}/large bs=1M count=9 conv=fsync status=none && umount {thick.path}")
        snapshot = first["snapshots"][0]["snapshot_id"]
        self.refused(guest, "VolumeInUse", "have no room for what the merge overwrites", "revert", snapshot)
        vssd.delete(guest, second)
        ask(guest, "revert", snapshot)
        guest.wait_for(lambda: self.state(guest, thick.path) == "done", LIMIT)
        guest.run(f"mount {thick.device} {thick.path} && [ ! -e {thick.path}/large ]")
        expect_sound(guest, self.paths)

    def stores_are_limited(self, guest: Guest) -> None:
        thick, thin = self.volumes
        made = vssd.create(guest, self.paths)
        snapshot = vssd.snapshot_of(made, thick.path)
        guest.run(f"dd if=/dev/urandom of={thick.path}/large bs=1M count=4 conv=fsync status=none")
        size = lambda: int(self.lvs(guest, "lv_size", "-S 'lv_attr=~^s' data")[0])
        (place,) = [one for one in ask(guest, "list", "storage") if one["volume"] == thick.path]
        self.equal((place["allocated"], place["maximum"]), (16 * MIB, 0), "the store at first")
        self.true(4 * MIB <= place["used"] <= 8 * MIB, f"what is in the store: {place}")
        pool = [one["location"] for one in ask(guest, "list", "storage") if one["volume"] == thin.path]
        self.equal(sorted(pool), ["data/pool (data)", "data/pool (metadata)"], "where the thin one is stored")
        for words, expected in ((("32MiB",), 32), (("24MiB",), 24)):
            ask(guest, "resize-storage", thick.path, *words)
            self.equal(size(), expected * MIB, f"the store limited to {words}")
            guest.run(f"e2fsck -fn {snapshot['device']}", timeout=120)
        self.refused(guest, "InsufficientStorage", "cannot be smaller", "resize-storage", snapshot["snapshot_id"], "4MiB")
        self.refused(guest, "NotSupported", "share its space", "resize-storage", thin.path, "1GiB")
        # It does not grow beyond its limit, and does without one.
        guest.run(f"dd if=/dev/urandom of={thick.path}/large bs=1M count=15 seek=4 conv=fsync,notrunc status=none")
        guest.wait_for(lambda: self.health(guest, snapshot["snapshot_id"]) == "at-risk", 60)
        self.equal(size(), 24 * MIB, "the store at its limit")
        ask(guest, "resize-storage", snapshot["snapshot_id"], "none")
        guest.wait_for(lambda: size() > 24 * MIB, 120)
        vssd.delete(guest, made)
        guest.run(f"rm {thick.path}/large")
        expect_sound(guest, self.paths)

    def health(self, guest: Guest, snapshot: str) -> str:
        return next(one["health"] for one in ask(guest, "list", "snapshots") if one["snapshot_id"] == snapshot)

    def forced_and_done_by_a_reboot(self, guest: Guest) -> None:
        self.write(guest, "before")
        made = vssd.create(guest, self.paths)
        self.write(guest, "after")
        for volume in self.volumes:
            snapshot = vssd.snapshot_of(made, volume.path)["snapshot_id"]
            answer = ask(guest, "revert", snapshot, "--force")
            self.equal(answer["state"], "pending-reboot", f"the revert of {volume.kind}: {answer}")
            self.equal(self.state(guest, volume.path), "pending-reboot", "its status")
            self.equal(self.text(guest, volume.path), "after", f"{volume.path} until then")
        self.equal(ask(guest, "list", "snapshots"), [], "they are used up")
        guest.run("systemctl restart vssd && vssctl status", timeout=120)
        for volume in self.volumes:
            self.equal(self.state(guest, volume.path), "pending-reboot", "status for another run of vssd")
        guest.reboot()
        for volume in self.volumes:
            guest.run(f"lvchange -q -ay {volume.full_name} && mount {volume.device} {volume.path}", timeout=120)
            self.equal(self.text(guest, volume.path), "before", f"{volume.path} after the reboot")
            guest.wait_for(lambda: self.state(guest, volume.path) == "none", LIMIT)
        self.equal(sorted(self.lvs(guest, "lv_name", "-S 'lv_name=~vss' data")), [], "snapshots that are left")
        expect_sound(guest, self.paths)
