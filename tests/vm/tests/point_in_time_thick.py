# SPDX-License-Identifier: LGPL-2.1-or-later
"""Four thick volumes of two groups show one instant on every kernel: one of them lies on two disks, one is an xfs."""
from __future__ import annotations

from ring.guest import Guest
from ring.point_in_time import PointInTime
from ring.storage import Volume, make_group, thick


class PointInTimeThick(PointInTime):
    disks = {"first": "512M", "second": "512M", "third": "1G"}
    usual = ("bookworm",)

    def volumes(self, guest: Guest) -> list[Volume]:
        make_group(guest, "data", ["first", "second"])
        make_group(guest, "more-data", ["third"])
        on_both = f"{guest.disk('first')}:40-51 {guest.disk('second')}:0-11"
        return [thick(guest, "data", "one", "96M"),
                thick(guest, "data", "on-both--disks", "24", extents=on_both),
                thick(guest, "more-data", "log-files-2", "96M"),
                thick(guest, "more-data", "an-xfs", "96M", "xfs")]
