# SPDX-License-Identifier: LGPL-2.1-or-later
"""A set of three subvolumes of a disk without any volume manager, by the packages as they are installed."""
from __future__ import annotations

import json

from ring.guest import Guest
from ring.testcase import Test


class BtrfsSetOnAPlainDisk(Test):
    disks = {"data": "512M"}
    usual = ("bookworm",)

    def run(self, guest: Guest) -> None:
        disk = guest.disk("data")
        names = ("one", "two", "three")
        guest.run(f"mkfs.btrfs -q {disk} && mkdir -p /srv/data && mount {disk} /srv/data")
        for name in names:
            guest.run(f"btrfs subvolume create /srv/data/{name} && echo before >/srv/data/{name}/file")
        volumes = " ".join(f"-v /srv/data/{name}" for name in names)
        created = json.loads(guest.run(f"vssctl create --persistent --json {volumes}", timeout=180).out.splitlines()[0])
        guest.run(" && ".join(f"echo after >/srv/data/{name}/file" for name in names))
        self.equal(len(created["snapshots"]), len(names), "number of snapshots")
        for snapshot in created["snapshots"]:
            self.equal(snapshot["provider"], "btrfs", "provider")
            self.equal(guest.run(f"cat {snapshot['path']}/file").out, "before\n", f"file in {snapshot['path']}")
        guest.run(f"vssctl delete --yes --set {created['set_id']}", timeout=120)
        self.equal(guest.run("btrfs subvolume list /srv/data | grep -c .").out.strip(), str(len(names)), "subvolumes left")
