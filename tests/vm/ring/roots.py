# SPDX-License-Identifier: LGPL-2.1-or-later
"""Roots of the guests, made with mmdebstrap, and what turns one into a guest of the ring."""
from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from . import mirror
from .work import GUEST_FILES, build_step, hash_of, locked, run_isolated, suite_dir

GUEST_PACKAGES = (
    "linux-image-cloud-amd64 systemd systemd-sysv dbus udev kmod initramfs-tools polkitd libpam-systemd procps "
    "lvm2 thin-provisioning-tools dmsetup e2fsprogs xfsprogs btrfs-progs util-linux mount python3 "
    "postgresql mariadb-server"
).split()

MASKED_UNITS = (
    "getty@tty1.service serial-getty@ttyS0.service getty-static.service apt-daily.timer apt-daily-upgrade.timer "
    "dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer man-db.timer "
    "systemd-networkd-wait-online.service systemd-timesyncd.service"
).split()

CONFIGURATION = {
    "etc/hostname": "guest\n",
    "etc/hosts": "127.0.0.1 localhost guest\n",
    "etc/fstab": "",
    "etc/modules-load.d/vssd-test.conf": "virtio_console\n",
    "etc/systemd/journald.conf.d/vssd-test.conf": "[Journal]\nStorage=persistent\nSystemMaxUse=64M\n",
    # A task that hangs fails its test before the test's own limit does, with the stack in the console's log.
    "etc/sysctl.d/90-vssd-test.conf": "kernel.panic_on_oops = 1\nkernel.hung_task_timeout_secs = 90\n",
    "etc/systemd/system/serial-getty@ttyS1.service.d/autologin.conf":
        "[Service]\nExecStart=\nExecStart=-/sbin/agetty --autologin root --keep-baud 115200 - $TERM\n",
    # One that is not made at the first boot: the journal of the boot before a power cut is found again.
    "etc/machine-id": "76737364746573747269006775657374\n",
    "etc/.updated": "",
    "var/.updated": "",
}

# What the guest's own disks need; lvm2 adds what it needs itself. A smaller initrd is most of the boot time.
INITRD = """
mkdir -p "$1/etc/initramfs-tools/conf.d"
echo MODULES=list >"$1/etc/initramfs-tools/conf.d/vssd-test"
printf '%s\\n' virtio_pci virtio_blk ext4 >"$1/etc/initramfs-tools/modules"
"""


def make_root(suite: str, name: str, packages: list[str]) -> Path:
    """A root with the given packages and an apt that works when it is entered. Made again when the list changes."""
    root = suite_dir(suite) / name
    lines = mirror.source_lines(suite)
    inputs = hash_of(*lines, *sorted(packages), INITRD)
    with locked(f"{suite}.{name}"), build_step(root, inputs) as stale:
        if stale:
            log = suite_dir(suite) / f"{name}.log"
            log.unlink(missing_ok=True)
            with tempfile.NamedTemporaryFile("w", suffix=".conf") as options:
                options.write("\n".join(mirror.apt_options()) + "\n")
                options.flush()
                run_isolated(["mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory",
                            "--skip=cleanup/apt/lists,cleanup/reproducible", f"--aptopt={options.name}",
                            "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
                            "--dpkgopt=path-exclude=/usr/share/man/*",
                            f"--essential-hook={INITRD}", "--include=" + ",".join(packages), suite, str(root), *lines], log)
    return root


def configure_guest(root: Path) -> None:
    for path, text in CONFIGURATION.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_text(text)
    # A test makes its own cluster; the one of the package would start with each guest.
    for cluster in (*root.glob("etc/postgresql/*/main"), *root.glob("var/lib/postgresql/*/main")):
        shutil.rmtree(cluster)
    # The same for its server of MariaDB, whose units are enabled by these links.
    for unit in ("mariadb.service", "mysql.service", "mysqld.service"):
        (root / "etc/systemd/system/multi-user.target.wants" / unit).unlink(missing_ok=True)
    for unit in MASKED_UNITS:
        link = root / "etc/systemd/system" / unit
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    shutil.copyfile(GUEST_FILES / "agent.py", root / "usr/local/lib/vssd-test-agent.py")
    unit = "vssd-test-agent.service"
    shutil.copyfile(GUEST_FILES / unit, root / "etc/systemd/system" / unit)
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    link = wants / unit
    link.unlink(missing_ok=True)
    link.symlink_to(f"/etc/systemd/system/{unit}")
    (root / "var/log/journal").mkdir(parents=True, exist_ok=True)
