#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Installs what is needed, builds, and runs every test ring that this machine allows; see tests/README.md.
#   tests/run.sh           everything
#   tests/run.sh --quick   without the sanitizer builds
#   tests/run.sh --all     with every test of the vm ring in both guests; takes hours
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/packages.sh

quick=no
all=OFF
for argument in "$@"; do
  case "$argument" in
    --quick) quick=yes ;;
    --all) all=ON; export VSSD_VM_ROUNDS="${VSSD_VM_ROUNDS:-5}" ;;
    *) echo "usage: tests/run.sh [--quick|--all]" >&2; exit 2 ;;
  esac
done

# What root has built is root's and the other way round: vssd loads no module that a user could have written.
tree=build/rings
[ "$(id -u)" -eq 0 ] || tree=build/rings-user

# Each part ends where the next begins.
parts=""
part=""
part_start=0
begin() {
  [ -z "$part" ] || parts+=$(printf '%5d s  %s' $((SECONDS - part_start)) "$part")$'\n'
  part=$1
  part_start=$SECONDS
  printf '\n== %s\n' "$part"
}
# Before the last part begins: it says itself how long it takes, and the last lines are to be its failures.
say_times() {
  begin "$1"
  printf 'What has been done so far took:\n%s%5d s  altogether\n' "$parts" "$SECONDS"
}

begin "Packages"
# shellcheck disable=SC2086
vssd_install_packages $VSSD_BUILD_PACKAGES $VSSD_RUN_PACKAGES $VSSD_TEST_PACKAGES

failed=()
jobs=$(nproc)
joined() {  # separator word...
  local IFS=$1
  shift
  echo "$*"
}
build() {  # preset [definition...]
  local preset=$1
  shift
  begin "Build: $preset"
  cmake --preset "$preset" -B "$tree/$preset" "$@" >/dev/null
  cmake --build "$tree/$preset" -j "$jobs" -- --quiet
}
failed_tests() {  # preset
  local log=$tree/$1/Testing/Temporary/LastTestsFailed.log
  if [ -s "$log" ]; then cut -d: -f2- "$log" | xargs; else echo "no test was found"; fi
}
run_rings() {  # preset rings-with-|-between [tests at a time]
  # Most of the tests wait for a limit most of the time. Guests do not.
  local command=(ctest --test-dir "$tree/$1" -L "^($2)\$" -j "${3:-$((2 * jobs))}" --output-on-failure --no-tests=error)
  # ThreadSanitizer and high-entropy address layouts do not go together.
  [ "$1" != tsan ] || command=(setarch "$(uname -m)" -R "${command[@]}")
  "${command[@]}" || failed+=("$1: $(failed_tests "$1")")
}
# Before what comes last, whose own failures are its last lines.
say_failed() {
  [ ${#failed[@]} -eq 0 ] || printf 'FAILED before this: %s\n' "${failed[@]}"
}

sanitized=(unit)
system=()
left_out=()
if [ "$(id -u)" -ne 0 ]; then
  left_out+=("integration, plain and loop: they mount loop devices of their own, which needs root")
elif ! losetup -f >/dev/null 2>&1; then
  left_out+=("integration, plain and loop: there is no free loop device here")
else
  sanitized+=(integration plain)
  system=(loop)
fi
# Of what the sanitizers run only plain is built once more without them, if there is something else.
without=(plain "${system[@]}")
if [ "$quick" = yes ] || [ ${#system[@]} -eq 0 ]; then without=("${sanitized[@]}" "${system[@]}"); fi
vm=OFF
if [ "$(uname -m)" != x86_64 ]; then
  left_out+=("vm: its guests are x86_64 machines, this one is not")
elif [ "$(id -u)" -ne 0 ]; then
  left_out+=("vm: it makes the roots of its guests, which needs root")
elif ! unshare --mount true 2>/dev/null; then
  left_out+=("vm: nothing can be mounted here, which making the roots of its guests needs")
# shellcheck disable=SC2086
elif ! vssd_install_packages $VSSD_VM_PACKAGES; then
  left_out+=("vm: QEMU and mmdebstrap cannot be installed here")
else
  vm=ON
  [ "$all" = ON ] || left_out+=("vm, in part: most of its tests run in one of the two guests; all in both: --all")
fi

if [ "$vm" = ON ]; then
  # While other tests wait for their limits; it is loading, unpacking and compiling, with what they leave of the machine.
  mkdir -p "$tree"
  nice -n 19 tests/vm/vm.py prepare >"$tree/vm-prepare.log" 2>&1 &
  preparation=$!
  trap 'jobs -pr | xargs -r kill' EXIT
fi
if [ "$quick" = no ]; then
  for sanitizer in asan tsan; do
    build "$sanitizer"
    begin "Rings under $sanitizer: ${sanitized[*]}"
    run_rings "$sanitizer" "$(joined "|" "${sanitized[@]}")"
  done
fi

built=("${without[@]}" bench)
together=(-DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=0)
if [ "$all" = ON ]; then
  # Each file by itself: what it does not include and should is found.
  built+=("${sanitized[@]}")
  together=(-DCMAKE_UNITY_BUILD=OFF)
fi
build dev "${together[@]}" -DVSSD_TEST_RINGS="$(joined ";" "${built[@]}")" -DVSSD_VM_TESTS=$vm -DVSSD_VM_ALL=$all
begin "Benchmarks, smoke run"
if [ "$(id -u)" -eq 0 ]; then
  for bench in "$tree"/dev/tests/bench/*_bench; do
    unshare -m --propagation private "$bench" --smoke || failed+=("$(basename "$bench")")
  done
else
  left_out+=("bench: its programs mount loop devices, which needs root")
fi

what="Rings without sanitizers: ${without[*]}"
if [ "$vm" = ON ]; then begin "$what"; else say_times "$what"; fi
for reason in "${left_out[@]}"; do echo "left out: ring $reason"; done
say_failed
run_rings dev "$(joined "|" "${without[@]}")"
if [ "$vm" = ON ]; then
  begin "Guests: the rest of what can be prepared"
  wait "$preparation" || echo "The ring makes the rest."
  cat "$tree/vm-prepare.log"
  # By itself: guests keep every core busy, and other rings look at the clock.
  say_times "Ring vm"
  say_failed
  run_rings dev vm "$jobs"
fi
[ ${#failed[@]} -eq 0 ]
