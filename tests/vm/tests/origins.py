# SPDX-License-Identifier: LGPL-2.1-or-later
"""What may be the origin of a snapshot: mirrored and cached logical volumes are captured and check clean; what is on a
device of another kind is refused with a reason; a btrfs on a logical volume belongs to the btrfs provider."""
from __future__ import annotations

from ring import vssd
from ring.guest import Guest
from ring.storage import Volume, check_copy, make_group, thick
from ring.testcase import Test


class Origins(Test):
    disks = {"first": "1G", "second": "1G", "plain": "64M"}
    usual = ("trixie",)

    def run(self, guest: Guest) -> None:
        make_group(guest, "data", ["first", "second"])
        for volume in (self.mirrored(guest), self.cached(guest), self.striped(guest)):
            self.is_captured(guest, volume)
        self.btrfs_goes_to_its_provider(guest)
        self.linear_device_is_refused(guest)
        self.equal(vssd.leftovers(guest), "", "what is left")

    def is_captured(self, guest: Guest, volume: Volume) -> None:
        guest.run(f"echo before >{volume.path}/file")
        made = vssd.create(guest, [volume.path], "--require", "cut")
        snapshot = vssd.snapshot_of(made, volume.path)
        self.equal(snapshot["provider"], "lvm", "provider")
        guest.run(f"echo after >{volume.path}/file && sync")
        self.equal(guest.run(f"cat {snapshot['path']}/file").out, "before\n", f"the file in the snapshot of {volume.name}")
        check_copy(guest, snapshot["device"], volume.filesystem)
        vssd.delete(guest, made)
        self.equal(vssd.leftovers(guest), "", f"what is left of the snapshot of {volume.name}")
        guest.run(f"touch {volume.path}/writable && sync -f {volume.path}")

    def mirrored(self, guest: Guest) -> Volume:
        guest.run("modprobe dm-raid")
        return thick(guest, "data", "mirrored", "64M", extents="--type raid1 -m1")

    def striped(self, guest: Guest) -> Volume:
        return thick(guest, "data", "striped", "64M", extents="--stripes 2")

    def cached(self, guest: Guest) -> Volume:
        volume = thick(guest, "data", "cached", "96M", extents=guest.disk("first"))
        guest.run(f"lvcreate -q -y --type cache-pool -n fast -L 32M data {guest.disk('second')} && "
                  "lvconvert -q -y --type cache --cachepool data/fast data/cached", timeout=120)
        return volume

    def btrfs_goes_to_its_provider(self, guest: Guest) -> None:
        volume = thick(guest, "data", "a-btrfs", "256M", "btrfs")
        self.refused(guest, volume.path, "VolumeNotSupportedByProvider", "--provider", "lvm")
        made = vssd.create(guest, [volume.path])
        self.equal(vssd.snapshot_of(made, volume.path)["provider"], "btrfs", "provider of a btrfs on a logical volume")
        vssd.delete(guest, made)

    def linear_device_is_refused(self, guest: Guest) -> None:
        guest.run(f"""set -e
            dmsetup create plain --table "0 $(blockdev --getsz {guest.disk('plain')}) linear {guest.disk('plain')} 0"
            mkfs.ext4 -q /dev/mapper/plain && mkdir /srv/plain && mount /dev/mapper/plain /srv/plain""")
        self.refused(guest, "/srv/plain", "VolumeNotSupportedByProvider", "--provider", "lvm")
        self.refused(guest, "/srv/plain", "VolumeNotSupported")

    def refused(self, guest: Guest, path: str, error: str, *options: str) -> None:
        try:
            vssd.create(guest, [path], *options)
        except vssd.Refused as refusal:
            self.equal(refusal.name, error, f"the error for {path}")
            self.true(len(refusal.message) > 20, f"the error says why: {refusal.message}")
        else:
            raise AssertionError(f"a set of {path} with {options} was made")
