# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two thick and two thin volumes of one group in one set: one instant where thin ones can be held. With one thin volume
among thick ones it is one instant on every kernel: what cannot be held is captured first."""
from __future__ import annotations

from ring.guest import Guest
from ring.point_in_time import PointInTime
from ring.storage import Volume, make_group, make_pool, thick, thin


class PointInTimeThickAndThin(PointInTime):
    disks = {"first": "1G", "second": "1G"}
    usual = ("bookworm",)

    def volumes(self, guest: Guest) -> list[Volume]:
        make_group(guest, "data", ["first", "second"])
        make_pool(guest, "data", "600M")
        return [thin(guest, "data", "thin-one", "96M"),
                thick(guest, "data", "thick-one", "96M"),
                thin(guest, "data", "thin-two", "96M"),
                thick(guest, "data", "thick-xfs", "96M", "xfs")]

    def sets_of(self, volumes: list[Volume]) -> list[list[Volume]]:
        return [volumes, volumes[1:]]
