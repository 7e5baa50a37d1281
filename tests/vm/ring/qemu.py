# SPDX-License-Identifier: LGPL-2.1-or-later
"""One run of QEMU: its arguments, its start, its end."""
from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from .work import die_with_parent

# Without cx16=off QEMU 7.2 double-faults a kernel 6.12; there is no KVM to count on.
MACHINE = ["-accel", "tcg,thread=multi", "-cpu", "max,cx16=off", "-nodefaults", "-nographic", "-no-reboot"]
# panic=-1 with -no-reboot: a panic ends QEMU at once.
APPEND = "rw console=ttyS0 quiet loglevel=5 panic=-1 net.ifnames=0 mitigations=off systemd.show_status=0"


@dataclass
class Machine:
    """What a guest consists of. All paths are files of the test's own directory, or read-only parts of the image."""
    directory: Path
    kernel: Path
    initrd: Path
    append: str
    root: Path
    disks: dict[str, Path] = field(default_factory=dict)  # by serial number: /dev/disk/by-id/virtio-<serial>
    memory: int = 1024
    cpus: int = 2
    terminal: bool = False

    @property
    def control(self) -> Path:
        return self.directory / "control"

    @property
    def console(self) -> Path:
        return self.directory / "console.log"

    def arguments(self) -> list[str]:
        append = f"{self.append} {APPEND}"
        arguments = ["qemu-system-x86_64", *MACHINE, "-smp", str(self.cpus), "-m", str(self.memory),
                     "-kernel", str(self.kernel), "-initrd", str(self.initrd),
                     "-chardev", f"file,id=console,path={self.console},append=on", "-serial", "chardev:console"]
        if self.terminal:
            append += " systemd.wants=serial-getty@ttyS1.service"
            arguments += ["-chardev", "stdio,id=terminal,signal=off", "-serial", "chardev:terminal"]
        arguments += ["-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
                      "-chardev", f"socket,id=agent,path={self.control.name},server=on,wait=off",
                      "-device", "virtserialport,chardev=agent,name=vssd.agent"]
        for number, (serial, path) in enumerate([("root", self.root), *self.disks.items()]):
            kind = "qcow2" if path.suffix == ".qcow2" else "raw"
            # The host stays up in a power cut, so what QEMU has written is kept without telling the host's disk.
            arguments += ["-drive", f"if=none,id=d{number},file={path},format={kind},cache=unsafe,discard=unmap",
                          "-device", f"virtio-blk-pci,drive=d{number},serial={serial}"]
        return [*arguments, "-append", append]


def make_overlay(image: Path, overlay: Path) -> None:
    """A root disk of the test's own, on top of an image that is only read."""
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(image), str(overlay)], check=True)


def make_disk(path: Path, size: int) -> None:
    with open(path, "wb") as file:
        file.truncate(size)


def start(machine: Machine, leave_running: bool = False) -> subprocess.Popen:
    """Must be called by the main thread: QEMU dies with the thread that has started it."""
    machine.control.unlink(missing_ok=True)
    with open(machine.directory / "qemu.log", "ab") as log:
        return subprocess.Popen(
            machine.arguments(), cwd=machine.directory, stdin=None if machine.terminal else subprocess.DEVNULL,
            stdout=None if machine.terminal else log, stderr=log,
            start_new_session=not machine.terminal, preexec_fn=None if leave_running else die_with_parent)
