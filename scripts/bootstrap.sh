#!/usr/bin/env bash
# Finds a Node that can run Eddy, or brings one into .runtime/, and runs a command under it.
#
#   scripts/bootstrap.sh [COMMAND [ARGUMENT...]]
#
# Depends on nothing but bash and, where a Node must be brought, the machine's npm. Nothing outside the checkout is changed.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
least=22.18 # the first Node 22 that runs TypeScript sources without a flag

say() { echo "eddy: $*" >&2; }

# version_suits 24.21.0
version_suits() {
  local major=${1%%.*} rest=${1#*.}
  local minor=${rest%%.*}
  [ "$major" -gt "${least%%.*}" ] || { [ "$major" -eq "${least%%.*}" ] && [ "$minor" -ge "${least#*.}" ]; }
}

machine_node_suits() {
  local version
  command -v node >/dev/null || return 1
  version=$(node --version 2>/dev/null) && version_suits "${version#v}"
}

bring_node() {
  local machine arch
  machine="$(uname -s)-$(uname -m)"
  case $machine in
    Linux-x86_64) arch=x64 ;;
    Linux-aarch64) arch=arm64 ;;
    *) say "Eddy needs Node $least or later, and none is packaged for $machine: please install one"; exit 1 ;;
  esac
  package=node-linux-$arch
  runtime=$root/.runtime/node_modules/$package
  # Read, not run: this is on the way of every warm start.
  pinned=$(sed -n "s/.*\"$package\": \"\([0-9.]*\)\".*/\1/p" "$root/scripts/runtime/package.json")
  installed=$(sed -n 's/^ *"version": "\([0-9.]*\)".*/\1/p' "$runtime/package.json" 2>/dev/null || true)
  [ "$installed" = "$pinned" ] && [ -x "$runtime/bin/node" ] && return

  command -v npm >/dev/null || { say "Eddy needs Node $least or later, or npm to bring one: please install either"; exit 1; }
  local started=$SECONDS
  say "the machine has $(node --version 2>/dev/null || echo no Node), Eddy needs $least or later: bringing Node $pinned into .runtime/"
  mkdir -p "$root/.runtime"
  cp "$root/scripts/runtime/package.json" "$root/scripts/runtime/package-lock.json" "$root/.runtime/"
  (cd "$root/.runtime" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
  [ -x "$runtime/bin/node" ] || { say "npm did not bring $package@$pinned"; exit 1; }
  say "Node $pinned is in .runtime/ ($((SECONDS - started)) s)"
}

if machine_node_suits; then
  prefix=$(node -p 'require("path").dirname(require("path").dirname(fs.realpathSync(process.execPath)))')
else
  bring_node
  prefix=$runtime
  export PATH="$runtime/bin:$PATH"
fi

# For npm run by hand: native addons must be compiled against the headers of the Node that loads them, and an npmrc of the machine
# may name another Node's.
if [ -f "$prefix/include/node/node.h" ]; then export npm_config_nodedir=$prefix; fi

[ $# -eq 0 ] || exec "$@"
