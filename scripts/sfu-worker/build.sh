#!/usr/bin/env bash
# Builds Eddy's SFU worker: mediasoup's own sources with the patches beside this script.
#
#   build.sh SOURCES OUTPUT      SOURCES: the `worker` folder of the mediasoup package; OUTPUT: the file to write
#
#   SFU_WORKER_LIBS=debian|bundled   which libraries to link (default: debian where they are installed)
#   JOBS=N                           compilers at a time (default: one a core)
#
# `debian` needs the packages of `sfu_worker_packages` in scripts/setup/packages.sh and no network. `bundled` lets mediasoup
# fetch and build its own libraries (Python's pip, Meson's wraps), for systems without those packages.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
sources=${1:?usage: build.sh SOURCES OUTPUT}
output=${2:?usage: build.sh SOURCES OUTPUT}
jobs=${JOBS:-$(nproc)}

has_debian_libraries() {
  command -v flatc >/dev/null && command -v meson >/dev/null && command -v ninja >/dev/null \
    && pkg-config --exists 'openssl >= 3.0' libuv libsrtp2 absl_flat_hash_map flatbuffers 2>/dev/null
}
libs=${SFU_WORKER_LIBS:-$(has_debian_libraries && echo debian || echo bundled)}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp -r "$sources" "$scratch/worker"
cd "$scratch/worker"

# No fuzz: a patch that does not fit exactly means that mediasoup has changed and the patch needs a reader.
apply() { patch -p1 --forward --fuzz=0 --silent < "$1" || { echo "build.sh: $(basename "$1") does not fit these sources" >&2; exit 1; }; }
for patch in "$here"/patches/*.patch; do apply "$patch"; done

# The directory in which Meson looks for a subproject, e.g. libuv -> subprojects/libuv-v1.51.0. Where it exists, Meson
# downloads nothing.
subproject_directory() { echo "subprojects/$(sed -n 's/^directory *= *//p' "subprojects/$1.wrap" | tr -d '\r')"; }

build_with_debian_libraries() {
  local name
  for name in $(ls "$here/debian/subprojects"); do
    local directory
    directory=$(subproject_directory "$name")
    cp -r "$here/debian/subprojects/$name" "$directory"
    : > "$directory/empty.c"
    : > "$directory/empty.cpp"
  done
  apply "$here/debian/meson-build.patch"
  cp -r "$here/debian/pch" pch

  # Debian's meson is a module of the system's Python, which need not be the first one in PATH.
  local meson=(meson)
  [ -x /usr/bin/python3 ] && [ -x /usr/bin/meson ] && meson=(/usr/bin/python3 /usr/bin/meson)
  "${meson[@]}" setup --buildtype release -Db_ndebug=true -Dcpp_std=c++20 --wrap-mode=nodownload "$scratch/build"
  # The precompiled header includes what flatc generates, which Meson does not know.
  ninja -C "$scratch/build" -j "$jobs" fbs/FBS/common.h
  ninja -C "$scratch/build" -j "$jobs" mediasoup-worker
  built=$scratch/build/mediasoup-worker
}

build_with_bundled_libraries() {
  local python
  python=$(command -v python3) || { echo 'build.sh: python3 with pip is needed' >&2; exit 1; }
  # mediasoup's tasks look for their helpers where its npm scripts would have put them.
  "$python" -m pip install --quiet --no-user --target "$scratch/pip" invoke
  PYTHONPATH=$scratch/pip PYTHON=$python MEDIASOUP_OUT_DIR=$scratch/out "$python" -m invoke -r . mediasoup-worker
  built=$scratch/out/Release/mediasoup-worker
}

case $libs in
  debian) build_with_debian_libraries ;;
  bundled) build_with_bundled_libraries ;;
  *) echo "build.sh: SFU_WORKER_LIBS is debian or bundled, not $libs" >&2; exit 2 ;;
esac

# Written beside and renamed, so that an interrupted build never leaves half a worker.
mkdir -p "$(dirname "$output")"
strip -o "$output.new" "$built"
mv "$output.new" "$output"
