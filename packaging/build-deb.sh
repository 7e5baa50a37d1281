#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Builds the Debian packages of this tree for the release that it runs on.
#
#   packaging/build-deb.sh [--install-build-deps] [--debug-packages] [outdir]
#
# outdir (build/deb) gets the .deb files; those of an earlier run are removed from it. Needs no root, writes nothing
# else into the tree, and installs nothing; with --install-build-deps, and as root, it has apt install what
# packaging/debian/control asks for. No tests are run: tests/run.sh does that. DEB_BUILD_OPTIONS is heeded.
set -euo pipefail
tree=$(cd "$(dirname "$0")/.." && pwd)

install_build_deps=no
debug_packages=no
outdir=
for argument in "$@"; do
  case $argument in
    --install-build-deps) install_build_deps=yes ;;
    --debug-packages) debug_packages=yes ;;
    -*) sed -n '3,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    *) outdir=$argument ;;
  esac
done
outdir=${outdir:-$tree/build/deb}
mkdir -p "$outdir"
outdir=$(cd "$outdir" && pwd)

work=$(mktemp -d "${TMPDIR:-/var/tmp}/vssd-deb.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/vssd"
# The tree as it is, committed or not, without what was built.
if files=$(git -C "$tree" -c safe.directory="$tree" ls-files --cached --others --exclude-standard 2>/dev/null); then
  (cd "$tree" && while IFS= read -r file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done <<<"$files" |
    tar -c --null --no-recursion -T -) | tar -x -C "$work/vssd"
else
  tar -c -C "$tree" --exclude=./build --exclude=./.git . | tar -x -C "$work/vssd"
fi
mv "$work/vssd/packaging/debian" "$work/vssd/debian"
cd "$work/vssd"

if [ $install_build_deps = yes ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends build-essential dpkg-dev fakeroot >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get build-dep -y -qq --no-install-recommends ./ >/dev/null
fi

options="nocheck parallel=$(nproc)"
if [ $debug_packages = no ]; then
  # Debug information is most of the work of compiler and linker.
  options="$options noautodbgsym"
  export DEB_CFLAGS_STRIP=-g DEB_CXXFLAGS_STRIP=-g
fi
export DEB_BUILD_OPTIONS="$options ${DEB_BUILD_OPTIONS:-}"
dpkg-buildpackage -b -us -uc
rm -f "$outdir"/*.deb
find "$work" -maxdepth 1 -name '*.deb' -exec mv -t "$outdir" {} +
ls -l "$outdir"
