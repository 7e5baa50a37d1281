#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Shows what vssd does, on volumes of its own: installs the build packages, builds, and runs the main job on a
# loop-backed btrfs and an ext4 image. Everything happens in a temporary directory, on a private bus and in a mount
# namespace of its own; the machine's services and filesystems are left alone. Needs root, no systemd.
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/packages.sh

say() { printf '\n== %s\n' "$*"; }

if [ "${1:-}" != --inside ]; then
  [ "$(id -u)" -eq 0 ] || { echo "quickstart.sh mounts loop devices: run it with sudo" >&2; exit 1; }
  say "Packages and build"
  # shellcheck disable=SC2086
  vssd_install_packages $VSSD_BUILD_PACKAGES $VSSD_RUN_PACKAGES
  # A directory of its own: modules that a user has built are not root's, and vssd does not load them.
  cmake --preset release -B build/quickstart >/dev/null
  cmake --build build/quickstart -j "$(nproc)" -- --quiet
  exec unshare --mount --propagation private "$PWD/packaging/quickstart.sh" --inside
fi

build=$PWD/build/quickstart
vssctl=$build/daemon/cli/vssctl
work=$(mktemp -d /var/tmp/vssd-quickstart.XXXXXX)
pids=()
loops=()

finish() {
  local pid mount loop
  trap - EXIT INT TERM
  set +e  # what can be removed is removed, whatever else fails
  for pid in "${pids[@]}"; do
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
  done
  # A loop device that is still mounted goes with its mount; without that the filesystem below it stays busy.
  for loop in "${loops[@]}"; do losetup --detach "$loop" 2>/dev/null; done
  # What is mounted inside comes before what it is mounted on.
  for mount in $(awk -v below="$work/" 'index($5, below) == 1 {print $5}' /proc/self/mountinfo | sort -r); do
    umount "$mount" || umount --lazy "$mount"
  done
  rm -rf --one-file-system "$work"
}
trap 'finish' EXIT
trap 'exit 130' INT TERM

wait_until() {  # what command...
  local what=$1 tries=0
  shift
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || { echo "gave up waiting for: $what" >&2; sed 's/^/vssd: /' "$work/vssd.log" >&2; exit 1; }
    sleep 0.1
  done
}

attach() {  # image -> prints the loop device
  losetup --find --show "$1"
}

say "Volumes: a btrfs with three subvolumes, one of which carries the image of an ext4"
truncate -s 3G "$work/btrfs.img"
mkfs.btrfs -q "$work/btrfs.img"
loops+=("$(attach "$work/btrfs.img")")
mkdir "$work/btrfs" "$work/mail" "$work/run" "$work/state" "$work/target"
mount "${loops[0]}" "$work/btrfs"
for name in tree database images; do btrfs -q subvolume create "$work/btrfs/$name"; done
truncate -s 256M "$work/btrfs/images/mail.img"
mkfs.ext4 -q "$work/btrfs/images/mail.img"
loops=("$(attach "$work/btrfs/images/mail.img")" "${loops[@]}")
mount "${loops[0]}" "$work/mail"
# A real tree of about 300 MB.
for directory in /usr/share/*/; do
  [ "$(du -sm "$directory" | cut -f1)" -gt 200 ] || cp -a "$directory" "$work/btrfs/tree/"
  [ "$(du -sm "$work/btrfs/tree" | cut -f1)" -lt 300 ] || break
done
mkdir "$work/mail/inbox" && head -c 20M /dev/urandom | split -b 64K - "$work/mail/inbox/message-"
du -shc --apparent-size "$work/btrfs/tree" "$work/mail/inbox" | sed '$d'

say "An application: a ledger of two files that must always agree, written and synced without a pause"
cat >"$work/ledger.sh" <<'APPLICATION'
cd "$1"
n=0
while :; do
  if [ -e "$2/ledger.stop" ]; then
    : >"$2/ledger.stopped"
    while [ -e "$2/ledger.stop" ]; do sleep 0.005; done
    rm -f "$2/ledger.stopped"
  fi
  n=$((n + 1))
  echo "$n" | dd of=debit conv=notrunc,fsync status=none
  echo "$n" | dd of=credit conv=notrunc,fsync status=none
done
APPLICATION
bash "$work/ledger.sh" "$work/btrfs/database" "$work/run" & pids+=($!)

say "A private bus, vssd, and a command writer that pauses the ledger"
cat >"$work/bus.conf" <<BUS
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=$work/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><deny own="*"/><deny send_type="method_call"/>
    <allow send_type="signal"/><allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/><allow receive_type="method_return"/><allow receive_type="error"/>
    <allow receive_type="signal"/><allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <include>$PWD/dbus/org.vssd.Vss1.conf</include>
</busconfig>
BUS
dbus-daemon --config-file="$work/bus.conf" --nofork --nopidfile 2>"$work/bus.log" & pids=($! "${pids[@]}")
wait_until "the bus" test -S "$work/bus"
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$work/bus
"$build/daemon/vssd" --foreground --state-dir "$work/state" --runtime-dir "$work/run" \
  --provider-dir "$build/providers/modules" --helper "$build/daemon/hold/vssd-hold" 2>"$work/vssd.log" & pids=($! "${pids[@]}")
wait_until "vssd" "$vssctl" status

note='printf "%(%H:%M:%S)T %s set %s\n" -1 "$VSS_EVENT" "$VSS_SET_ID" >>'"$work/events"
cat >"$work/ledger.toml" <<WRITER
name = "ledger"
class_id = "4f1d7d9e-6f0b-4a53-9f0c-2b1f6f9f7a10"
paths = ["$work/btrfs/database"]

[events.freeze]
command = ["/bin/bash", "-c", '''$note; : >$work/run/ledger.stop; until [ -e $work/run/ledger.stopped ]; do sleep 0.005; done''']
timeout_ms = 5000
[events.thaw]
command = ["/bin/bash", "-c", '''$note; rm -f $work/run/ledger.stop''']
[events.abort]
command = ["/bin/bash", "-c", '''$note; rm -f $work/run/ledger.stop''']
[events.post_snapshot]
command = ["/bin/bash", "-c", '''$note''']
[events.backup_complete]
command = ["/bin/bash", "-c", '''$note''']
[events.backup_shutdown]
command = ["/bin/bash", "-c", '''$note''']
WRITER
"$build/writer-sdk/writers/command/vss-writer-command" --config "$work/ledger.toml" & pids=($! "${pids[@]}")
wait_until "the writer" sh -c "'$vssctl' list writers | grep -q ledger"
"$vssctl" list volumes

say "The main job: vssctl run -v tree -v database -v mail -- copy, with checksums out of the snapshots"
cat >"$work/copy.sh" <<'COPY'
set -eu
target=$1
index=0
for snapshot in "$VSS_SNAPSHOT_1" "$VSS_SNAPSHOT_2" "$VSS_SNAPSHOT_3"; do
  index=$((index + 1))
  mkdir "$target/$index"
  cp -a "$snapshot/." "$target/$index/"
  (cd "$snapshot" && find . -type f -exec sha256sum {} +) >"$target/$index.sums"
  (cd "$target/$index" && sha256sum --quiet -c "../$index.sums")
  echo "copied and checked: $(wc -l <"$target/$index.sums") files of volume $index"
done
COPY
"$vssctl" run -v "$work/btrfs/tree" -v "$work/btrfs/database" -v "$work/mail" -- bash "$work/copy.sh" "$work/target"

say "What the copy shows"
(cd "$work/btrfs/tree" && sha256sum --quiet -c "$work/target/1.sums") && echo "tree: equal to the original"
(cd "$work/mail" && sha256sum --quiet -c "$work/target/3.sums") && echo "mail: equal to the original"
debit=$(cat "$work/target/2/debit") credit=$(cat "$work/target/2/credit")
echo "ledger in the copy: debit $debit, credit $credit"
[ "$debit" = "$credit" ] || { echo "the ledger is not consistent" >&2; exit 1; }

say "Events that the writer got"
cat "$work/events"

say "A second requester is killed with -9 while it holds a set"
: >"$work/events"
mkfifo "$work/stdin"
"$vssctl" create --json -v "$work/btrfs/tree" -v "$work/btrfs/database" -v "$work/mail" \
  <>"$work/stdin" >"$work/set.json" & requester=$!
wait_until "the set" test -s "$work/set.json"
"$vssctl" list snapshots
kill -9 $requester
wait $requester 2>/dev/null || :
wait_until "BackupShutdown" grep -q BackupShutdown "$work/events"
wait_until "the snapshots to go" sh -c "test -z \"\$(ls '$work/state/sets')\""
cat "$work/events"
"$vssctl" list snapshots
echo "snapshots left: $(find "$work/run/snapshots" -mindepth 1 2>/dev/null | wc -l)"

say "Done; everything is removed again"
