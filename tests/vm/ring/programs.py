# SPDX-License-Identifier: LGPL-2.1-or-later
"""Small programs that tests run in a guest. They are static, so one build serves every suite."""
from __future__ import annotations

import subprocess

from .remote import Remote
from .work import TREE, build_step, hash_of, locked, work_dir

SOURCES = TREE / "tests/vm/programs"
COMPILER = ["g++", "-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-pthread"]


def put_program(guest: Remote, name: str) -> str:
    """Compiles programs/<name>.cpp if that has not been done, and puts it into the guest; its path there."""
    source = SOURCES / f"{name}.cpp"
    program = work_dir() / "programs" / name
    with locked(f"program.{name}"), build_step(program, hash_of(*COMPILER, source.read_bytes())) as stale:
        if stale:
            subprocess.run([*COMPILER, str(source), "-o", str(program)], check=True)
    path = f"/usr/local/bin/{name}"
    guest.put(path, program.read_bytes(), 0o755)
    return path
