# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs one test in a guest of its own and keeps what is needed to understand a failure."""
from __future__ import annotations

import shutil
import signal
import time
import traceback
import xml.etree.ElementTree as xml
from pathlib import Path

from .guest import Guest
from .image import Image
from .channel import GuestError
from .testcase import Test
from .work import remove, say, work_dir

JOURNAL_LIMIT = 60


class TimeIsUp(BaseException):
    """The limit of the whole test has passed; not to be caught by the test itself."""


def _raise_time_is_up(*_) -> None:
    raise TimeIsUp


def run_test(suite: str, test: type[Test], image: Image) -> bool:
    """True when it passes. Its results are in results/<suite>/<test>/."""
    results = work_dir() / "results" / suite / test.__name__
    remove(results)
    results.mkdir(parents=True)
    directory = work_dir() / "run" / f"{suite}.{test.__name__}"
    remove(directory)
    start = time.monotonic()
    guest = Guest(image, directory, test.disks, test.memory)
    signal.signal(signal.SIGALRM, _raise_time_is_up)
    signal.alarm(test.limit)
    try:
        failure = _failure_of(test, guest)
        signal.alarm(0)
        if failure:
            _keep_journal(guest, results)
    finally:
        signal.alarm(0)
        guest.power_cut()
        _keep_logs(guest, results)
        remove(directory)
    seconds = time.monotonic() - start
    _write_junit(results / "junit.xml", suite, test.__name__, seconds, failure)
    say(f"{suite}.{test.__name__}: {'FAILED' if failure else 'passed'} in {seconds:.0f} s")
    if failure:
        say(f"{failure}\nLogs are in {results}")
    return failure is None


def _failure_of(test: type[Test], guest: Guest) -> str | None:
    try:
        guest.start()
        test().run(guest)
        bad = guest.fatal_lines()
        return "the guest's kernel complains:\n" + "\n".join(bad) if bad else None
    except TimeIsUp:
        return f"not done after {test.limit} s"
    except GuestError as error:
        return "\n".join([f"{error}", *guest.fatal_lines(), _place(error)])
    except Exception:  # a test fails by whatever it raises
        return traceback.format_exc()


def _place(error: Exception) -> str:
    return "".join(traceback.format_tb(error.__traceback__)[-4:])


def _keep_journal(guest: Guest, results: Path) -> None:
    script = "journalctl --no-pager -b -o short-monotonic | tail -n 3000; dmesg | tail -n 300; dmsetup info -c; dmsetup table"
    try:
        (results / "journal.log").write_text(guest.run(script, timeout=JOURNAL_LIMIT, check=False).out)
    except GuestError as error:
        (results / "journal.log").write_text(f"the guest does not tell its journal: {error}\n")


def _keep_logs(guest: Guest, results: Path) -> None:
    for name in ("console.log", "qemu.log"):
        if (guest.directory / name).exists():
            shutil.copyfile(guest.directory / name, results / name)


def _write_junit(path: Path, suite: str, name: str, seconds: float, failure: str | None) -> None:
    counts = {"tests": "1", "failures": "1" if failure else "0", "errors": "0", "time": f"{seconds:.1f}"}
    top = xml.Element("testsuite", name=f"vm.{suite}", **counts)
    case = xml.SubElement(top, "testcase", classname=f"vm.{suite}", name=name, time=f"{seconds:.1f}")
    if failure:
        # A console may have said what XML cannot say.
        text = "".join(letter for letter in failure if letter.isprintable() or letter in "\n\t")
        xml.SubElement(case, "failure", message=text.splitlines()[0]).text = text
    xml.ElementTree(top).write(path, encoding="utf-8", xml_declaration=True)
