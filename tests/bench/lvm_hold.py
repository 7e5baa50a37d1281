#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long filesystems on logical volumes stand still for a snapshot set: by vssd, and by the usual script, which freezes
all of them, runs lvcreate -s for one after the other and thaws all. Both in turn, under the same load. Needs root, a vssd
that runs, space in the volume groups, and filesystems to which it may write a file of 64 KiB. See README.md.

    lvm_hold.py [--rounds N] [--json] MOUNT_POINT...
"""
from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from statistics import median
from typing import Callable, Iterator, NamedTuple

STORE = "32M"
SUFFIX = ".held"
LOAD_FILE, PROBE_FILE = ".lvm-hold-load", ".lvm-hold-probe"
ELSEWHERE = "/run"  # in no set, and on no disk: what a program notices there is waiting for a processor


class Volume(NamedTuple):
    path: str
    name: str  # group/name
    thin: bool

    @property
    def device(self) -> str:
        """As device-mapper calls it."""
        return self.name.replace("-", "--").replace("/", "-")


class Round(NamedTuple):
    """Milliseconds, by volume."""
    held: list[float]  # as who holds counts it
    noticed: list[float]  # the longest write of a program that only writes to the page cache
    elsewhere: float  # the same, of one that writes to ELSEWHERE
    took: float  # to make the set, preparation included


def run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def volume_at(path: str) -> Volume:
    device = run("findmnt", "-no", "SOURCE", "--target", path).strip()
    group, name, kind = run("lvs", "--noheadings", "-o", "vg_name,lv_name,segtype", device).split()[:3]
    return Volume(path, f"{group}/{name}", kind == "thin")


def now() -> float:
    return time.monotonic() * 1000


# --- what runs beside a set

def write_with_fsync(path: str) -> None:
    with open(f"{path}/{LOAD_FILE}", "wb", buffering=0) as file:
        while True:
            os.pwrite(file.fileno(), os.urandom(16384), 0)
            os.fsync(file.fileno())
            time.sleep(0.1)


def longest_write(path: str, tell: int) -> None:
    ends: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: ends.append(1))
    longest = 0.0
    with open(f"{path}/{PROBE_FILE}", "wb", buffering=0) as file:
        while not ends:
            start = now()
            os.pwrite(file.fileno(), b"probe", 0)
            longest = max(longest, now() - start)
            time.sleep(0.005)
    os.write(tell, f"{longest}".encode())


def start(function: Callable[..., None], *arguments: object) -> int:
    child = os.fork()
    if child == 0:
        try:
            function(*arguments)
        finally:
            os._exit(0)
    return child


def end(child: int, number: int) -> None:
    os.kill(child, number)
    os.waitpid(child, 0)


@contextmanager
def load(volumes: list[Volume]) -> Iterator[None]:
    children = [start(write_with_fsync, volume.path) for volume in volumes]
    try:
        yield
    finally:
        for child in children:
            end(child, signal.SIGKILL)
        for volume in volumes:
            os.unlink(f"{volume.path}/{LOAD_FILE}")


class Probes:
    """A program at each place that notices how long it is not let write."""

    def __init__(self, places: list[str]) -> None:
        self._places = places
        self._children: list[tuple[int, int]] = []
        for place in places:
            ours, theirs = os.pipe()
            self._children.append((start(longest_write, place, theirs), ours))
            os.close(theirs)

    def stop(self) -> list[float]:
        for child, _ in self._children:
            end(child, signal.SIGTERM)
        said = [float(os.read(pipe, 64)) for _, pipe in self._children]
        for (_, pipe), place in zip(self._children, self._places):
            os.close(pipe)
            os.unlink(f"{place}/{PROBE_FILE}")
        return said


# --- the two ways

Made = tuple[list[float], Callable[[], object]]  # holds, and how the set is removed


def by_vssd(volumes: list[Volume]) -> Made:
    words = [word for volume in volumes for word in ("-v", volume.path)]
    made = json.loads(run("vssctl", "create", "--persistent", "--json", *words).splitlines()[0])
    held = {snapshot["volume"]: snapshot["hold_ms"] for snapshot in made["snapshots"]}
    return [held[volume.path] for volume in volumes], lambda: run("vssctl", "delete", "--yes", "--set", made["set_id"])


def freezes_nest() -> bool:
    with open("/proc/kallsyms") as symbols:
        return any(line.split()[2] == "fs_bdev_freeze" for line in symbols)


def can_hold(volume: Volume, nests: bool) -> bool:
    """Before Linux 6.8 lvm fails to capture what is frozen; the script must suspend the device, which harms thin ones."""
    return nests or not volume.thin


def hold(volume: Volume, nests: bool) -> None:
    if nests:
        run("fsfreeze", "-f", volume.path)
    else:
        run("dmsetup", "suspend", volume.device)


def let_go(volume: Volume, nests: bool) -> None:
    if nests:
        run("fsfreeze", "-u", volume.path)
    else:
        run("dmsetup", "resume", volume.device)


def capture(volume: Volume) -> None:
    how = ["-kn"] if volume.thin else ["-L", STORE]
    run("lvcreate", "-q", "-y", "-s", "-n", volume.name.split("/")[1] + SUFFIX, *how, volume.name)


def by_script(volumes: list[Volume], nests: bool) -> Made:
    held_since: dict[Volume, float] = {}
    held = {volume: 0.0 for volume in volumes}
    try:
        for volume in volumes:
            if can_hold(volume, nests):
                held_since[volume] = now()
                hold(volume, nests)
        for volume in volumes:
            capture(volume)
            if not nests and volume in held_since:  # lvm has resumed it
                held[volume] = now() - held_since.pop(volume)
    finally:
        for volume in list(held_since):
            let_go(volume, nests)
            held[volume] = now() - held_since.pop(volume)
    copies = [volume.name + SUFFIX for volume in volumes]
    return [held[volume] for volume in volumes], lambda: run("lvremove", "-q", "-y", *copies)


def one_round(way: Callable[[list[Volume]], Made], volumes: list[Volume]) -> Round:
    with load(volumes):
        probes = Probes([*(volume.path for volume in volumes), ELSEWHERE])
        start_of_all = now()
        try:
            held, remove = way(volumes)
            took = now() - start_of_all
        finally:
            *noticed, elsewhere = probes.stop()
    remove()
    return Round(held, noticed, elsewhere, took)


# --- the table

def summary(rounds: list[Round]) -> dict[str, float]:
    """Of all volumes of all rounds."""
    held = [value for one in rounds for value in one.held]
    noticed = [value for one in rounds for value in one.noticed]
    elsewhere = [one.elsewhere for one in rounds]
    return {"held": median(held), "held_most": max(held), "noticed": median(noticed), "noticed_most": max(noticed),
            "elsewhere": median(elsewhere), "elsewhere_most": max(elsewhere), "took": median(one.took for one in rounds)}


def measure(volumes: list[Volume], rounds: int) -> dict[str, dict[str, float]]:
    nests = freezes_nest()
    ways = {"script": lambda members: by_script(members, nests), "vssd": by_vssd}
    done: dict[str, list[Round]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            done[name].append(one_round(way, volumes))
    return {name: summary(results) for name, results in done.items()}


def print_table(table: dict[str, dict[str, float]]) -> None:
    print(f"{'ms':8}{'held':>10}{'most':>10}{'noticed':>10}{'most':>10}{'elsewhere':>10}{'most':>10}{'in all':>10}")
    for name, row in table.items():
        print(f"{name:8}" + "".join(f"{value:10.0f}" for value in row.values()))


def command_line(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("paths", nargs="+", metavar="MOUNT_POINT")
    return parser.parse_args()


def main() -> int:
    arguments = command_line(__doc__.splitlines()[0])
    try:
        table = measure([volume_at(path) for path in arguments.paths], arguments.rounds)
    except (RuntimeError, OSError, KeyError) as error:
        print(f"lvm_hold: {error}", file=sys.stderr)
        return 1
    print(json.dumps(table)) if arguments.json else print_table(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
