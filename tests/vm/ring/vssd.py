# SPDX-License-Identifier: LGPL-2.1-or-later
"""vssd in a guest, by way of vssctl, and what must be left of its work: nothing."""
from __future__ import annotations

import json
from typing import Any, Sequence

from .channel import GuestError
from .remote import Remote, Result, describe

SET_LIMIT = 180


class Refused(Exception):
    """vssd has answered with an error of the list."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['name']}: {error['message']}")
        self.name = error["name"].rsplit(".", 1)[-1]
        self.message = error["message"]


def _answer(result: Result) -> dict[str, Any]:
    lines = result.out.splitlines()
    if not lines:
        raise GuestError(describe(result))
    answer = json.loads(lines[0])
    if "error" in answer:
        raise Refused(answer["error"])
    if not result.ok:
        raise GuestError(describe(result))
    return answer


def create(guest: Remote, paths: Sequence[str], *options: str, limit: float = SET_LIMIT) -> dict[str, Any]:
    """A set that stays until it is deleted. Refused is raised if vssd makes none."""
    volumes = [word for path in paths for word in ("-v", path)]
    command = ["vssctl", "create", "--persistent", "--json", *options, *volumes]
    return _answer(guest.run(command, timeout=limit, check=False))


def delete(guest: Remote, made: dict[str, Any]) -> None:
    guest.run(["vssctl", "delete", "--yes", "--set", made["set_id"]], timeout=SET_LIMIT)


def snapshot_of(made: dict[str, Any], path: str) -> dict[str, Any]:
    for snapshot in made["snapshots"]:
        if snapshot["volume"] == path:
            return snapshot
    raise AssertionError(f"{path} is not in the set: {[snapshot['volume'] for snapshot in made['snapshots']]}")


def snapshots(guest: Remote) -> list[str]:
    """The ids of all that vssd knows."""
    told = guest.run(["vssctl", "list", "snapshots", "--json"]).out
    return sorted(snapshot["snapshot_id"] for snapshot in json.loads(told.splitlines()[0]))


def nests_freezes(guest: Remote) -> bool:
    """Whether the kernel freezes what is frozen once more, since Linux 6.8: what can be held depends on it."""
    return guest.run("grep -q ' fs_bdev_freeze$' /proc/kallsyms", check=False).ok


def leftovers(guest: Remote) -> str:
    """What only exists while there are snapshots or a set is being made, one a line."""
    return guest.run(r"""
        set -e
        volumes=$(lvs -a --noheadings -o vg_name,lv_name,tags)
        devices=$(dmsetup info -c --noheadings -o name,suspended)
        sed -n '/vssd/s/^ */volume: /p' <<<"$volumes"
        sed -nE '/^[^:]*(vss_|-cow:|-real:)/s/^/device: /p; /:Suspended$/s/^/suspended: /p' <<<"$devices"
        cat /proc/[0-9]*/mountinfo 2>/dev/null | sed -nE '/\/run\/vssd\/snapshots|_vss_/s/^/mount: /p' | sort -u
        find /run/vssd -maxdepth 1 -name 'hold.record*' -printf 'record: %f\n'""").out
