# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that stay up between commands, for the one who develops something that needs a guest."""
from __future__ import annotations

import io
import os
import shlex
import signal
import sys
import tarfile
import termios
import time
import tty
from pathlib import Path

from .channel import Channel
from .guest import Guest
from .image import Image
from .remote import Remote
from .work import work_dir


def directory_of(name: str) -> Path:
    return work_dir() / "up" / name


def parse_disks(texts: list[str]) -> dict[str, str]:
    """'4x256M' is disk0 to disk3; 'pool=1G' is one of that name."""
    disks: dict[str, str] = {}
    for text in texts:
        if "=" in text:
            serial, size = text.split("=", 1)
            disks[serial] = size
        else:
            count, size = text.split("x", 1)
            first = len(disks)
            disks.update({f"disk{first + number}": size for number in range(int(count))})
    return disks


def up(image: Image, name: str, disks: dict[str, str], memory: int) -> None:
    directory = directory_of(name)
    if directory.exists():
        down(name)
    guest = Guest(image, directory, disks, memory)
    try:
        guest.start(leave_running=True)
    except BaseException:
        guest.power_cut()
        raise
    (directory / "pid").write_text(str(guest.pid))


def attach(name: str) -> Remote:
    path = directory_of(name) / "control"
    if not path.exists():
        raise SystemExit(f"no guest called {name} is up")
    return Remote(Channel(path))


def run_and_print(guest: Remote, command: list[str], timeout: float) -> int:
    """One argument is a script, more are a program and its arguments."""
    script = command[0] if len(command) == 1 else shlex.join(command)
    result = guest.run(script, timeout=timeout, check=False)
    sys.stdout.write(result.out)
    sys.stderr.write(result.err)
    return result.rc


def put_tree(guest: Remote, source: Path, target: str) -> None:
    """Copies a file or what is in a directory, with modes and links."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as tar:
        tar.add(source, arcname="." if source.is_dir() else source.name)
    archive = "/run/vssd-test-put.tar.gz"
    guest.put(archive, packed.getvalue())
    quoted = shlex.quote(target)
    guest.run(f"mkdir -p {quoted} && tar -xzf {archive} --no-same-owner -C {quoted} && rm {archive}", timeout=300)


def terminal_shell(guest: Guest) -> int:
    """Until the guest is off. The terminal gives every key to the guest, Ctrl-C too."""
    saved = termios.tcgetattr(sys.stdin)
    try:
        guest.boot()
        tty.setraw(sys.stdin)
        guest.wait_until_off()
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, saved)
        guest.power_cut()
    return 0


def down(name: str) -> None:
    """Cuts the power and removes the disks."""
    directory = directory_of(name)
    pid_file = directory / "pid"
    if pid_file.exists():
        _end_qemu(int(pid_file.read_text()), directory)
    if directory.exists():
        for path in directory.iterdir():
            path.unlink()
        directory.rmdir()


def _end_qemu(pid: int, directory: Path) -> None:
    """Only if the process of that number is still the QEMU of that directory."""
    arguments = Path(f"/proc/{pid}/cmdline")
    if not arguments.exists() or str(directory).encode() not in arguments.read_bytes():
        return
    os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 10
    while arguments.exists() and arguments.read_bytes() and time.monotonic() < end:
        time.sleep(0.05)


