# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of failures do to vssd: settings, writers that stop it at a sure point, sets in the making, locks."""
from __future__ import annotations

import json
import shlex
from typing import Mapping, Sequence

from .remote import Process, Remote

CONFIG = "/etc/vssd/vssd.conf.d/test.conf"
WRITER = "/run/test-writer.toml"


def set_up(guest: Remote, **provider_lvm: str | int) -> None:
    """Settings of the lvm provider; the health of snapshots is looked at twice a second."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in provider_lvm.items()]
    guest.put(CONFIG, "\n".join(["[limits]", "watch_ms = 500", "[provider.lvm]", *lines, ""]))
    guest.run("systemctl reset-failed vssd; systemctl restart vssd && vssctl status", timeout=120)


def journal(guest: Remote) -> str:
    return guest.run("journalctl -u vssd -b -o cat --no-pager").out


def start_writer(guest: Remote, paths: Sequence[str], commands: Mapping[str, str]) -> Process:
    """Takes part in every set of these paths and runs the scripts; event: script."""
    lines = ['name = "test"', 'class_id = "1c6f2dcb-8f43-4a3f-9a0e-6a1f0b6d3a55"', f"paths = {json.dumps(list(paths))}"]
    for event, script in {"thaw": "true", **commands}.items():
        command = json.dumps(["/bin/bash", "-c", script])
        lines += [f"[events.{event}]", f"command = {command}", "timeout_ms = 50000"]
    guest.put(WRITER, "\n".join(lines) + "\n")
    program = guest.run("systemctl cat vss-writer-command@ | sed -n 's/^ExecStart=\\([^ ]*\\).*/\\1/p'").out.strip()
    process = guest.spawn(f"exec {program} --config {WRITER} 2>&1")
    guest.wait_for(lambda: guest.run("vssctl list writers").out.count("\ntest ") or not process.running())
    if not process.running():
        raise AssertionError(f"no writer: {process.output()}")
    return process


def stop_at(event: str) -> dict[str, str]:
    """For start_writer(): vssd waits in this event until it ends, or go_on()."""
    at, go = f"/run/at.{event}", f"/run/go.{event}"
    return {event: f"rm -f {go}; mkfifo {go} && touch {at} && read -r <{go}; rm -f {at} {go}"}


def wait_until_at(guest: Remote, event: str) -> None:
    guest.wait_for(f"test -e /run/at.{event}", 120)


def go_on(guest: Remote, event: str) -> None:
    guest.run(f"echo >/run/go.{event}")


def begin(guest: Remote, paths: Sequence[str], *options: str) -> Process:
    """A set that goes when the process does; progress and result are in its output."""
    command = shlex.join(["vssctl", "create", *options, *(word for path in paths for word in ("-v", path))])
    return guest.spawn(f"exec {command} 2>&1 < <(exec sleep infinity)")


def wait_until_made(guest: Remote, making: Process, limit: float = 120) -> None:
    guest.wait_for(lambda: "/run/vssd/snapshots/" in making.output() or not making.running(), limit)
    if not making.running():
        raise AssertionError(f"no set: {making.output()}")


def hold_lock(guest: Remote, group: str) -> Process:
    """The lock that lvm's commands on that group take."""
    process = guest.spawn(f"flock /run/lock/lvm/V_{group} bash -c 'echo locked; sleep infinity'")
    guest.wait_for(lambda: process.output() == "locked\n")
    return process


def take_lock(group: str) -> str:
    """For a writer's event: from then on the group is locked, until unlock()."""
    return ("rm -f /run/locked /run/unlock; mkfifo /run/locked /run/unlock; "
            f"setsid flock /run/lock/lvm/V_{group} bash -c 'echo >/run/locked; read -r </run/unlock' "
            ">/dev/null 2>&1 <&- & read -r </run/locked")


def unlock(guest: Remote) -> None:
    guest.run("echo >/run/unlock")


def at_work(group: str, moment: float, script: str) -> str:
    """For a writer's Freeze: the script is run that many seconds after lvm has begun to change the group in the window.
    Its lock is a file that is there while a command runs; if none comes, nothing is run."""
    watch = (f"end=$((SECONDS + 30)); until [ -e /run/lock/lvm/V_{group} ]; do [ $SECONDS -le $end ] || exit; done; "
             f"sleep {moment}; {script}")
    return f"setsid bash -c {shlex.quote(watch)} >/dev/null 2>&1 <&- &"


_KILL = "kill -9 $pid && echo killed >/run/killed"


def _kill_lvm(when: str) -> str:
    return "rm -f /run/killed; pid=$(pgrep -x vssd-lvm); export pid; " + when


def kill_lvm_at_work(group: str, moment: float) -> str:
    """/run/killed says that it was still there."""
    return _kill_lvm(at_work(group, moment, _KILL))


def _when_made(devices: str, script: str, pause: str = "") -> str:
    """For a writer's event: when lvm has made one of these devices, which are not there yet; looked for with a pause in
    between, by what runs bash(1) in the background."""
    return (f"end=$((SECONDS + 60)); until [ $SECONDS -gt $end ]; do for file in /sys/block/dm-*/dm/name; do "
            f"read -r name <$file; [[ $name != {devices} || $before == *\" $name \"* ]] || {{ {script}; exit; }}; "
            f"done; {pause}done")


def _in_background(script: str, scheduling: str = "") -> str:
    """before: the devices that are there now."""
    return ('before=" $(cat /sys/block/dm-*/dm/name | tr "\\n" " ")"; export before; '
            f"setsid {scheduling}bash -c {shlex.quote(script)} >/dev/null 2>&1 <&- &")


def kill_lvm_loading(origin: str) -> str:
    """Killed when it has made what the origin will stand on, and before it suspends it; some milliseconds lie between."""
    return _kill_lvm(_in_background(_when_made(f"{origin}-real", _KILL)))


def kill_lvm_suspending(device: str, group: str) -> str:
    """Killed while it has suspended the device. Somebody waits for its lock of the group then, and keeps it for a while."""
    find = f"for file in /sys/block/dm-*/dm/name; do read -r name <$file; [ $name != {device} ] || break; done"
    watch = (f"exec 3<> <(:); {find}; end=$((SECONDS + 60)); "
             "is_suspended() { read -r state <${file%name}suspended && [ $state = 1 ]; }; "
             "stop() { is_suspended && kill -STOP $pid && { is_suspended || ! kill -CONT $pid; }; }; "
             "pause() { [ $SECONDS -le $end ] || { kill -CONT $pid; exit; }; read -rt $1 -u 3; }; "
             "until pid=$(pgrep -n -x vssd-lvm); do pause 0.01; done; until stop; do pause 0.002; done; "
             f"flock /run/lock/lvm/V_{group} sleep 3 & "
             f"until grep -q '^[0-9]*: -> FLOCK' /proc/locks; do pause 0.01; done; {_KILL}")
    return "rm -f /run/killed; " + _in_background(watch, "chrt --fifo 90 ")


def reset_at_work(group: str, moment: float) -> str:
    """The machine is off at that moment: nothing more is written."""
    return at_work(group, moment, "echo b >/proc/sysrq-trigger")


def reset_while_held(origin: str) -> str:
    """For a writer's Freeze: the machine is off when a volume is held and lvm has just made the store of the origin's new
    snapshot, in the middle of its capture. Looks 100 times a second, before vssd-lvm, which has a real-time priority then."""
    # The state of the first volume in the record, see daemon/hold/record.hpp; 2 is Held.
    held = 'state=$(od -An -tu1 -j112 -N1 /run/vssd/hold.record.*); [ "${state:-0}" -eq 2 ]'
    pause = "read -rt 0.01 -u 3; "
    watch = (f"exec 3<> <(:); end=$((SECONDS + 60)); until {held}; do [ $SECONDS -le $end ] || exit; {pause}done; "
             + _when_made(f"{origin}_vss_*-cow", "echo b >/proc/sysrq-trigger", pause))
    return _in_background(watch, "chrt --fifo 90 ")
