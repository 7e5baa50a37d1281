# SPDX-License-Identifier: LGPL-2.1-or-later
"""A MariaDB whose data, logs and some tables lie on thick and thin volumes, with its writer as the package has it: by its
unit, as the account mysql, admitted by polkit. What is on its snapshots starts and has what was committed."""
from __future__ import annotations

import os
import time

from ring import storage, vssd
from ring.guest import Guest
from ring.point_in_time import shows_one_instant
from ring.soundness import expect_sound
from ring.testcase import Test
from ring.work import say

ROUNDS = int(os.environ.get("VSSD_VM_ROUNDS", "1"))
DOCUMENT = "/run/backup.json"
# Where data, logs and tables are.
LAYOUTS = (("thick", "thick", "thick"), ("thin", "thin", "thin"), ("thick", "thin", "thick"))
PLACES = ("data", "log", "far")
STANDSTILLS = 5

# The copies are looked at in a mount namespace in which they lie where the server knows its files to be.
FUNCTIONS = """
sql() { mariadb --socket=/run/mysqld/$1.sock -NBe "$2"; }
options="--no-defaults --skip-networking --innodb-buffer-pool-size=8M --innodb-log-file-size=8M
  --innodb-log-group-home-dir=/srv/$LOG/db --log-bin=/srv/$LOG/db/binlog --performance-schema=0
  --aria-pagecache-buffer-size=2M --aria-recover-options=OFF --datadir=/srv/$DATA/db"
"""

MAKE = """
set -e
for volume in $DATA $LOG $FAR; do install -d -o mysql -g mysql -m 700 /srv/$volume/db; done
install -d -o mysql -g mysql /run/mysqld
mariadb-install-db --no-defaults --user=mysql --datadir=/srv/$DATA/db --innodb-log-group-home-dir=/srv/$LOG/db \
  --innodb-log-file-size=8M --skip-test-db --auth-root-authentication-method=socket >/dev/null
systemd-run -q --unit=database -p User=mysql /usr/sbin/mariadbd $options --socket=/run/mysqld/mysqld.sock
for ((i = 0; i < 600; ++i)); do sql mysqld "SELECT 1" >/dev/null 2>&1 && break; sleep 0.1; done
sql mysqld "CREATE OR REPLACE USER mysql@localhost IDENTIFIED VIA unix_socket"
sql mysqld "GRANT $RIGHTS ON *.* TO mysql@localhost"
sql mysqld "CREATE DATABASE ledger"
sql mysqld "CREATE TABLE ledger.near (n BIGINT PRIMARY KEY) ENGINE = InnoDB"
sql mysqld "CREATE TABLE ledger.far (n BIGINT) ENGINE = InnoDB DATA DIRECTORY = '/srv/$FAR/db'"
sql mysqld "CREATE TABLE ledger.plain (n BIGINT, KEY (n)) ENGINE = Aria TRANSACTIONAL = 0
  DATA DIRECTORY = '/srv/$FAR/db'"
mkdir -p /etc/vssd/mariadb && touch /etc/vssd/mariadb/main.toml
systemctl start vss-writer-mariadb@main
"""

# Not as many as the guest can do: its processors are emulated, and all that is there is copied and checked for each set.
LOAD = """
exec 9<> <(:)
for ((i = 1; ; ++i)); do
  echo "BEGIN; INSERT INTO near VALUES ($i); INSERT INTO far VALUES ($i); COMMIT; INSERT INTO plain VALUES ($i);"
  read -t 0.03 -u 9
done | mariadb --socket=/run/mysqld/mysqld.sock ledger
"""

RESTORE = """
set -e
cd /srv/scratch && rm -rf copy && mkdir copy && chmod 755 copy
cp -a $DATA_SNAPSHOT/db copy/data && cp -a $LOG_SNAPSHOT/db copy/log && cp -a $FAR_SNAPSHOT/db copy/far
for place in "data $DATA" "log $LOG" "far $FAR"; do
  set -- $place
  mount --bind /srv/scratch/copy/$1 /srv/$2/db
done
sockets="--socket=/run/mysqld/copy.sock --pid-file=/run/mysqld/copy.pid"
runuser -u mysql -- /usr/sbin/mariadbd $options $sockets >log 2>&1 &
server=$!
for ((i = 0; i < 1200; ++i)); do sql copy "SELECT 1" >/dev/null 2>&1 && break; sleep 0.1; done
sql copy "SELECT MAX(n) FROM ledger.near" || { cat log; exit 1; }
sql copy "SELECT (SELECT MAX(n) FROM ledger.near) = (SELECT COUNT(*) FROM ledger.near)
  AND (SELECT COUNT(*) FROM ledger.near) = (SELECT COUNT(*) FROM ledger.far)
  AND (SELECT COUNT(*) FROM ledger.plain) = (SELECT MAX(n) FROM ledger.plain)
  AND (SELECT COUNT(*) FROM ledger.near) - (SELECT COUNT(*) FROM ledger.plain) IN (0, 1)"
sql copy "CHECK TABLE ledger.near, ledger.far, ledger.plain EXTENDED" | grep -c 'status.OK$'
mariadb-admin --socket=/run/mysqld/copy.sock shutdown && wait $server
"""


class MariadbOnLvm(Test):
    disks = {"pv": "4G"}
    usual = ("bookworm",)
    limit = 900 + 300 * ROUNDS

    def run(self, guest: Guest) -> None:
        storage.make_group(guest, "data", ["pv"])
        storage.make_pool(guest, "data", "1G")
        storage.thick(guest, "data", "scratch", "512M")
        nests = vssd.nests_freezes(guest)
        for number, layout in enumerate(LAYOUTS):
            self.volumes = [f"{name}{number}" for name in PLACES]
            made = [getattr(storage, kind)(guest, "data", name, "256M") for name, kind in zip(self.volumes, layout)]
            self.one_instant = shows_one_instant(made, nests)
            self.rights = "RELOAD, BINLOG MONITOR" if self.one_instant else "RELOAD, BINLOG MONITOR, SUPER"
            self.on_these_volumes(guest)

    def on_these_volumes(self, guest: Guest) -> None:
        self.paths = [f"{storage.MOUNTS}/{name}" for name in self.volumes]
        self.script(guest, MAKE)
        guest.wait_for(lambda: "MariaDB" in guest.run("vssctl list writers").out)
        self.a_volume_that_is_missing_is_named(guest)
        load = guest.spawn(FUNCTIONS + LOAD, env=self.names())
        guest.wait_for(lambda: self.committed(guest) > 0)
        start = time.monotonic()
        for _ in range(ROUNDS):
            self.what_was_committed_is_on_the_set(guest)
        say(f"MariadbOnLvm: {ROUNDS} sets in {time.monotonic() - start:.0f} s, "
            f"{'cut' if self.one_instant else 'per-volume at a standstill'}, {self.committed(guest)} commits")
        self.true(load.running(), f"the load goes on: {load.output()}")
        load.stop()
        guest.run("systemctl stop vss-writer-mariadb@main database")
        expect_sound(guest, self.paths)

    def names(self) -> dict[str, str]:
        return {place.upper(): name for place, name in zip(PLACES, self.volumes)} | {"RIGHTS": self.rights}

    def script(self, guest: Guest, text: str, env: dict[str, str] | None = None) -> str:
        return guest.run(FUNCTIONS + text, timeout=400, env=self.names() | (env or {})).out

    def committed(self, guest: Guest) -> int:
        return int(self.script(guest, 'sql mysqld "SELECT COALESCE(MAX(n), 0) FROM ledger.near"'))

    def create(self, guest: Guest, paths: list[str]) -> dict:
        return vssd.create(guest, paths, "--component", "MariaDB", "--document", DOCUMENT)

    def create_whole(self, guest: Guest) -> dict:
        """At a standstill a thread of InnoDB may write all the same; the set fails then, and says that another is to be made."""
        for attempt in range(1 if self.one_instant else STANDSTILLS):
            try:
                return self.create(guest, self.paths)
            except vssd.Refused as refused:
                if self.one_instant or "make another set" not in refused.message:
                    raise
                say(f"MariadbOnLvm: standstill {attempt + 1}: {refused}")
        raise AssertionError(f"{STANDSTILLS} standstills, and InnoDB has written in each")

    def a_volume_that_is_missing_is_named(self, guest: Guest) -> None:
        try:
            made = self.create(guest, self.paths[:2])
        except vssd.Refused as refused:
            self.true(self.paths[2] in refused.message, f"what is missing is named: {refused}")
        else:
            raise AssertionError(f"a set without the tables elsewhere was made: {made}")

    def what_was_committed_is_on_the_set(self, guest: Guest) -> None:
        committed = self.committed(guest)
        made = self.create_whole(guest)
        level, consistency = ("cut", "backup-stage-atomic") if self.one_instant else ("per-volume", "standstill")
        self.equal(made["consistency"], level, f"the level ({made['consistency_reason']})")
        document = guest.run(f"cat {DOCUMENT}").out
        for fact in (consistency, "binlog_position"):
            self.true(fact in document, f"the document says {fact}")
        snapshots = {f"{place.upper()}_SNAPSHOT": vssd.snapshot_of(made, path)["path"]
                     for place, path in zip(PLACES, self.paths)}
        most, whole, checked = self.in_a_mount_namespace(guest, RESTORE, snapshots).split()
        self.true(int(most) >= committed, f"{committed} was committed, and the snapshot has {most}")
        self.equal((whole, checked), ("1", "3"), "nothing is missing in between, and no table is damaged")
        vssd.delete(guest, made)

    def in_a_mount_namespace(self, guest: Guest, text: str, env: dict[str, str]) -> str:
        return guest.run("unshare --mount --propagation private bash -c \"$SCRIPT\"", timeout=400,
                         env=self.names() | env | {"SCRIPT": FUNCTIONS + text}).out
