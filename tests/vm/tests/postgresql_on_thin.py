# SPDX-License-Identifier: LGPL-2.1-or-later
"""A PostgreSQL on three thin volumes: one instant, and on kernels before 6.8 backup mode and the archive."""
from __future__ import annotations

from ring.postgresql import PostgresqlOnVolumes


class PostgresqlOnThin(PostgresqlOnVolumes):
    kinds = {"cluster": "thin", "wal": "thin", "space": "thin"}
    usual = ("bookworm",)
