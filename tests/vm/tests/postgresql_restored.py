# SPDX-License-Identifier: LGPL-2.1-or-later
"""A PostgreSQL that is lost comes back by `vssctl restore`: its writer, as the account postgres, has systemd stop the server
and start it again, by the rule for polkit that its manual page shows. In backup mode on kernels that freeze nothing twice."""
from __future__ import annotations

import shlex

from ring import vssd
from ring.guest import Guest
from ring.postgresql import ARCHIVE, DOCUMENT, PostgresqlOnVolumes
from ring.soundness import expect_sound

RULE = """
polkit.addRule(function (action, subject) {
  if (action.id == "org.freedesktop.systemd1.manage-units" && subject.user == "postgres" &&
      action.lookup("unit") == "cluster.service") return polkit.Result.YES;
});
"""

RECOVERED = """
until [ "$(sql <<<'select pg_is_in_recovery()')" = f ]; do sleep 0.2; done
sql <<<'select pg_switch_wal()' >/dev/null
"""


class PostgresqlRestored(PostgresqlOnVolumes):
    kinds = {"cluster": "thick", "wal": "thin", "space": "thin"}
    config = f"""
[server]
data_directory = "/srv/cluster/pg"
[restore]
stop_command = ["/usr/bin/systemctl", "stop", "cluster"]
start_command = ["/usr/bin/systemctl", "start", "cluster"]
restore_command = "cp {ARCHIVE}/%f %p"
"""
    limit = 1200
    usual = ("bookworm",)

    def run(self, guest: Guest) -> None:
        guest.put("/etc/polkit-1/rules.d/50-cluster.rules", RULE.encode(), 0o644)
        self.set_up(guest)
        load = self.begin_load(guest)
        committed = self.committed(guest)
        made = self.create(guest, list(self.paths.values()))
        self.of_backup_mode(guest)  # what was written meanwhile is archived
        load.stop()
        last = self.committed(guest)
        self.script(guest, "sql <<<'drop table journal'")
        guest.run(self.restore(self.copy_back(made)), timeout=300)
        self.equal(guest.run("systemctl is-active cluster").out.strip(), "active", "the server")
        self.script(guest, RECOVERED)
        for number, (before, now, end) in enumerate(zip(committed, self.committed(guest), last)):
            self.true(before <= now <= end, f"client {number}: {before} committed before the set, {end} in all, {now} back")
        vssd.delete(guest, made)
        guest.run("systemctl stop vss-writer-postgresql@main cluster")
        expect_sound(guest, list(self.paths.values()))

    @staticmethod
    def restore(script: str) -> list[str]:
        return ["vssctl", "restore", "--document", DOCUMENT, "--", "bash", "-ec", script]

    def copy_back(self, made: dict) -> str:
        lines = []
        for path in self.paths.values():
            source, target = shlex.quote(f"{vssd.snapshot_of(made, path)['path']}/pg"), f"{path}/pg"
            lines.append(f"find {target} -mindepth 1 -delete; cp -a {source}/. {target}")
        return "\n".join(lines)
