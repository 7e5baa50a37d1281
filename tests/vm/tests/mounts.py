# SPDX-License-Identifier: LGPL-2.1-or-later
"""How snapshots of logical volumes are shown: read-only beside their origins, writable for the writers in PostSnapshot
and then never again, unchanged by what is written later, to namespaces that follow the host's and to no other, and gone
without a trace."""
from __future__ import annotations

from ring import vssd
from ring.guest import Guest
from ring.remote import Process
from ring.storage import Volume, make_group, make_pool, thick, thin
from ring.testcase import Test
from ring.trouble import journal

WRITER = """
name = "shop"
class_id = "6f1d1c1e-6a4e-4a6e-9d55-0d4f2d6f9b11"
paths = ["/srv/a-thick-ext4", "/srv/a-thin-xfs"]

[events.post_snapshot]
command = ["/usr/local/bin/recover"]
"""
# A writer is told the volumes of the whole set, each with its snapshot; it changes those with files of its own.
RECOVER = """#!/bin/bash -e
mapfile -t volumes <<<"$VSS_VOLUMES"
mapfile -t snapshots <<<"$VSS_SNAPSHOT_PATHS"
for index in "${!volumes[@]}"; do
  echo "${volumes[index]} ${snapshots[index]}"
  case ${volumes[index]} in
    /srv/a-thick-ext4|/srv/a-thin-xfs) echo recovered >"${snapshots[index]}/by-the-writer" ;;
  esac
done >/run/recovered
"""
# Has a copy of the mounts that there are when it starts.
PRIVATE = "systemd-run -q --unit={name} -p PrivateTmp=yes -p PrivateMounts=yes sleep infinity"


class Mounts(Test):
    disks = {"first": "1500M"}
    usual = ("trixie",)

    def run(self, guest: Guest) -> None:
        make_group(guest, "data", ["first"])
        make_pool(guest, "data", "500M")
        volumes = [thick(guest, "data", "a-thick-ext4", "96M"), thin(guest, "data", "a-thin-xfs", "320M", "xfs"),
                   thick(guest, "data", "a-thick-xfs", "320M", "xfs"), thin(guest, "data", "a-thin-ext4", "96M")]
        guest.run("\n".join(f"echo before >{volume.path}/file && sync -f {volume.path} || exit" for volume in volumes))
        self.start_writer(guest)
        guest.run(PRIVATE.format(name="private-before"))
        unshared_before = self.unshared(guest)
        made = vssd.create(guest, [volume.path for volume in volumes])
        guest.run(PRIVATE.format(name="private-after"))
        self.equal([writer["name"] for writer in made["writers"]], ["shop"], "writers")
        self.equal(sorted(guest.run("cat /run/recovered").out.splitlines()),
                   sorted(f"{volume.path} {vssd.snapshot_of(made, volume.path)['path']}" for volume in volumes),
                   "volumes and snapshots that the writer was told")
        for volume in volumes:
            self.shown(guest, volume, vssd.snapshot_of(made, volume.path), recovered=volume in volumes[:2])
        for name in ("private-before", "private-after"):
            self.seen_by(guest, name, volumes, made)
        said = guest.run("".join(f"nsenter --mount --target {unshared_before.pid} ls {snapshot['path']}\n"
                                 for snapshot in made["snapshots"]))
        self.equal(said.out, "", "what a namespace that was made private before the set sees of it")
        self.later_writes_do_not_show(guest, volumes, made)
        self.only_an_open_file_delays_the_deletion(guest, made)
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
        asked = [f"touch {path}/mine", f"blockdev --getro {device}", f"cat {path}/file", f"findmnt -no OPTIONS {path}",
                 f"cat {path}/by-the-writer", f"ls {volume.path}",
                 f"blkid -p -s UUID -o value {device} {volume.device} | sort -u | wc -l"]
        said = guest.run("".join(f"{command} 2>&1; echo ==\n" for command in asked)).out.split("==\n")
        refused, read_only, text, options, of_writer, in_origin, uuids = said[:len(asked)]
        self.true("Read-only file system" in refused, f"EROFS for a write to {path}: {refused}")
        self.equal(read_only, "1\n", f"{device} is read-only")
        self.equal(text, "before\n", f"the file in {path}")
        self.true("ro" in options.strip().split(","), f"{path} is mounted read-only: {options}")
        if recovered:
            self.equal(of_writer, "recovered\n", f"what the writer has left in {path}")
        else:
            self.true("No such file" in of_writer, f"the writer has left nothing in {path}: {of_writer}")
        self.true("by-the-writer" not in in_origin.split(), f"nor in the origin: {in_origin}")
        self.equal(uuids, "1\n", "the number of uuids of the filesystem and its origin")

    def seen_by(self, guest: Guest, service: str, volumes: list[Volume], made: dict) -> None:
        """In the mount namespace of its own that the service has."""
        pid = guest.run(f"systemctl show -P MainPID {service}").out.strip()
        guest.wait_for(f"[ $(cat /proc/{pid}/comm) = sleep ]")
        guest.run(f"[ $(readlink /proc/{pid}/ns/mnt) != $(readlink /proc/self/ns/mnt) ]")
        said = guest.run("\n".join(f"nsenter --mount --target {pid} cat {vssd.snapshot_of(made, volume.path)['path']}/file"
                                   for volume in volumes)).out
        self.equal(said, "before\n" * len(volumes), f"what {service} sees in the snapshots")

    @staticmethod
    def unshared(guest: Guest, file: str = "/dev/null") -> Process:
        """With a mount namespace that takes over nothing more and gives nothing back; has the file open there."""
        process = guest.spawn(f"exec unshare --mount --propagation private bash -c 'exec sleep infinity <{file}'")
        guest.wait_for(f"[ $(cat /proc/{process.pid}/comm) = sleep ]")
        return process

    def only_an_open_file_delays_the_deletion(self, guest: Guest, made: dict) -> None:
        """Namespaces that were made private while the mounts were there have a copy of each."""
        self.unshared(guest)
        keeper = self.unshared(guest, f"{made['snapshots'][0]['path']}/file")
        refused = guest.run(["vssctl", "delete", "--yes", "--set", made["set_id"]], timeout=180, check=False)
        self.true("could not be deleted" in refused.err, f"the refusal: {refused}")
        self.true("contains a filesystem in use" in journal(guest), "the journal has what lvm said")
        keeper.stop()
        guest.wait_for(lambda: vssd.leftovers(guest) == "", 120)  # vssd tries again by itself

    def later_writes_do_not_show(self, guest: Guest, volumes: list[Volume], made: dict) -> None:
        guest.run("\n".join(["set -e", *(
            f"echo after >{volume.path}/file; dd if=/dev/urandom of={volume.path}/new bs=1M count=8 conv=fsync"
            for volume in volumes), "sync", "echo 3 >/proc/sys/vm/drop_caches"]), timeout=120)
        copies = [vssd.snapshot_of(made, volume.path)["path"] for volume in volumes]
        said = guest.run("\n".join(f"cat {copy}/file; ls {copy} | grep -c new" for copy in copies), check=False).out
        self.equal(said, "before\n0\n" * len(copies), "the snapshots after the origins were written")
        bad = guest.run("lvs --noheadings -o lv_name -S 'lv_name=~\"_vss_\" && lv_snapshot_invalid=1'").out
        self.equal(bad, "", "invalid snapshots")
