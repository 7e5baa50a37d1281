#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guests of the test ring: build them, run tests in them, use them by hand. See tests/vm/README.md."""
from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import tempfile
from pathlib import Path
from typing import Iterator

sys.dont_write_bytecode = True  # root must not leave files of its own in a user's tree

from ring import dev
from ring.booted import booted
from ring.guest import Guest
from ring.image import Image, bare_image
from ring.lvm_root import lvm_image
from ring.packages import build_debs, packages_image
from ring.channel import GuestError
from ring.runner import run_test
from ring.testcase import Test, all_tests, find_test
from ring.work import SUITES, work_dir


def image_of(suite: str, bare: bool, root: str) -> Image:
    image = booted(suite, bare_image(suite) if bare else packages_image(suite))
    return lvm_image(suite, image) if root == "lvm" else image


def image_for(arguments: argparse.Namespace) -> Image:
    return image_of(arguments.suite, arguments.bare, arguments.root)


@contextlib.contextmanager
def temporary_directory() -> Iterator[Path]:
    above = work_dir() / "up"
    above.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=above, prefix="once.") as directory:
        yield Path(directory)


def command_build(arguments: argparse.Namespace) -> int:
    """With --usual what the tests need that tests/run.sh has run in this suite."""
    usual = {test.root for test in all_tests() if arguments.suite in test.usual}
    roots = usual if arguments.usual else {arguments.root}
    for root in sorted(roots, reverse=True):
        print(image_of(arguments.suite, arguments.bare, root).disk)
    return 0


def command_prepare(arguments: argparse.Namespace) -> int:
    """What takes long and no guest is needed for; while something else is being tested, for example."""
    for suite in SUITES:
        bare_image(suite)
        build_debs(suite)
    return 0


def command_up(arguments: argparse.Namespace) -> int:
    dev.up(image_for(arguments), arguments.name, dev.parse_disks(arguments.disks), arguments.memory)
    return 0


def command_in(arguments: argparse.Namespace) -> int:
    return dev.run_and_print(dev.attach(arguments.name), arguments.command, arguments.timeout)


def command_put(arguments: argparse.Namespace) -> int:
    dev.put_tree(dev.attach(arguments.name), arguments.source, arguments.target)
    return 0


def command_get(arguments: argparse.Namespace) -> int:
    arguments.target.write_bytes(dev.attach(arguments.name).get(arguments.source))
    return 0


def command_console(arguments: argparse.Namespace) -> int:
    print((dev.directory_of(arguments.name) / "console.log").read_text(errors="replace"), end="")
    return 0


def command_down(arguments: argparse.Namespace) -> int:
    dev.down(arguments.name)
    return 0


def command_exec(arguments: argparse.Namespace) -> int:
    with temporary_directory() as directory:
        guest = Guest(image_for(arguments), directory, dev.parse_disks(arguments.disks), arguments.memory)
        try:
            guest.start()
            if arguments.put:
                dev.put_tree(guest, arguments.put, "/mnt/put")
            return dev.run_and_print(guest, arguments.command, arguments.timeout)
        finally:
            guest.power_cut()


def command_list(arguments: argparse.Namespace) -> int:
    """Each with its limit, for ctest: the test's own comes first; and where tests/run.sh has it run."""
    for test in all_tests():
        print(f"{test.__name__} {test.limit + 150} {' '.join(test.usual)}" if arguments.limits else test.__name__)
    return 0


def run_tests(suite: str, tests: list[type[Test]], bare: bool) -> int:
    failed = [test for test in tests if not run_test(suite, test, image_of(suite, bare, test.root))]
    print(f"{len(tests) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def command_test(arguments: argparse.Namespace) -> int:
    return run_tests(arguments.suite, [find_test(name) for name in arguments.names], arguments.bare)


def command_run(arguments: argparse.Namespace) -> int:
    return run_tests(arguments.suite, [test for test in all_tests() if not (arguments.bare and test.packages)], arguments.bare)


def command_shell(arguments: argparse.Namespace) -> int:
    """The guest's second serial port is this terminal. `poweroff` in the guest ends it."""
    if not sys.stdin.isatty():
        raise RuntimeError("shell needs a terminal; up and in do without one")
    with temporary_directory() as directory:
        guest = Guest(image_for(arguments), directory, dev.parse_disks(arguments.disks), arguments.memory, terminal=True)
        return dev.terminal_shell(guest)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="vm.py", description=__doc__)
    commands = top.add_subparsers(required=True)

    def add(name: str, run, help_text: str, suite: bool = False, guest: bool = False, named: bool = False):
        command = commands.add_parser(name, help=help_text)
        command.set_defaults(run=run)
        if suite:
            command.add_argument("suite", choices=SUITES)
            command.add_argument("--bare", action="store_true", help="without any package of ours")
            command.add_argument("--root", choices=("plain", "lvm"), default="plain", help="where its filesystems are")
        if guest:
            command.add_argument("--disks", action="append", default=[], metavar="4x256M|NAME=SIZE")
            command.add_argument("--memory", type=int, default=1024, metavar="MIB")
        if named:
            command.add_argument("name")
        return command

    command = add("build", command_build, "build the image of a guest", suite=True)
    command.add_argument("--usual", action="store_true", help="every image that the tests of run.sh need")
    add("prepare", command_prepare, "make the roots and packages of all suites")
    command = add("list", command_list, "the tests")
    command.add_argument("--limits", action="store_true", help="with the seconds that each may take")
    add("run", command_run, "run every test", suite=True)
    command = add("test", command_test, "run single tests", suite=True)
    command.add_argument("names", nargs="+")
    add("shell", command_shell, "a shell in a guest on this terminal", suite=True, guest=True)
    command = add("up", command_up, "start a guest that stays up", suite=True, guest=True)
    command.add_argument("--name", default="dev")
    command = add("in", command_in, "run a command in it", named=True)
    command.add_argument("--timeout", type=float, default=300)
    command.add_argument("command", nargs="+", metavar="-- COMMAND")
    command = add("put", command_put, "copy a file or directory into a directory of it", named=True)
    command.add_argument("source", type=Path)
    command.add_argument("target")
    command = add("get", command_get, "copy a file out of it", named=True)
    command.add_argument("source")
    command.add_argument("target", type=Path)
    add("console", command_console, "what its kernel has said", named=True)
    add("down", command_down, "cut its power and remove its disks", named=True)
    command = add("exec", command_exec, "start a guest for one command", suite=True, guest=True)
    command.add_argument("--put", type=Path, metavar="DIR", help="unpacked at /mnt/put")
    command.add_argument("--timeout", type=float, default=300)
    command.add_argument("command", nargs="+", metavar="-- COMMAND")
    return top


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    arguments = parser().parse_args()
    try:
        return arguments.run(arguments)
    except (GuestError, RuntimeError) as error:
        print(f"vm: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
