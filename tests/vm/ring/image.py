# SPDX-License-Identifier: LGPL-2.1-or-later
"""The disk image of a guest, its kernel and initrd, made without mounting anything."""
from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from .roots import GUEST_PACKAGES, configure_guest, make_root
from .work import GUEST_FILES, build_step, files_hash, hash_of, locked, run_isolated, suite_dir

ROOT_SIZE = "2G"


class Image(NamedTuple):
    disk: Path
    kernel: Path
    initrd: Path
    append: str  # what the kernel is told about the root filesystem
    booted: Path | None = None  # what ring/booted.py has kept of a guest that has booted from it


def bare_image(suite: str) -> Image:
    """A guest without any package of ours."""
    root = make_root(suite, "guest", GUEST_PACKAGES)
    stamp = root.with_name("guest.stamp").read_text()
    return image_of_root(suite, "bare", root, stamp)


def image_of_root(suite: str, name: str, root: Path, inputs: str) -> Image:
    directory = suite_dir(suite) / f"{name}.image"
    code = Path(__file__).with_name("roots.py").read_bytes() + Path(__file__).read_bytes()
    with locked(f"{suite}.{name}.image"):
        with build_step(directory, hash_of(inputs, files_hash(GUEST_FILES), code)) as stale:
            if stale:
                configure_guest(root)
                directory.mkdir(parents=True)
                _write_image(root, directory)
    return Image(directory / "root.img", directory / "vmlinuz", directory / "initrd", "root=/dev/vda")


def _write_image(root: Path, directory: Path) -> None:
    for source, target in (("vmlinuz-*", "vmlinuz"), ("initrd.img-*", "initrd")):
        newest = sorted((root / "boot").glob(source))[-1]
        shutil.copyfile(newest, directory / target)
    disk = directory / "root.img"
    # The lists and packages of apt are of use in the root only, the kernel is given to QEMU.
    staging = directory / "staging"
    subprocess.run(["cp", "-a", "--reflink=auto", str(root), str(staging)], check=True)
    for heap in ("var/lib/apt/lists", "var/cache/apt", "boot"):
        shutil.rmtree(staging / heap, ignore_errors=True)
        (staging / heap).mkdir()
    run_isolated(["mke2fs", "-q", "-t", "ext4", "-L", "guest-root", "-d", str(staging), "-E", "root_owner=0:0",
                str(disk), ROOT_SIZE], directory / "mke2fs.log")
    shutil.rmtree(staging)
