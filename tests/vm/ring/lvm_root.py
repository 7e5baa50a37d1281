# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest whose root filesystem and /var are logical volumes of the group "system".

A guest from the plain image makes it, because the machine of the test ring need not have a device-mapper.
"""
from __future__ import annotations

import shutil
from pathlib import Path

from . import qemu
from .guest import Guest
from .image import ROOT_SIZE, Image
from .work import build_step, hash_of, locked, work_dir

DISK_SIZE = "8G"
VAR_SIZE = "1G"

SCRIPT = f"""
set -eux
pvcreate -q {{disk}}
vgcreate -q system {{disk}}
lvcreate -q -n root -L {ROOT_SIZE} system
lvcreate -q -n var -L {VAR_SIZE} system
# The image of this guest once more, unmounted: a filesystem that nobody writes to.
dd if={{image}} of=/dev/system/root bs=4M conv=sparse
e2fsck -fp /dev/system/root
tune2fs -U random -L lvm-root /dev/system/root
mkfs.ext4 -q -L lvm-var /dev/system/var
mkdir /mnt/root /mnt/var
mount /dev/system/root /mnt/root
mount /dev/system/var /mnt/var
cp -a /mnt/root/var/. /mnt/var/
find /mnt/root/var -mindepth 1 -delete
echo '/dev/system/var /var ext4 defaults 0 2' >/mnt/root/etc/fstab
umount /mnt/root /mnt/var
vgchange -an system
"""


def lvm_image(suite: str, image: Image) -> Image:
    directory = image.disk.parent.with_name(image.disk.parent.stem + "-lvm.image")
    stamp = image.disk.parent.with_name(image.disk.parent.name + ".stamp").read_text()
    inputs = hash_of(stamp, Path(__file__).read_bytes())
    with locked(f"{suite}.{directory.name}"), build_step(directory, inputs) as stale:
        if stale:
            directory.mkdir(parents=True)
            _fill(suite, image, directory / "root.img")
    return Image(directory / "root.img", image.kernel, image.initrd, "root=/dev/mapper/system-root")


def _fill(suite: str, image: Image, disk: Path) -> None:
    directory = work_dir() / "run" / f"{suite}.{disk.parent.name}"
    shutil.rmtree(directory, ignore_errors=True)
    guest = Guest(image, directory, {"system": DISK_SIZE})
    guest.machine.disks["image"] = directory / "image.qcow2"
    qemu.make_overlay(image.disk, guest.machine.disks["image"])
    try:
        guest.start()
        guest.run(SCRIPT.format(disk=guest.disk("system"), image=guest.disk("image")), timeout=600)
        guest.shut_down()
        guest.machine.disks["system"].rename(disk)
    finally:
        guest.remove()
