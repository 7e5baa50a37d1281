# SPDX-License-Identifier: LGPL-2.1-or-later
# What Debian calls the things vssd is built, run and tested with. Read by quickstart.sh and tests/run.sh.

# A root shell of plain su lacks these.
PATH=$PATH:/usr/sbin:/sbin

VSSD_BUILD_PACKAGES="g++ cmake ninja-build pkg-config libsdbus-c++-dev libsdbus-c++-bin libasio-dev libcli11-dev
  libspdlog-dev nlohmann-json3-dev libexpected-dev libtomlplusplus-dev libmount-dev libblkid-dev libsystemd-dev
  libbtrfsutil-dev libdevmapper-dev liblvm2-dev libvalijson-dev libpq-dev libmariadb-dev"
VSSD_RUN_PACKAGES="dbus-daemon btrfs-progs e2fsprogs xfsprogs mount util-linux"
# What packaging/build-deb.sh needs besides VSSD_BUILD_PACKAGES.
VSSD_DEB_PACKAGES="build-essential debhelper fakeroot"
VSSD_TEST_PACKAGES="libgtest-dev libgmock-dev libbenchmark-dev systemd postgresql mariadb-server"
# The vm ring: an emulator, and what makes the guests' disks without mounting anything.
VSSD_VM_PACKAGES="qemu-system-x86 qemu-utils mmdebstrap e2fsprogs python3 git"

# Installs the given packages if any of them is missing; needs root only then.
vssd_install_packages() {
  local missing=""
  local package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
  done
  [ -z "$missing" ] && return 0
  if ! command -v apt-get >/dev/null; then
    echo "These Debian packages are needed, and there is no apt-get here:$missing" >&2
    return 1
  fi
  if [ "$(id -u)" -ne 0 ]; then
    echo "These packages are missing and installing them needs root:$missing" >&2
    return 1
  fi
  echo "Installing:$missing"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $missing >/dev/null
}
