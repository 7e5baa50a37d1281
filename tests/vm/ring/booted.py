# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest that has booted, kept as files: a test goes on from there, which takes seconds instead of a boot."""
from __future__ import annotations

from pathlib import Path

from . import qemu
from .guest import MEMORY, Guest
from .image import Image
from .work import build_step, hash_of, locked, remove, work_dir

CODE = [Path(__file__).with_name(name) for name in ("booted.py", "guest.py", "qemu.py")]


def booted(suite: str, image: Image) -> Image:
    """The same image, with a guest that has booted from it."""
    directory = image.disk.parent.with_suffix(".booted")
    stamp = image.disk.parent.with_name(image.disk.parent.name + ".stamp").read_text()
    inputs = hash_of(stamp, *(path.read_bytes() for path in CODE), qemu.version(), str(qemu.CPUS))
    with locked(f"{suite}.{directory.name}"), build_step(directory, inputs) as stale:
        if stale:
            directory.mkdir(parents=True)
            _keep(image, work_dir() / "run" / f"{suite}.{directory.name}", directory)
    return image._replace(booted=directory)


def _keep(image: Image, run: Path, directory: Path) -> None:
    remove(run)
    guest = Guest(image, run, memory=MEMORY)
    try:
        guest.boot()
        guest.save(directory / "memory")
        for name in ("root.qcow2", "console.log"):
            (run / name).rename(directory / name)
    finally:
        guest.remove()
