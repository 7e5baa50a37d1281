# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of PostgreSQL share: data, WAL and a tablespace on volumes of their own, under load, with its writer as the
package has it: by its unit, as the account postgres, admitted by polkit. What is on its snapshots starts, has what was
committed, balances its books, and no relation and no page of it is damaged."""
from __future__ import annotations

import json
import os
import time
from statistics import median
from typing import Any, ClassVar

from . import storage, vssd
from .guest import Guest
from .point_in_time import shows_one_instant
from .remote import Process
from .soundness import expect_sound
from .testcase import Test
from .work import say

ROUNDS = int(os.environ.get("VSSD_VM_ROUNDS", "1"))
DOCUMENT = "/run/backup.json"
ARCHIVE = "/var/tmp/archive"
SIZES = {"cluster": "256M", "wal": "128M", "space": "64M"}
SCRIPT_LIMIT = 300

FUNCTIONS = """
set -e
bin=$(echo /usr/lib/postgresql/*/bin)
PATH=$bin:$PATH
as_postgres() { runuser -u postgres -- "$@"; }
sql() { as_postgres psql -qAtX -F " " -v ON_ERROR_STOP=1 postgres; }
"""

# Every page is checked after every set, so there are no databases that nobody uses.
MAKE = """
install -d -o postgres -g postgres -m 700 /srv/{cluster,wal,space}/pg $ARCHIVE
install -d -o postgres -g postgres /run/postgresql
as_postgres initdb -D /srv/cluster/pg -X /srv/wal/pg/wal --wal-segsize=1 --data-checksums -A peer --locale=C --no-sync >/dev/null
cat >>/srv/cluster/pg/postgresql.conf <<END
listen_addresses = ''
unix_socket_directories = '/run/postgresql'
shared_buffers = 16MB
min_wal_size = 8MB
max_wal_size = 32MB
archive_mode = $ARCHIVE_MODE
archive_command = 'cp %p $ARCHIVE/part && mv $ARCHIVE/part $ARCHIVE/%f'
END
printf '%s\n' '[Service]' Type=notify User=postgres "ExecStart=$bin/postgres -D /srv/cluster/pg" \
  >/run/systemd/system/cluster.service
systemctl daemon-reload
systemctl start cluster
sql <<END
create extension amcheck;
create tablespace far location '/srv/space/pg';
create table near (id int primary key, balance bigint not null);
create table far (id int primary key, balance bigint not null) tablespace far;
create table journal (client int, n int, amount int, primary key (client, n) using index tablespace far);
insert into near select id, 100 from generate_series(0, 99) id;
insert into far select id, 100 from generate_series(0, 99) id;
update pg_database set datistemplate = false;
drop database template0;
drop database template1;
END
mkdir -p /etc/vssd/postgresql && printf %s "$CONFIG" >/etc/vssd/postgresql/main.toml
systemctl start vss-writer-postgresql@main
"""

# Every transfer is in the journal, so each of the three tables tells what the other two have to be; and each client numbers
# its own. Not as many as the guest can do: its processors are emulated, and are there for the sets.
LOAD = r"""
cat >/run/transfer.sql <<'END'
\set n :n + 1
\set id random(0, 99)
\set amount random(-9, 9)
begin;
update near set balance = balance - :amount where id = :id;
update far set balance = balance + :amount where id = :id;
insert into journal values (:client_id, :n, :amount);
commit;
END
as_postgres pgbench -n -c 2 -R 30 -T 36000 -D n=0 -f /run/transfer.sql postgres
"""

COMMITTED = ("select coalesce(max(n) filter (where client = 0), 0), coalesce(max(n) filter (where client = 1), 0) "
             "from journal")

# In a mount namespace, where writable layers of the snapshots have the places of the volumes: nothing is copied before it
# is written, and every path is the one that was saved.
RESTORE = """
mount -t tmpfs -o size=400M tmpfs /mnt
for volume in cluster wal space; do
  mkdir -p /mnt/$volume/{upper,work}
  mount -t overlay -o lowerdir=${!volume},upperdir=/mnt/$volume/upper,workdir=/mnt/$volume/work overlay /srv/$volume
done
export bin
as_postgres bash -es <<'SCRIPT'
  cd /srv/cluster/pg
  rm postmaster.pid
  printf '%s\n' 'port = 5433' 'fsync = off' 'archive_mode = off' >>postgresql.conf
  if [ -n "$LABEL" ]; then
    printf %s "$LABEL" >backup_label
    printf %s "$MAP" >tablespace_map
    find /srv/wal/pg/wal -type f -delete
    echo "restore_command = 'case \\" $WAL \\" in *\\" %f \\"*) cp $ARCHIVE/%f %p;; *) false;; esac'" >>postgresql.conf
    touch recovery.signal
  fi
  pg_ctl -s -w -t 200 -D . -l /mnt/log start || { cat /mnt/log; exit 1; }
  export PGPORT=5433
  while [ -e recovery.signal ] && [ -e postmaster.pid ]; do sleep 0.1; done
  psql -qAtX -F ' ' -v ON_ERROR_STOP=1 postgres <<END
$COMMITTED;
select case when count(*) = (select sum(most) from (select max(n) as most from journal group by client) clients)
         then 'whole' else 'gaps' end from journal;
select case when n.sum + j.sum = 10000 and f.sum - j.sum = 10000 then 'balanced'
         else format('near %s, far %s, journal %s', n.sum, f.sum, j.sum) end
  from (select sum(balance) from near) n, (select sum(balance) from far) f,
    (select coalesce(sum(amount), 0) as sum from journal) j;
END
  [ ! -x $bin/pg_amcheck ] || pg_amcheck -j 2 -d postgres --heapallindexed || echo damaged
  pg_ctl -s -w -D . -m fast stop
  pg_checksums --check -D . >/dev/null && echo checked
SCRIPT
"""

# What was written while the snapshots were made is in the archive.
ARCHIVED = """
sql <<<'select pg_switch_wal()' >/dev/null
for segment in $WAL; do until [ -e $ARCHIVE/$segment ]; do sleep 0.05; done; done
"""


SHARED = {"ARCHIVE": ARCHIVE, "COMMITTED": COMMITTED}


def numbers(line: str) -> list[int]:
    return [int(word) for word in line.split()]


class PostgresqlOnVolumes(Test):
    disks = {"pv": "2G"}
    kinds: ClassVar[dict[str, str]]  # "thick" or "thin", of "cluster", "wal" and "space"
    config = ""  # of the writer
    limit = 900 + 180 * ROUNDS

    def run(self, guest: Guest) -> None:
        self.set_up(guest)
        self.a_volume_that_is_missing_is_named(guest)
        load = self.begin_load(guest)
        start = time.monotonic()
        holds = [self.what_was_committed_is_on_the_set(guest) for _ in range(ROUNDS)]
        say(f"{type(self).__name__}: {ROUNDS} sets in {time.monotonic() - start:.0f} s, "
            f"{'cut' if self.cut else 'per-volume in backup mode'}, {sum(self.committed(guest))} commits, "
            f"longest hold: median {median(holds):.0f} ms, most {max(holds):.0f} ms")
        self.true(load.running(), f"the load goes on: {load.output()}")
        load.stop()
        guest.run("systemctl stop vss-writer-postgresql@main cluster")
        expect_sound(guest, list(self.paths.values()))

    def set_up(self, guest: Guest) -> None:
        self.make_volumes(guest)
        self.paths = {volume.name: volume.path for volume in self.volumes}
        self.cut = shows_one_instant(self.volumes, vssd.nests_freezes(guest))
        self.script(guest, MAKE, ARCHIVE_MODE="off" if self.cut else "on", CONFIG=self.config)
        guest.wait_for(lambda: "PostgreSQL" in guest.run("vssctl list writers").out)

    def begin_load(self, guest: Guest) -> Process:
        load = guest.spawn(FUNCTIONS + LOAD)
        guest.wait_for(lambda: min(self.committed(guest)) > 0)
        return load

    def make_volumes(self, guest: Guest) -> None:
        storage.make_group(guest, "data", ["pv"])
        if "thin" in self.kinds.values():
            storage.make_pool(guest, "data", "512M")
        make = {"thick": storage.thick, "thin": storage.thin}
        self.volumes = [make[self.kinds[name]](guest, "data", name, size) for name, size in SIZES.items()]

    @staticmethod
    def script(guest: Guest, text: str, **env: str) -> str:
        return guest.run(FUNCTIONS + text, timeout=SCRIPT_LIMIT, env={**SHARED, **env}).out

    def committed(self, guest: Guest) -> list[int]:
        """By client, the number of its last transfer."""
        return numbers(self.script(guest, 'sql <<<"$COMMITTED"'))

    @staticmethod
    def create(guest: Guest, paths: list[str]) -> dict[str, Any]:
        return vssd.create(guest, paths, "--component", "PostgreSQL", "--document", DOCUMENT)

    def a_volume_that_is_missing_is_named(self, guest: Guest) -> None:
        try:
            made = self.create(guest, [self.paths["cluster"], self.paths["wal"]])
        except vssd.Refused as refused:
            self.true(self.paths["space"] in refused.message, f"what is missing is named: {refused}")
        else:
            raise AssertionError(f"a set without the tablespace was made: {made}")

    def what_was_committed_is_on_the_set(self, guest: Guest) -> float:
        """The longest hold."""
        committed = self.committed(guest)
        made = self.create(guest, list(self.paths.values()))
        self.equal(made["consistency"], "cut" if self.cut else "per-volume", f"the level ({made['consistency_reason']})")
        backup = self.of_backup_mode(guest)
        snapshots = {name: vssd.snapshot_of(made, path)["path"] for name, path in self.paths.items()}
        most, *rest = self.restored(guest, {**snapshots, **backup}).splitlines()
        self.true(all(map(int.__ge__, numbers(most), committed)), f"{committed} was committed, and the snapshot has {most}")
        self.equal(rest, ["whole", "balanced", "checked"], "what the restored server says")
        vssd.delete(guest, made)
        return made["hold_ms"]

    def of_backup_mode(self, guest: Guest) -> dict[str, str]:
        """What a restore needs besides the files, by the names of RESTORE."""
        document = json.loads(guest.get(DOCUMENT))
        components = [component for writer in document["writers"] if writer["name"] == "PostgreSQL"
                      for component in writer["components"]]
        record = json.loads(components[0]["backup_metadata"])
        self.equal(record["consistency"], "crash-consistent-atomic" if self.cut else "backup-mode", "the record")
        if self.cut:
            return {"LABEL": ""}
        wal = " ".join(record["wal_needed"])
        self.script(guest, ARCHIVED, WAL=wal)
        return {"LABEL": record["backup_label"], "MAP": record["tablespace_map"], "WAL": wal}

    @staticmethod
    def restored(guest: Guest, env: dict[str, str]) -> str:
        return guest.run(["unshare", "--mount", "bash", "-c", FUNCTIONS + RESTORE], timeout=SCRIPT_LIMIT,
                         env={**SHARED, **env}).out
