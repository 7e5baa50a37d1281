# SPDX-License-Identifier: LGPL-2.1-or-later
"""The language of the tests: a guest that is booted, given commands, cut off from its power and booted again."""
from __future__ import annotations

import base64
import os
import re
import shlex
import shutil
import subprocess
import time
from pathlib import Path
from typing import Callable, Mapping, TypeVar

from . import qemu
from .channel import Channel, GuestEnded, GuestError
from .image import Image
from .monitor import Monitor
from .remote import Remote, parse_size

BOOT_LIMIT = 300
RESUME_LIMIT = 120
T = TypeVar("T")
MEMORY = 1024  # MiB, of a guest that need not have more or less
FATAL = re.compile(r"Kernel panic|BUG:|Oops|general protection fault|blocked for more than|soft lockup|"
                   r"double fault|rcu_sched self-detected stall|kernel BUG at|WARNING: possible circular locking")


class Guest(Remote):
    """Its files are in `directory`; the disks keep what is on them over power_cut(), reboot() and boot()."""

    def __init__(self, image: Image, directory: Path, disks: Mapping[str, str] | None = None, memory: int = MEMORY,
                 terminal: bool = False, append: str = "") -> None:
        super().__init__()
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        root = directory / "root.qcow2"
        self._kept = image.booted if memory == MEMORY and not (terminal or append) else None
        qemu.make_overlay(self._kept / "root.qcow2" if self._kept else image.disk, root)
        files = {serial: directory / f"{serial}.disk" for serial in disks or {}}
        for serial, path in files.items():
            qemu.make_disk(path, parse_size((disks or {})[serial]))
        self.machine = qemu.Machine(directory, image.kernel, image.initrd, f"{image.append} {append}".strip(), root, files,
                                    memory, terminal=terminal)
        self._process: subprocess.Popen | None = None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    # --- power

    def start(self, leave_running: bool = False) -> "Guest":
        """Its first boot, or the end of a boot that was kept."""
        return self._resume(self._kept, leave_running) if self._kept else self.boot(leave_running=leave_running)

    def boot(self, limit: float = BOOT_LIMIT, leave_running: bool = False) -> "Guest":
        """Starts the guest on its disks and waits until its systemd has started what it starts."""
        if self._process:
            raise GuestError("it is on already")
        end = time.monotonic() + limit
        self._process = qemu.start(self.machine, leave_running)
        self._channel = self._connect(end)
        state = self.run("systemctl is-system-running --wait", timeout=end - time.monotonic(), check=False).out.strip()
        if state not in ("running", "degraded"):
            raise GuestError(f"systemd is {state!r} after the boot")
        return self

    def _resume(self, kept: Path, leave_running: bool) -> "Guest":
        end = time.monotonic() + RESUME_LIMIT
        shutil.copyfile(kept / "console.log", self.machine.console)
        self._process = qemu.start(self.machine, leave_running, kept / "memory")
        monitor = self._once_there(lambda: Monitor(self.machine.monitor), end)
        while monitor.execute("query-status")["status"] == "inmigrate":
            self._pause(0.05)
        for number, serial in enumerate(self.machine.disks, start=1):
            monitor.execute("device_add", driver="virtio-blk-pci", drive=f"d{number}", serial=serial)
        monitor.execute("cont")
        monitor.close()
        self._channel = self._connect(end)
        self.request("resumed", end - time.monotonic(), time=time.time(), seed=base64.b64encode(os.urandom(32)).decode())
        if self.machine.disks:
            self.run(["udevadm", "wait", "--settle", "--timeout=60", *map(self.disk, self.machine.disks)], timeout=90)
        return self

    def save(self, memory: Path) -> None:
        """Its memory into a file, to go on with its root disk as that is now. The guest is off then."""
        assert self._process
        self.run("udevadm settle && sync", timeout=180)
        monitor = Monitor(self.machine.monitor)
        monitor.execute("stop")
        monitor.execute("migrate-set-parameters", max_bandwidth=1 << 40)
        monitor.execute("migrate", uri=f"exec:cat >{shlex.quote(str(memory))}")
        while (state := monitor.execute("query-migrate").get("status")) in ("setup", "active", "device"):
            self._pause(0.1)
        if state != "completed":
            raise GuestError(f"the memory of the guest is not saved: {state}")
        monitor.execute("quit")
        monitor.close()
        self._wait_for_end(60)

    def _once_there(self, connect: Callable[[], T], end: float) -> T:
        """A connection to a socket that QEMU makes while it starts."""
        while time.monotonic() < end:
            self._check_alive()
            try:
                return connect()
            except OSError:
                self._pause(0.05)
        raise GuestError("QEMU does not answer")

    def _connect(self, end: float) -> Channel:
        channel = self._once_there(lambda: Channel(self.machine.control), end)
        while time.monotonic() < end:
            self._check_alive()
            try:
                channel.request("ping", 1)
                return channel
            except GuestError:
                continue
        channel.close()
        raise GuestError("the guest did not boot in its limit")

    def _check_alive(self) -> None:
        if self._process is None:
            raise GuestError("the guest is off")
        if self._process.poll() is not None:
            raise GuestError(f"QEMU has ended with {self._process.returncode}: {self._last_words()}")

    def _last_words(self) -> str:
        """Of QEMU and of the guest: one whose kernel panics ends QEMU without an error."""
        if self.machine.terminal:
            return ""
        logs = [self.directory / "qemu.log", self.machine.console]
        said = [log.read_text(errors="replace").strip() for log in logs if log.exists()]
        return "\n".join(text[-2000:] for text in said if text)

    def power_cut(self) -> None:
        """At once, nothing is written any more. The guest is off; boot() starts it on the same disks."""
        if self._process:
            self._process.kill()
            self._process.wait()
        self._off()

    def power_cut_and_boot(self) -> None:
        """The power fails and comes back; returns when the guest is up again."""
        self.power_cut()
        self.boot()

    def shut_down(self, limit: float = 120) -> None:
        """As an administrator does it: services are stopped, filesystems unmounted."""
        self._end("poweroff", limit)

    def reboot(self, limit: float = 120) -> None:
        """An orderly restart; returns when the guest is up again."""
        self._end("reboot", limit)
        self.boot()

    def _end(self, how: str, limit: float) -> None:
        try:
            self.run(f"systemctl --no-block {how}")
        except GuestEnded:
            pass  # systemd ends the agent along with everybody: it may not have come to answer
        self._wait_for_end(limit)

    def wait_until_off(self, limit: float = 240) -> None:
        """Until somebody in the guest shuts it down."""
        self._wait_for_end(limit)

    def _wait_for_end(self, limit: float) -> None:
        assert self._process
        try:
            self._process.wait(limit)
        except subprocess.TimeoutExpired:
            raise GuestError(f"the guest has not shut down in {limit:g} s") from None
        self._off()

    def _off(self) -> None:
        if self._channel:
            self._channel.close()
        self._channel = self._process = None

    def remove(self) -> None:
        self.power_cut()
        shutil.rmtree(self.directory)

    # --- what it looks like

    def disk(self, serial: str) -> str:
        """The device in the guest of one of its disks."""
        return f"/dev/disk/by-id/virtio-{serial}"

    def console_log(self) -> str:
        return self.machine.console.read_text(errors="replace") if self.machine.console.exists() else ""

    def fatal_lines(self) -> list[str]:
        """Lines of the console that say that the guest's kernel is not well."""
        return [line for line in self.console_log().splitlines() if FATAL.search(line)]
