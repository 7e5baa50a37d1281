# SPDX-License-Identifier: LGPL-2.1-or-later
"""A PostgreSQL whose data, WAL and tablespace lie on thick and thin volumes, with its writer as the package has it: by its
unit, as the account postgres, admitted by polkit. What is on its snapshots starts and has what was committed."""
from __future__ import annotations

from ring import storage, vssd
from ring.guest import Guest
from ring.soundness import expect_sound
from ring.testcase import Test

ROUNDS = 2
DOCUMENT = "/run/backup.json"
MEMBERS = ("cluster", "wal", "space")

MAKE = """
set -e
for volume in cluster wal space scratch; do install -d -o postgres -g postgres -m 700 /srv/$volume/pg; done
install -d -o postgres -g postgres /run/postgresql
as_postgres initdb -D /srv/cluster/pg -X /srv/wal/pg/wal --data-checksums -A peer --locale=C --no-sync >/dev/null
cat >>/srv/cluster/pg/postgresql.conf <<END
listen_addresses = ''
unix_socket_directories = '/run/postgresql'
shared_buffers = 16MB
min_wal_size = 32MB
max_wal_size = 64MB
END
systemd-run -q --unit=cluster -p Type=notify -p User=postgres $bin/postgres -D /srv/cluster/pg
sql 5432 "create tablespace far location '/srv/space/pg'"
sql 5432 "create table near (n bigint primary key)"
sql 5432 "create table far (n bigint) tablespace far"
mkdir -p /etc/vssd/postgresql && touch /etc/vssd/postgresql/main.toml
systemctl start vss-writer-postgresql@main
"""

LOAD = """
for ((i = 1; ; ++i)); do echo "begin; insert into near values ($i); insert into far values ($i); commit;"; done |
  as_postgres psql -qX postgres
"""

RESTORE = """
set -e
cd /srv/scratch/pg && rm -rf data wal space
cp -a $CLUSTER/pg data && cp -a $WAL/pg/wal wal && cp -a $SPACE/pg space
rm data/postmaster.pid && ln -sfn /srv/scratch/pg/wal data/pg_wal
for link in data/pg_tblspc/*; do ln -sfn /srv/scratch/pg/space $link; done
as_postgres pg_ctl -s -w -t 200 -D data -l /srv/scratch/pg/log -o '-p 5433' start || { cat log; exit 1; }
sql 5433 "select max(n) from near"
sql 5433 "select (select max(n) from near) = (select count(*) from near)
             and (select count(*) from near) = (select count(*) from far)"
as_postgres pg_ctl -s -w -D data -m fast stop
as_postgres pg_checksums --check -D data >/dev/null && echo checked
"""


class PostgresqlOnLvm(Test):
    disks = {"pv": "3G"}
    usual = ("trixie",)

    def run(self, guest: Guest) -> None:
        storage.make_group(guest, "data", ["pv"])
        storage.make_pool(guest, "data", "256M")
        storage.thick(guest, "data", "cluster", "384M")
        storage.thick(guest, "data", "wal", "256M")
        storage.thin(guest, "data", "space", "128M")
        storage.thick(guest, "data", "scratch", "768M")
        self.paths = [f"{storage.MOUNTS}/{name}" for name in MEMBERS]
        self.script(guest, MAKE)
        guest.wait_for(lambda: "PostgreSQL" in guest.run("vssctl list writers").out)
        self.a_volume_that_is_missing_is_named(guest)
        load = guest.spawn(self.with_functions(LOAD))
        guest.wait_for(lambda: self.committed(guest) > 0)
        for _ in range(ROUNDS):
            self.what_was_committed_is_on_the_set(guest)
        self.true(load.running(), f"the load goes on: {load.output()}")
        load.stop()
        guest.run("systemctl stop vss-writer-postgresql@main cluster")
        expect_sound(guest, self.paths)

    @staticmethod
    def with_functions(script: str) -> str:
        return ("bin=$(ls -d /usr/lib/postgresql/*/bin)\n"
                "as_postgres() { local program=$1; shift; runuser -u postgres -- $bin/$program \"$@\"; }\n"
                "sql() { as_postgres psql -qAtX -p $1 -c \"$2\" postgres; }\n" + script)

    def script(self, guest: Guest, text: str, env: dict[str, str] | None = None) -> str:
        return guest.run(self.with_functions(text), timeout=300, env=env).out

    def committed(self, guest: Guest) -> int:
        return int(self.script(guest, 'sql 5432 "select coalesce(max(n), 0) from near"'))

    def create(self, guest: Guest, paths: list[str]) -> dict:
        return vssd.create(guest, paths, "--component", "PostgreSQL", "--document", DOCUMENT)

    def a_volume_that_is_missing_is_named(self, guest: Guest) -> None:
        try:
            made = self.create(guest, self.paths[:2])
        except vssd.Refused as refused:
            self.true(self.paths[2] in refused.message, f"what is missing is named: {refused}")
        else:
            raise AssertionError(f"a set without the tablespace was made: {made}")

    def what_was_committed_is_on_the_set(self, guest: Guest) -> None:
        committed = self.committed(guest)
        made = self.create(guest, self.paths)
        self.equal(made["consistency"], "cut", f"the level ({made['consistency_reason']})")
        self.true("crash-consistent-atomic" in guest.run(f"cat {DOCUMENT}").out, "the document says what it is")
        snapshots = {name.upper(): vssd.snapshot_of(made, path)["path"] for name, path in zip(MEMBERS, self.paths)}
        most, whole, checked = self.script(guest, RESTORE, snapshots).split()
        self.true(int(most) >= committed, f"{committed} was committed, and the snapshot has {most}")
        self.equal((whole, checked), ("t", "checked"), "nothing is missing in between, and no page is broken")
        vssd.delete(guest, made)
