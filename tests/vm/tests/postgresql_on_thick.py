# SPDX-License-Identifier: LGPL-2.1-or-later
"""A PostgreSQL on three thick volumes: one instant on every kernel."""
from __future__ import annotations

from ring.postgresql import PostgresqlOnVolumes


class PostgresqlOnThick(PostgresqlOnVolumes):
    kinds = {"cluster": "thick", "wal": "thick", "space": "thick"}
    usual = ()
