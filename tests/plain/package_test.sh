#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# package_test.sh BUILD_DIR SOURCE_DIR CXX CC: installs the SDK into a new prefix and builds the examples against it,
# once with pkg-config and once with find_package; the symbols of the library are exactly those of its map.
set -eu
build=$1 source=$2 cxx=$3 cc=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

cmake --install "$build" --prefix "$prefix" --component vss-writer >/dev/null
library=$(find "$prefix" -name 'libvss-writer.so.1')
libdir=$(dirname "$library")

echo "headers: all of them are installed, and each can be included alone"
(cd "$source/writer-sdk/include" && find . -type f | sort) >"$work/headers"
(cd "$prefix/include" && find . -type f | sort) | diff "$work/headers" -
while IFS= read -r header; do
  printf '#include <%s>\n#include <vss/writer.h>\n' "${header#./}" >"$work/alone.c"
  "$cxx" -std=c++17 -Wall -Wextra -Werror -I"$prefix/include" -fsyntax-only -x c++ "$work/alone.c"
  case $header in
    *.h) "$cc" -std=gnu99 -Wall -Wextra -Werror -pedantic -I"$prefix/include" -fsyntax-only "$work/alone.c" ;;
  esac
done <"$work/headers"

echo "symbols: exactly those of the map"
nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort >"$work/exported"
sed -n 's/^ *\(vss_[a-z_]*\);$/\1/p' "$source/writer-sdk/src/vss-writer.map" | sort >"$work/mapped"
sed -n 's/.*VSS_API [^(]* \**\(vss_[a-z_]*\)(.*/\1/p' "$source"/writer-sdk/include/vss/*.h | sort >"$work/declared"
diff "$work/mapped" "$work/exported"
diff "$work/mapped" "$work/declared"

echo "pkg-config"
export PKG_CONFIG_PATH="$libdir/pkgconfig"
# The installed file names the configured prefix; this one was installed elsewhere.
flags=$(pkg-config --define-variable=prefix="$prefix" --cflags --libs vss-writer)
# shellcheck disable=SC2086 # flags are words
"$cxx" -std=c++17 -Wall -Werror "$source/writer-sdk/examples/file_writer.cpp" -o "$work/example" $flags $SANITIZE
# shellcheck disable=SC2086
"$cc" -std=gnu99 -Wall -Werror "$source/writer-sdk/examples/file_writer.c" -o "$work/example_c" $flags $SANITIZE
if pkg-config --print-requires --print-requires-private vss-writer | grep -q .; then
  echo "vss-writer.pc must require nothing" >&2
  exit 1
fi

echo "find_package"
mkdir "$work/project"
cat >"$work/project/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.16)
project(example CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(VssWriter 1 REQUIRED)
add_executable(example $source/writer-sdk/examples/file_writer.cpp)
target_link_libraries(example PRIVATE VssWriter::vss-writer)
END
cmake -S "$work/project" -B "$work/project/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$cxx" \
  -DCMAKE_CXX_FLAGS="$SANITIZE" >/dev/null
cmake --build "$work/project/build" >/dev/null
ldd "$work/project/build/example" | grep -q "libvss-writer.so.1 => $libdir"
echo "all good"
