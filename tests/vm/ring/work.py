# SPDX-License-Identifier: LGPL-2.1-or-later
"""The directory of everything that is built, and the stamps that say what need not be built again."""
from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator

SUITES = ("bookworm", "trixie")
TREE = Path(__file__).resolve().parents[3]
GUEST_FILES = TREE / "tests/vm/guest"


def work_dir() -> Path:
    return Path(os.environ.get("VSSD_VM_DIR") or TREE / "build/vm").absolute()


def suite_dir(suite: str) -> Path:
    return work_dir() / suite


def say(text: str) -> None:
    print(f"vm: {text}", file=sys.stderr, flush=True)


def hash_of(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def files_hash(directory: Path) -> str:
    return hash_of(*(part for path in sorted(directory.rglob("*")) if path.is_file()
                     for part in (str(path.relative_to(directory)), path.read_bytes())))


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Two processes do not build the same thing."""
    directory = work_dir()
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / f".{name}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def build_step(result: Path, inputs: str) -> Iterator[bool]:
    """True: make `result`, its inputs have changed. It counts as made only when the block ends without an error."""
    stamp = result.with_name(result.name + ".stamp")
    if result.exists() and stamp.exists() and stamp.read_text() == inputs:
        yield False
        return
    stamp.unlink(missing_ok=True)
    remove(result)
    result.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    yield True
    stamp.write_text(inputs)
    say(f"{result.name} made in {time.monotonic() - start:.0f} s")


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        inside = [point for point in mounted if point.startswith(f"{path}/")]
        if inside:
            raise RuntimeError(f"{path} is not removed: {', '.join(inside)} is mounted in it")
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def run_isolated(argv: list[str], log: Path) -> None:
    """Runs a program of the build. Its processes and mounts are in namespaces of their own and end with this process,
    however that ends. Its output goes to the log, the end of it into the error."""
    log.parent.mkdir(parents=True, exist_ok=True)
    isolated = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--mount-proc", "--kill-child", *argv]
    with open(log, "ab") as file:
        process = subprocess.Popen(isolated, stdin=subprocess.DEVNULL, stdout=file, stderr=file, preexec_fn=die_with_parent)
        try:
            code = process.wait()
        finally:
            process.kill()
    if code != 0:
        end = log.read_text(errors="replace").splitlines()[-25:]
        raise RuntimeError(f"{argv[0]} ended with {code}; the end of {log}:\n" + "\n".join(end))


_libc = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """For preexec_fn: the child is killed when the thread that started it ends."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
