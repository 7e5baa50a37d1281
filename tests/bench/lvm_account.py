#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the time goes while vssd holds logical volumes: the system calls of vssd-hold and vssd-lvm from the first hold to
the last release, traced by the kernel. The lines add up to the longest hold, which is printed as vssd counts it, too.
Needs what lvm_hold.py needs, x86_64 and tracefs. See README.md.

    lvm_account.py [--rounds N] [--json] MOUNT_POINT...
"""
from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, NamedTuple

from lvm_hold import by_vssd, command_line, load, volume_at

INSTANCE = Path("/sys/kernel/tracing/instances/vssd-lvm-account")
CALL = re.compile(r"\s*(vssd-\S+)-(\d+)\s+\[\d+\]\s+\S+\s+([\d.]+): sys_(enter|exit): NR (\d+)(?: \((.*)\))?")
IOCTL = 16
FREEZE, THAW = "freeze", "thaw"
LONGEST = "the longest hold, by vssd"
SUSPEND = "dm: suspend and resume"
WAIT = "wait"
# The last byte of the number of an ioctl of device-mapper; include/uapi/linux/dm-ioctl.h.
MAPPER = {3: "dm: make a device", 4: "dm: remove a device", 5: "dm: name a device", 6: SUSPEND, 9: "dm: load a table",
          14: "dm: message to a pool"}
ASK = "dm: questions"
CALLS = {
    **dict.fromkeys((7, 23, 45, 47, 232, 270, 271, 281), WAIT),  # poll, select, recv, epoll
    **dict.fromkeys((0, 1, 8, 17, 18, 74, 75, 206, 208, 209), "read and write"),
    **dict.fromkeys((2, 3, 4, 5, 6, 21, 78, 89, 217, 257, 262, 267, 332), "look for files and devices"),
    **dict.fromkeys((9, 10, 11, 12, 25, 28, 149, 150), "memory"),
    **dict.fromkeys((35, 230), "sleep"),
}


class Span(NamedTuple):
    program: str
    what: str
    begin: float
    end: float  # milliseconds


@contextmanager
def traced() -> Iterator[None]:
    INSTANCE.mkdir(exist_ok=True)
    try:
        (INSTANCE / "buffer_size_kb").write_text("16384")
        (INSTANCE / "trace_clock").write_text("mono")
        events = INSTANCE / "events/raw_syscalls"
        (events / "filter").write_text('comm == "vssd-hold" || comm == "vssd-lvm"')
        (events / "enable").write_text("1")
        yield
    finally:
        INSTANCE.rmdir()


def what_is(call: int, arguments: str) -> str:
    if call != IOCTL:
        return CALLS.get(call, "other calls")
    number = int(arguments.split(", ")[1], 16)
    group, last = number >> 8 & 0xff, number & 0xff
    if group == 0xfd:
        return MAPPER.get(last, ASK)
    return {(0x58, 119): FREEZE, (0x58, 120): THAW}.get((group, last), "other calls")


def spans_of(trace: str) -> list[Span]:
    if "LOST" in trace:
        raise RuntimeError("the kernel's buffer was too small for the trace")
    begun: dict[str, tuple[float, str]] = {}
    spans = []
    for line in trace.splitlines():
        found = CALL.match(line)
        if not found:
            continue
        program, thread, seconds, edge, call, arguments = found.groups()
        if edge == "enter":
            begun[thread] = float(seconds) * 1000, what_is(int(call), arguments)
        elif thread in begun:
            begin, what = begun.pop(thread)
            spans.append(Span(program, what, begin, float(seconds) * 1000))
    return sorted(spans, key=lambda span: span.begin)


def account(spans: list[Span]) -> dict[str, float]:
    """vssd-hold holds, vssd-lvm captures one volume after the other, vssd-hold lets go; between them they wait for vssd.
    The release of a device that lvm has resumed already is a question to device-mapper."""
    holder = [span for span in spans if span.program == "vssd-hold"]
    begin = min(span.begin for span in holder if span.what in (FREEZE, SUSPEND))
    end = max(span.end for span in holder if span.what in (THAW, SUSPEND, ASK))
    lvm = [span for span in spans if span.program == "vssd-lvm" and begin < span.end and span.begin < end]
    busy = [span for span in lvm if span.what != WAIT]
    if not busy:
        raise RuntimeError("vssd-lvm did nothing while volumes were held")
    first, last = busy[0].begin, min(busy[-1].end, end)
    lines = {"hold": first - begin}
    by_call: dict[str, float] = defaultdict(float)
    for span in lvm:
        by_call[span.what] += max(min(span.end, last) - max(span.begin, first), 0)
    waited = by_call.pop(WAIT, 0.0)
    lines |= dict(sorted(by_call.items()))
    lines["lvm computes"] = last - first - waited - sum(by_call.values())
    lines["between captures"] = waited
    lines["release"] = end - last
    lines["all"] = sum(lines.values())
    return lines


def one_set(paths: list[str]) -> dict[str, float]:
    volumes = [volume_at(path) for path in paths]
    with traced():
        with load(volumes):
            holds, remove = by_vssd(volumes)
        try:
            trace = (INSTANCE / "trace").read_text()
        finally:
            remove()
    return account(spans_of(trace)) | {LONGEST: max(holds)}


def measure(paths: list[str], rounds: int) -> dict[str, float]:
    """Milliseconds, the mean of all sets: so the lines still add up."""
    total: dict[str, float] = defaultdict(float)
    for _ in range(rounds):
        for line, value in one_set(paths).items():
            total[line] += value / rounds
    return {line: total[line] for line in sorted(total, key=lambda line: (line == "all", line == LONGEST))}


def main() -> int:
    arguments = command_line(__doc__.splitlines()[0])
    try:
        table = measure(arguments.paths, arguments.rounds)
    except (RuntimeError, OSError, KeyError, ValueError) as error:
        print(f"lvm_account: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(table))
    else:
        for line, value in table.items():
            print(f"{value:8.1f}  {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
