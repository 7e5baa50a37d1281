# SPDX-License-Identifier: LGPL-2.1-or-later
"""How snapshots of logical volumes are shown: read-only beside their origins, writable for the writers in PostSnapshot
and then never again, unchanged by what is written later, and gone without a trace."""
from __future__ import annotations

from ring import vssd
from ring.guest import Guest
from ring.storage import Volume, make_group, make_pool, thick, thin
from ring.testcase import Test

WRITER = """
name = "shop"
class_id = "6f1d1c1e-6a4e-4a6e-9d55-0d4f2d6f9b11"
paths = ["/srv/a-thick-ext4", "/srv/a-thin-xfs"]

[events.post_snapshot]
command = ["/usr/local/bin/recover"]
"""
RECOVER = """#!/bin/sh -e
echo "$VSS_SNAPSHOT_PATHS" | while read -r path; do echo recovered >"$path/by-the-writer"; done
"""
# Has a copy of the mounts that there are when it starts.
PRIVATE = "systemd-run -q --unit={name} -p PrivateTmp=yes -p PrivateMounts=yes sleep infinity"


class Mounts(Test):
    disks = {"first": "1500M"}

    def run(self, guest: Guest) -> None:
        make_group(guest, "data", ["first"])
        make_pool(guest, "data", "500M")
        volumes = [thick(guest, "data", "a-thick-ext4", "96M"), thin(guest, "data", "a-thin-xfs", "320M", "xfs"),
                   thick(guest, "data", "a-thick-xfs", "320M", "xfs"), thin(guest, "data", "a-thin-ext4", "96M")]
        for volume in volumes:
            guest.run(f"echo before >{volume.path}/file && sync -f {volume.path}")
        self.start_writer(guest)
        guest.run(PRIVATE.format(name="private-before"))
        made = vssd.create(guest, [volume.path for volume in volumes])
        guest.run(PRIVATE.format(name="private-after"))
        self.equal([writer["name"] for writer in made["writers"]], ["shop"], "writers")
        for volume in volumes:
            self.shown(guest, volume, vssd.snapshot_of(made, volume.path), recovered=volume in volumes[:2])
        self.later_writes_do_not_show(guest, volumes, made)
        vssd.delete(guest, made)
        self.equal(vssd.leftovers(guest), "", "what is left while other mount namespaces exist")
        guest.run("systemctl stop private-before private-after")

    def start_writer(self, guest: Guest) -> None:
        guest.put("/etc/vssd/writers.d/shop.toml", WRITER)
        guest.put("/usr/local/bin/recover", RECOVER, 0o755)
        guest.run("systemctl start vss-writer-command@shop", timeout=90)
        guest.wait_for("vssctl list writers | grep -q shop")

    def shown(self, guest: Guest, volume: Volume, snapshot: dict, recovered: bool) -> None:
        path, device = snapshot["path"], snapshot["device"]
        self.true(path.startswith("/run/vssd/snapshots/"), f"{path} is under the runtime directory")
        refused = guest.run(f"touch {path}/mine", check=False)
        self.true("Read-only file system" in refused.err, f"EROFS for a write to {path}: {refused.err}")
        self.equal(guest.run(f"blockdev --getro {device}").out, "1\n", f"{device} is read-only")
        self.equal(guest.run(f"cat {path}/file").out, "before\n", "the file")
        options = guest.run(f"findmnt -no OPTIONS {path}").out.split(",")
        self.true("ro" in options, f"{path} is mounted read-only: {options}")
        said = guest.run(f"cat {path}/by-the-writer", check=False).out
        self.equal(said, "recovered\n" if recovered else "", f"what the writer has left in {path}")
        self.equal(guest.run(f"ls {volume.path}/by-the-writer", check=False).ok, False, "in the origin")
        of_both = guest.run(f"blkid -p -s UUID -o value {device} {volume.device} | sort -u").out.split()
        self.equal(len(of_both), 1, "the filesystem has the uuid of its origin")

    def later_writes_do_not_show(self, guest: Guest, volumes: list[Volume], made: dict) -> None:
        for volume in volumes:
            guest.run(f"echo after >{volume.path}/file; dd if=/dev/urandom of={volume.path}/new bs=1M count=8 conv=fsync")
        guest.run("sync; echo 3 >/proc/sys/vm/drop_caches")
        for volume in volumes:
            snapshot = vssd.snapshot_of(made, volume.path)
            self.equal(guest.run(f"cat {snapshot['path']}/file; ls {snapshot['path']} | grep -c new", check=False).out,
                       "before\n0\n", f"the snapshot of {volume.path} after the origin was written")
        good = guest.run("lvs --noheadings -o lv_name,lv_snapshot_invalid -S 'lv_name=~\"_vss_\" && lv_snapshot_invalid=1'").out
        self.equal(good, "", "invalid snapshots")
