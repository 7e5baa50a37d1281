# SPDX-License-Identifier: LGPL-2.1-or-later
"""One run of QEMU: its arguments, its start, its end."""
from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from .work import die_with_parent

# Without cx16=off QEMU 7.2 double-faults a kernel 6.12; there is no KVM to count on. What a later processor does faster
# takes an emulated one longer: wide registers are saved at each switch, and a repeated store is done byte by byte.
MACHINE = ["-accel", "tcg,thread=multi", "-cpu", "qemu64,cx16=off", "-nodefaults", "-nographic", "-no-reboot"]
# panic=-1 with -no-reboot: a panic ends QEMU at once.
# The watchdogs of an emulated processor bark later: it may have to wait for a real one. So may its timer, whose check at
# boot (arch/x86/kernel/apic/io_apic.c, check_timer) panics if ten ticks do not come in time. Without rep_good the kernel
# clears and copies pages in loops of its own. Without norandmaps a program lies at other addresses each time it is run,
# and QEMU 7.2 translates all of it again: half of a processor's time, where udevd and lvm run one program after another.
# The time stamps of several AMD processors are taken for unsynchronised, and a timer is read instead, which stops the
# machine each time; QEMU's are one and the same.
APPEND = ("rw console=ttyS0 quiet loglevel=5 panic=-1 no_timer_check net.ifnames=0 mitigations=off systemd.show_status=0 "
          "watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120 clearcpuid=rep_good init_on_alloc=0 norandmaps "
          "tsc=reliable")
CPUS = int(os.environ.get("VSSD_VM_CPUS", "2"))


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
    cpus: int = CPUS
    terminal: bool = False

    @property
    def monitor(self) -> Path:
        return self.directory / "monitor"

    @property
    def control(self) -> Path:
        return self.directory / "control"

    @property
    def console(self) -> Path:
        return self.directory / "console.log"

    def arguments(self, memory: Path | None = None) -> list[str]:
        """With the memory of a guest that has run, the machine waits for its monitor to plug the disks in."""
        append = f"{self.append} {APPEND}"
        arguments = ["qemu-system-x86_64", *MACHINE, "-smp", str(self.cpus), "-m", str(self.memory),
                     "-kernel", str(self.kernel), "-initrd", str(self.initrd),
                     "-chardev", f"file,id=console,path={self.console},append=on", "-serial", "chardev:console",
                     "-qmp", f"unix:{self.monitor.name},server=on,wait=off"]
        if self.terminal:
            append += " systemd.wants=serial-getty@ttyS1.service"
            arguments += ["-chardev", "stdio,id=terminal,signal=off", "-serial", "chardev:terminal"]
        arguments += ["-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
                      "-chardev", f"socket,id=agent,path={self.control.name},server=on,wait=off",
                      "-device", "virtserialport,chardev=agent,name=vssd.agent"]
        for number, (serial, path) in enumerate([("root", self.root), *self.disks.items()]):
            # The host stays up in a power cut, so what QEMU has written is kept without telling the host's disk.
            arguments += ["-drive", f"if=none,id=d{number},file={path},format={format_of(path)},cache=unsafe,discard=unmap",
                          *(["-device", f"virtio-blk-pci,drive=d{number},serial={serial}"] if number == 0 or not memory else [])]
        if memory:
            arguments += ["-S", "-incoming", f"exec:cat {shlex.quote(str(memory))}"]
        return [*arguments, "-append", append]


def format_of(disk: Path) -> str:
    return "qcow2" if disk.suffix == ".qcow2" else "raw"


def make_overlay(image: Path, overlay: Path) -> None:
    """A root disk of the test's own, on top of an image that is only read."""
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", format_of(image), "-b", str(image), str(overlay)],
                   check=True)


def version() -> str:
    return subprocess.run(["qemu-system-x86_64", "--version"], check=True, capture_output=True, text=True).stdout


def make_disk(path: Path, size: int) -> None:
    with open(path, "wb") as file:
        file.truncate(size)


def start(machine: Machine, leave_running: bool = False, memory: Path | None = None) -> subprocess.Popen:
    """Must be called by the main thread: QEMU dies with the thread that has started it."""
    for socket in (machine.control, machine.monitor):
        socket.unlink(missing_ok=True)
    with open(machine.directory / "qemu.log", "ab") as log:
        return subprocess.Popen(
            machine.arguments(memory), cwd=machine.directory, stdin=None if machine.terminal else subprocess.DEVNULL,
            stdout=None if machine.terminal else log, stderr=log,
            start_new_session=not machine.terminal, preexec_fn=None if leave_running else die_with_parent)
