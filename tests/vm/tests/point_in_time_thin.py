# SPDX-License-Identifier: LGPL-2.1-or-later
"""Four thin volumes of two pools show one instant where the kernel lets lvm freeze what is frozen already; elsewhere
the result says that it is less."""
from __future__ import annotations

from ring.guest import Guest
from ring.point_in_time import PointInTime
from ring.storage import Volume, make_group, make_pool, thin


class PointInTimeThin(PointInTime):
    disks = {"first": "1G", "second": "512M"}
    usual = ("trixie",)

    def volumes(self, guest: Guest) -> list[Volume]:
        for group, disk, size in (("data", "first", "900M"), ("more-data", "second", "400M")):
            make_group(guest, group, [disk])
            make_pool(guest, group, size)
        return [thin(guest, "data", "one", "96M"),
                thin(guest, "data", "a-thin-xfs", "96M", "xfs"),
                thin(guest, "data", "three", "96M"),
                thin(guest, "more-data", "log-files-2", "96M")]
