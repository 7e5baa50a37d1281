# SPDX-License-Identifier: LGPL-2.1-or-later
"""A PostgreSQL with data and WAL on thick volumes and a tablespace on a thin one: one instant on every kernel."""
from __future__ import annotations

from ring.postgresql import PostgresqlOnVolumes


class PostgresqlOnThickAndThin(PostgresqlOnVolumes):
    kinds = {"cluster": "thick", "wal": "thick", "space": "thin"}
    usual = ("trixie",)
