# SPDX-License-Identifier: LGPL-2.1-or-later
"""btrfs subvolumes, a thick volume, a thin one and an image in one set: three providers, one plan, one result. Two of
them cannot be held where freezes do not nest, the btrfs and the thin one; without the latter it is one instant."""
from __future__ import annotations

from ring.guest import Guest
from ring.point_in_time import PointInTime
from ring.storage import Volume, image, make_group, make_pool, subvolumes, thick, thin


class PointInTimeBtrfsAndLvm(PointInTime):
    disks = {"first": "2G", "btrfs": "512M"}
    usual = ("trixie",)

    def volumes(self, guest: Guest) -> list[Volume]:
        make_group(guest, "data", ["first"])
        make_pool(guest, "data", "300M")
        host = thick(guest, "data", "images", "600M", "xfs")
        return [*subvolumes(guest, guest.disk("btrfs"), ["one", "two"]),
                thick(guest, "data", "thick-one", "96M"),
                thin(guest, "data", "thin-one", "96M"),
                image(guest, host, "in-a-file", "96M")]

    def sets_of(self, volumes: list[Volume]) -> list[list[Volume]]:
        return [volumes, [volume for volume in volumes if volume.kind != "thin"]]
