# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian packages of this tree, built in a root of the guest's suite, and the guest that has them installed."""
from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from .image import Image, image_of_root
from .roots import GUEST_PACKAGES, make_root
from .work import TREE, build_step, files_hash, hash_of, locked, remove, run_isolated, suite_dir

TOOLS = "build-essential debhelper fakeroot lintian".split()
SCRIPT = "packaging/build-deb.sh"
OPTIONS = "noopt"  # not what a user gets, and much sooner compiled


def _build_packages() -> list[str]:
    """What packaging/packages.sh says the tree is built with."""
    script = ". packaging/packages.sh && echo $VSSD_BUILD_PACKAGES"
    out = subprocess.run(["bash", "-c", script], cwd=TREE, check=True, capture_output=True, text=True).stdout
    return out.split() + TOOLS


def _source_files() -> list[str]:
    """Everything that makes the packages: the tree as it is, committed or not, without tests and what git ignores."""
    command = ["git", "-c", f"safe.directory={TREE}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    out = subprocess.run(command, cwd=TREE, check=True, capture_output=True, text=True).stdout
    return sorted(name for name in out.split("\0")
                  if name and (TREE / name).is_file() and not name.startswith(("tests/vm/", ".ci/")))


def _sources_hash(files: list[str]) -> str:
    return hash_of(*(part for name in files for part in (name, str(os.stat(TREE / name).st_mode & 0o111),
                                                         (TREE / name).read_bytes())))


def build_debs(suite: str) -> Path:
    """A directory with the packages of the tree, or of the tree of an earlier day if $VSSD_VM_AS_BUILT is set."""
    if os.environ.get("VSSD_VM_AS_BUILT") and (suite_dir(suite) / "debs.stamp").exists():
        return suite_dir(suite) / "debs"
    files = _source_files()
    root = make_root(suite, "build", _build_packages())
    debs = suite_dir(suite) / "debs"
    inputs = hash_of(_sources_hash(files), OPTIONS, root.with_name("build.stamp").read_text())
    with locked(f"{suite}.debs"), build_step(debs, inputs) as stale:
        if stale:
            remove(root / "src")
            _copy_tree(files, root / "src/vssd")
            out = root / "src/out"
            out.mkdir()
            (root / "src/tmp").mkdir()
            log = suite_dir(suite) / "debs.log"
            log.unlink(missing_ok=True)
            _run_in(root, f"cd /src/vssd && TMPDIR=/src/tmp DEB_BUILD_OPTIONS='{OPTIONS}' {SCRIPT} /src/out && "
                          "lintian --allow-root --fail-on error /src/out/*.deb", log)
            shutil.copytree(out, debs)
            remove(root / "src")
    return debs


def _copy_tree(files: list[str], target: Path) -> None:
    for name in files:
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(TREE / name, copy, follow_symlinks=False)


def packages_image(suite: str) -> Image:
    """The guest as a user's machine is: Debian, and our packages."""
    debs = build_debs(suite)
    bare = make_root(suite, "guest", GUEST_PACKAGES)
    inputs = hash_of(bare.with_name("guest.stamp").read_text(), files_hash(debs))
    root = suite_dir(suite) / "installed"
    with locked(f"{suite}.installed"), build_step(root, inputs) as stale:
        if stale:
            subprocess.run(["cp", "-a", "--reflink=auto", str(bare), str(root)], check=True)
            _install(root, debs, suite_dir(suite) / "installed.log")
    return image_of_root(suite, "packages", root, inputs)


def _install(root: Path, debs: Path, log: Path) -> None:
    log.unlink(missing_ok=True)
    inside = root / "var/tmp/debs"
    inside.mkdir()
    for deb in debs.glob("*.deb"):
        if "-dbgsym_" not in deb.name:
            shutil.copy(deb, inside)
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")  # nothing is started in a root that is not running
    policy.chmod(0o755)
    _run_in(root, "apt-get -q update && apt-get install -y --no-install-recommends /var/tmp/debs/*.deb", log)
    policy.unlink()
    remove(inside)


def _run_in(root: Path, script: str, log: Path) -> None:
    """Entered, with /proc and /dev."""
    resolver = root / "etc/resolv.conf"
    resolver.unlink(missing_ok=True)
    shutil.copyfile("/etc/resolv.conf", resolver)
    mounts = ('mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && '
              'exec chroot "$0" /usr/bin/env -i HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive '
              'PATH=/usr/sbin:/usr/bin:/sbin:/bin bash -c "$1"')
    run_isolated(["bash", "-c", mounts, str(root), script], log)
