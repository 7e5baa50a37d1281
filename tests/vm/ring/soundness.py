# SPDX-License-Identifier: LGPL-2.1-or-later
"""What must be so whatever has happened to a set: nothing is held, nothing is left, vssd's catalogue and the disks agree."""
from __future__ import annotations

import json
from typing import Sequence

from .channel import GuestError
from .remote import Remote

SOON = 120
GROUP = 32  # how much of a device's UUID, without hyphens, is that of its volume group

# What is suspended comes first: nothing else may be asked of such a device.
FACTS = r"""
section() { printf '\n== %s\n' "$1"; }
section suspended; dmsetup info -c --noheadings -o name,suspended | sed -n 's/:Suspended$//p' | tee /run/suspended
[ ! -s /run/suspended ] || exit 0
section service; systemctl is-active vssd
section unwritable
for volume in $VOLUMES; do bash -c 'date >"$0/.written" && sync -f "$0"' $volume || echo $volume; done
section tags; lvs --noheadings -o lv_tags | tr ',' '\n' | sed -n 's/ *vssd.snapshot=//p'
section wrong; lvs -a --noheadings -o vg_name,lv_name,lv_attr | sed -n 's/ [^ ]\{8\}X.*//p'
section waiting; dmsetup info -c --noheadings -o name,tables_loaded | grep -v ':Live$'
section devices; dmsetup info -c --noheadings -o uuid | sed -n 's/^LVM-\(.\{64\}\).*/\1/p'
section volumes; lvs -a --noheadings -o vg_uuid,lv_uuid | tr -d ' -'
section pools; lvs --noheadings --separator - -o vg_name,lv_name,transaction_id -S segtype=thin-pool
section kernel; dmsetup status --target thin-pool
section subvolumes
for volume in $VOLUMES; do
  [ $(stat -f -c %T $volume) != btrfs ] || btrfs subvolume list $volume | sed -n 's,.*\.vssd/[^/]*/\([^/]*\)/.*,\1,p'
done
section records; ls /run/vssd | grep hold.record
section catalogue; vssctl list snapshots --json
"""


def _facts(guest: Remote, paths: Sequence[str]) -> dict[str, list[str]]:
    said = guest.run(FACTS, env={"VOLUMES": " ".join(paths)}, timeout=SOON, check=False).out
    parts = (part.split("\n") for part in said.split("\n== ")[1:])
    return {name: [line.strip() for line in lines if line.strip()] for name, *lines in parts}


def problems(guest: Remote, paths: Sequence[str]) -> list[str]:
    """`paths` are filesystems that must be writable. Not while a set is being made."""
    facts = _facts(guest, paths)
    if facts["suspended"]:
        return [f"{name} is suspended" for name in facts["suspended"]]
    found = [f"{volume} cannot be written" for volume in facts["unwritable"]]
    found += [f"{record} is left" for record in facts["records"]]
    if facts["service"] != ["active"]:
        found.append(f"the service is {facts['service']}")
    found += [f"{name} is not as lvm's metadata say" for name in facts["wrong"]]
    found += [f"a table waits in {name}" for name in facts["waiting"]]
    groups = {uuid[:GROUP] for uuid in facts["volumes"]}  # lvm does not list what is exported
    strays = {uuid for uuid in facts["devices"] if uuid[:GROUP] in groups} - set(facts["volumes"])
    found += [f"the device {uuid} is of no volume" for uuid in sorted(strays)]
    try:
        catalogue = json.loads(facts["catalogue"][0])
    except (IndexError, ValueError):
        return [*found, "vssd does not tell its snapshots"]
    for provider, there in (("lvm", set(facts["tags"])), ("btrfs", set(facts["subvolumes"]))):
        known = {snapshot["snapshot_id"] for snapshot in catalogue if snapshot["provider"] == provider}
        found += [f"the {provider} snapshot {snapshot} is in no set" for snapshot in sorted(there - known)]
        found += [f"the {provider} snapshot {snapshot} is not there" for snapshot in sorted(known - there)]
    return found + _pool_problems(facts)


def _pool_problems(facts: dict[str, list[str]]) -> list[str]:
    """lvm's number of the last change of a pool against the kernel's."""
    kernel = {}
    for line in facts["kernel"]:
        name, _, status = line.partition(": ")
        kernel[name.removesuffix("-tpool")] = status.split()[3]
    lvm = dict(line.rsplit("-", 1) for line in facts["pools"])
    return [] if kernel == lvm else [f"transactions of pools: lvm says {lvm}, the kernel {kernel}"]


def expect_sound(guest: Remote, paths: Sequence[str], limit: float = SOON) -> None:
    """Soon: vssd may be starting again, and remove what is left."""
    last = ["nothing was found out"]

    def is_sound() -> bool:
        last[:] = problems(guest, paths)
        return not last

    try:
        guest.wait_for(is_sound, limit)
    except GuestError as error:
        raise AssertionError("; ".join(last) or str(error)) from error
