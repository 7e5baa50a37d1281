# SPDX-License-Identifier: LGPL-2.1-or-later
"""Volume groups that lvm may not change: a disk that fails or is gone, one exported, one read-only. The error says which
and why, the volume of a healthy group that was to be in the same set has no snapshot. A disk that fails while the set
is being made is no different."""
from __future__ import annotations

from ring import storage, vssd
from ring.guest import Guest
from ring.soundness import expect_sound
from ring.testcase import Test
from ring.trouble import go_on, begin, set_up, start_writer, stop_at, wait_until_at

GOOD = "/srv/well"
BROKEN = "/srv/broken"


class BrokenGroups(Test):
    disks = {"pv": "256M", "pv2": "256M", "bad": "256M"}
    usual = ("trixie",)

    def run(self, guest: Guest) -> None:
        self.make(guest)
        set_up(guest, store="16MiB")
        self.a_disk_is_lost_beforehand(guest)
        self.a_disk_is_lost_while_writers_are_frozen(guest)
        self.flags(guest)
        made = vssd.create(guest, [GOOD, BROKEN])
        vssd.delete(guest, made)
        expect_sound(guest, [GOOD, BROKEN])

    def make(self, guest: Guest) -> None:
        """The second disk of the group "broken" is a mapping, so that it can fail."""
        storage.make_group(guest, "well", ["pv"])
        storage.thick(guest, "well", "well", "64M")
        bad = guest.disk("bad")
        guest.run(f"""sectors=$(($(blockdev --getsz {bad}) - 2048))
            echo "0 $sectors linear {bad} 2048" >/run/bad.whole && echo "0 $sectors error" >/run/bad.broken
            dmsetup create bad </run/bad.whole && vgcreate -q -y broken {guest.disk('pv2')} /dev/mapper/bad""")
        storage.thick(guest, "broken", "broken", "64M", extents=guest.disk("pv2"))

    def disk_becomes(self, guest: Guest, state: str) -> None:
        guest.run(f"dmsetup load bad </run/bad.{state} && dmsetup suspend --noflush --nolockfs bad && dmsetup resume bad")

    def expect_refused(self, guest: Guest, text: str) -> None:
        try:
            vssd.create(guest, [GOOD, BROKEN])
        except vssd.Refused as refused:
            self.equal(refused.name, "ProviderVeto", f"the error: {refused}")
            self.true("broken" in refused.message and text in refused.message, f"{text!r} and the group are in: {refused}")
        else:
            raise AssertionError(f"a set was made, although {text}")
        expect_sound(guest, [GOOD, BROKEN])

    def a_disk_is_lost_beforehand(self, guest: Guest) -> None:
        self.disk_becomes(guest, "broken")
        self.expect_refused(guest, "lacks a disk")
        self.disk_becomes(guest, "whole")
        guest.wait_for("[ $(vgs --noheadings -o vg_missing_pv_count broken) = 0 ]")

    def a_disk_is_lost_while_writers_are_frozen(self, guest: Guest) -> None:
        writer = start_writer(guest, [GOOD], stop_at("freeze"))
        making = begin(guest, [GOOD, BROKEN])
        wait_until_at(guest, "freeze")
        self.disk_becomes(guest, "broken")
        go_on(guest, "freeze")
        said = making.wait(120, check=False).out
        self.true("ProviderVeto" in said, f"a typed error: {said}")
        self.disk_becomes(guest, "whole")
        writer.stop()
        # What lies in a group that could not be written is removed when it can be.
        guest.run("vgextend -q --restoremissing broken /dev/mapper/bad; vssctl gc", check=False, timeout=120)
        expect_sound(guest, [GOOD, BROKEN])

    def flags(self, guest: Guest) -> None:
        """lvm sets these only while no volume is in use; another machine that shares the disks does it at any time."""
        for wrong, text in (('"RESIZEABLE", "READ", "WRITE", "EXPORTED"', "exported"), ('"RESIZEABLE", "READ"', "read-only")):
            self.write_flags(guest, wrong)
            self.expect_refused(guest, text)
            self.write_flags(guest, '"RESIZEABLE", "READ", "WRITE"')

    def write_flags(self, guest: Guest, flags: str) -> None:
        guest.run(f"""vgcfgbackup -q -f /run/metadata broken || [ -s /run/metadata ]
            sed -i '0,/^\\tstatus = .*/s//\\tstatus = [{flags}]/' /run/metadata
            vgcfgrestore -q --yes -f /run/metadata broken""")
