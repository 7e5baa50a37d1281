# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a test is, and how the tests of this ring are found."""
from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, ClassVar

from .guest import Guest
from .work import SUITES

TESTS = Path(__file__).resolve().parents[1] / "tests"


class Test:
    """One idea. Its class has the name of its file: tests/power_cut_and_reboot.py has PowerCutAndReboot.

    The guest is booted before run() and removed after it. A failed check raises.
    """

    disks: ClassVar[dict[str, str]] = {}  # serial number: size
    root: ClassVar[str] = "plain"  # or "lvm": the root filesystem and /var are volumes of the group "system"
    memory: ClassVar[int] = 1024  # MiB
    limit: ClassVar[int] = 1200  # seconds for all of it, boots included; it ends what hangs, and judges no speed
    usual: ClassVar[tuple[str, ...]] = SUITES  # where tests/run.sh has it run without --all, which takes hours
    packages: ClassVar[bool] = True  # False: of use in a guest without any package of ours

    def run(self, guest: Guest) -> None:
        raise NotImplementedError

    @staticmethod
    def equal(actual: Any, expected: Any, what: str = "") -> None:
        if actual != expected:
            raise AssertionError(f"{what or 'value'} is {actual!r}, not {expected!r}")

    @staticmethod
    def true(condition: Any, what: str) -> None:
        if not condition:
            raise AssertionError(f"not so: {what}")


def name_of(module: str) -> str:
    return "".join(part.capitalize() for part in module.split("_"))


def _modules() -> dict[str, str]:
    """By the name of the test in each."""
    return {name_of(path.stem): path.stem for path in sorted(TESTS.glob("*.py")) if path.stem != "__init__"}


def find_test(name: str) -> type[Test]:
    module = _modules().get(name)
    if module is None:
        raise RuntimeError(f"there is no test called {name}")
    return getattr(importlib.import_module(f"tests.{module}"), name)


def all_tests() -> list[type[Test]]:
    return [find_test(name) for name in _modules()]
