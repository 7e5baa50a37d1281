# SPDX-License-Identifier: LGPL-2.1-or-later
"""Filesystems of a test on what volumes there are: on logical volumes, btrfs subvolumes, images."""
from __future__ import annotations

from typing import NamedTuple, Sequence

from .remote import Remote

MOUNTS = "/srv"
POOL = "pool"


class Volume(NamedTuple):
    path: str  # where it is mounted
    kind: str  # "thick", "thin", "btrfs", "image"
    filesystem: str
    device: str
    group: str = ""
    name: str = ""

    @property
    def full_name(self) -> str:
        return f"{self.group}/{self.name}"


def make_group(guest: Remote, name: str, disks: Sequence[str]) -> None:
    devices = " ".join(guest.disk(disk) for disk in disks)
    guest.run(f"vgcreate -q -y {name} {devices}")


def make_pool(guest: Remote, group: str, size: str) -> None:
    guest.run(f"lvcreate -q -y --type thin-pool -L {size} --poolmetadatasize 8M -n {POOL} {group}", timeout=120)


def thick(guest: Remote, group: str, name: str, size: str, filesystem: str = "ext4", extents: str = "") -> Volume:
    """`extents`: on which disks, as lvcreate(8) takes it."""
    amount = f"-l {size}" if size.isdigit() else f"-L {size}"
    guest.run(f"lvcreate -q -y -Wy -n {name} {amount} {group} {extents}", timeout=120)
    return _made(guest, "thick", group, name, filesystem)


def thin(guest: Remote, group: str, name: str, size: str, filesystem: str = "ext4") -> Volume:
    guest.run(f"lvcreate -q -y -V {size} -n {name} --thinpool {POOL} {group}", timeout=120)
    return _made(guest, "thin", group, name, filesystem)


def _made(guest: Remote, kind: str, group: str, name: str, filesystem: str) -> Volume:
    device = f"/dev/{group}/{name}"
    volume = Volume(f"{MOUNTS}/{name}", kind, filesystem, device, group, name)
    # Below 300 MB it is for tests only, and a copy of it soon made and checked.
    small = "--unsupported" if filesystem == "xfs" else ""
    guest.run(f"mkfs.{filesystem} -q {small} {device} && mkdir -p {volume.path} && mount {device} {volume.path}", timeout=120)
    return volume


def subvolumes(guest: Remote, device: str, names: Sequence[str]) -> list[Volume]:
    top = f"{MOUNTS}/btrfs"
    guest.run(f"mkfs.btrfs -q -f {device} && mkdir -p {top} && mount {device} {top}", timeout=120)
    paths = [f"{top}/{name}" for name in names]
    # The btrfs-progs of Debian 12 take one name at a time.
    guest.run(f"for path in {' '.join(paths)}; do btrfs -q subvolume create $path || exit; done")
    return [Volume(path, "btrfs", "btrfs", device) for path in paths]


def image(guest: Remote, host: Volume, name: str, size: str) -> Volume:
    """An ext4 in a file of another volume, mounted by way of a loop device."""
    file, path = f"{host.path}/{name}.img", f"{MOUNTS}/{name}"
    guest.run(f"truncate -s {size} {file} && mkfs.ext4 -q {file} && mkdir -p {path} && mount -o loop {file} {path}")
    return Volume(path, "image", "ext4", guest.run(f"findmnt -no SOURCE {path}").out.strip())


def check_copy(guest: Remote, device: str, filesystem: str) -> None:
    """Fails unless the filesystem on an unwritten device is clean. A frozen xfs has a log that only a mount replays, so
    a copy is checked."""
    if filesystem == "ext4":
        guest.run(f"e2fsck -fn {device}", timeout=120)
        return
    copy, point = "/var/tmp/checked", "/run/vssd-test/checked"
    guest.run(f"""
        trap 'if mountpoint -q {point}; then umount {point}; fi; rm -f {copy}' EXIT
        set -e
        mkdir -p {point}
        dd if={device} of={copy} bs=1M conv=sparse status=none
        mount -o loop,nouuid {copy} {point}
        umount {point}
        xfs_repair -n {copy}""", timeout=180)


def check_btrfs_in_use(guest: Remote, device: str) -> None:
    """All subvolumes and snapshots of it, as they are on the disk while it is frozen."""
    guest.run(f"""
        point=$(findmnt -fno TARGET {device})
        trap 'fsfreeze -u $point' EXIT
        fsfreeze -f $point && btrfs check --readonly --force {device}""", timeout=120)
