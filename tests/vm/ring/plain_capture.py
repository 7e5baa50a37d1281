# SPDX-License-Identifier: LGPL-2.1-or-later
"""How a script captures one volume without any of our programs: the control of tests that compare."""
from __future__ import annotations

from typing import NamedTuple

from .storage import Volume


class PlainCapture(NamedTuple):
    """Scripts."""
    take: str
    show: str  # makes it readable
    drop: str


def plain_capture(volume: Volume, point: str) -> PlainCapture:
    """`point`: an existing directory where it is shown."""
    if volume.kind == "btrfs":
        copy = f"{volume.path}.control"
        return PlainCapture(f"btrfs subvolume snapshot {volume.path} {copy}", f"mount --bind {copy} {point}",
                            f"umount {point} && btrfs subvolume delete {copy}")
    if volume.kind == "image":
        file = f"$(losetup -nO BACK-FILE {volume.device})"
        return PlainCapture(f"cp --reflink=always {file} {file}.control", f"mount -o loop {file}.control {point}",
                            f"umount {point} && rm {file}.control")
    name = f"{volume.name}.control"
    how = "-kn" if volume.kind == "thin" else "-L 32M"
    options = "ro,nouuid" if volume.filesystem == "xfs" else "ro"
    return PlainCapture(f"lvcreate -q -y -s -n {name} {how} {volume.full_name}",
                        f"mount -o {options} /dev/{volume.group}/{name} {point}",
                        f"umount {point} && lvremove -q -y {volume.group}/{name}")
