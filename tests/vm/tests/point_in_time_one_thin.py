# SPDX-License-Identifier: LGPL-2.1-or-later
"""One thin volume among thick ones: what cannot be held is captured first, so this is one instant on every kernel."""
from __future__ import annotations

from ring.guest import Guest
from ring.point_in_time import PointInTime
from ring.storage import Volume, make_group, make_pool, thick, thin


class PointInTimeOneThin(PointInTime):
    disks = {"first": "1G"}

    def volumes(self, guest: Guest) -> list[Volume]:
        make_group(guest, "data", ["first"])
        make_pool(guest, "data", "300M")
        return [thick(guest, "data", "thick-one", "96M"),
                thick(guest, "data", "thick-two", "96M"),
                thin(guest, "data", "thin-one", "96M")]

    def reaches_cut(self, nests: bool) -> bool:
        return True
