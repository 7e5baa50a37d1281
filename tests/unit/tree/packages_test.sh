#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# packages_test.sh BUILD_DIR SOURCE_DIR PREFIX: each file that `cmake --install` makes is in exactly one Debian package.
set -euo pipefail
build=$1 debian=$2/packaging/debian prefix=${3#/}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
DESTDIR=$work/root cmake --install "$build" >/dev/null

# Below one root, without the multiarch directory that only the prefix /usr has, and without where units go.
plain() { sed -E "s#^\./##; s#^${prefix}/##; s#^(usr|usr/local)/##; s#^lib/[^/]*-linux-[^/]*/#lib/#; s#^lib/systemd/system/#UNITS/#"; }
(cd "$work/root" && find . ! -type d) | plain | sort >"$work/files"

for list in "$debian"/*.install; do
  package=$(basename "$list" .install)
  sed -E 's#^\$\{env:UNIT_DIR\}/#UNITS/#; s#^usr/lib/\*/#lib/#' "$list" | plain | while IFS= read -r pattern; do
    found=no
    while IFS= read -r file; do
      # shellcheck disable=SC2254
      case $file in
        $pattern | $pattern/*) echo "$file $package"; found=yes ;;
      esac
    done <"$work/files"
    [ $found = yes ] || echo "$package.install: nothing is installed as $pattern" >&2
  done
done 2>"$work/unused" | sort -u >"$work/owned"

cut -d' ' -f1 "$work/owned" | uniq -d | sed 's/^/in more than one package: /' >"$work/faults"
cut -d' ' -f1 "$work/owned" | sort -u | comm -23 "$work/files" - | sed 's/^/in no package: /' >>"$work/faults"
cat "$work/unused" >>"$work/faults"
cat "$work/faults"
[ -s "$work/files" ] && [ ! -s "$work/faults" ]
