#!/usr/bin/env bash
# A fresh Debian 12 machine with only git, make and Node: does `make` bring all the rest?
#
#   test/proof/bare-machine.sh FOLDER [setup|check|test|run]...      (default: run test)
#
# FOLDER needs about 6 GB; a fresh Debian is kept there, so that the next run starts from it. What is tested is the last commit. Runs as
# root, in a mount and process name space of its own: when it ends, nothing is mounted and no process is left. The network is this
# machine's, so the pipeline is run on ports that are free here. Mirror, certificates and npm's settings are this machine's too.
#
#   NODE=PATH   the Node to give to the machine, with its npm beside it (default: the system's)
#   NPM=10      another npm than that Node's
#   KEEP=1      go on with the machine of the last run, brought to the last commit
set -euo pipefail

checkout=$(cd "$(dirname "$0")/../.." && pwd)
folder=${1:?usage: bare-machine.sh FOLDER [setup|check|test|run]...}
shift
goals=("${@:-run}")
[ $# -gt 0 ] || goals=(run test)
node=$(readlink -f "${NODE:-/usr/bin/node}")
[ "$(id -u)" = 0 ] || { echo 'bare-machine.sh: needs root (debootstrap, chroot)' >&2; exit 1; }

# Everything below happens in name spaces that end with this process.
if [ -z "${IN_OWN_NAMESPACE:-}" ]; then
  mkdir -p "$folder"
  exec env IN_OWN_NAMESPACE=1 unshare --mount --pid --fork --kill-child "$0" "$folder" "${goals[@]}"
fi

folder=$(cd "$folder" && pwd)
fresh=$folder/debian-12
machine=$folder/machine
say() { echo "bare machine: $*"; }
seconds() { echo "$(( ($(date +%s%N) - $1) / 100000000 ))" | sed 's/.$/.&/;s/^\./0./'; }

if [ ! -e "$fresh/complete" ]; then
  mirror=$(apt-get indextargets --format '$(SITE)' 'Identifier: Packages' 'Codename: bookworm' 'Component: main' | head -1)
  [ -n "$mirror" ] || { echo 'bare-machine.sh: this machine has no mirror of Debian 12' >&2; exit 1; }
  rm -rf "$fresh"
  say 'debootstrap'
  debootstrap --variant=minbase --include=ca-certificates,git,make bookworm "$fresh" "$mirror" > "$folder/debootstrap.log" 2>&1 \
    || { tail -5 "$folder/debootstrap.log" >&2; exit 1; }
  touch "$fresh/complete"
fi

make_machine() {
  rm -rf "$machine"
  cp -a --reflink=auto "$fresh" "$machine"

  # This machine's ways to the outside.
  for path in /etc/apt/sources.list /etc/apt/sources.list.d /etc/apt/apt.conf.d /etc/apt/trusted.gpg.d /etc/apt/keyrings \
    /usr/share/keyrings /etc/resolv.conf /etc/hosts /etc/ssl/certs /etc/ssl/cert.pem /usr/local/share/ca-certificates /usr/share/ca-certificates \
    /etc/npmrc /usr/etc/npmrc /root/.npmrc; do
    [ -e "$path" ] || continue
    mkdir -p "$machine$(dirname "$path")"
    rm -rf "${machine:?}$path"
    cp -aL "$path" "$machine$path"
  done
  # Hooks of this machine's own packages, and the settings that suit images rather than machines, are not among them.
  find "$machine/etc/apt/apt.conf.d" -type f \( -name '*debconf*' -o -name '*packagekit*' -o -name '*appstream*' \) -delete

  # Node as its own package would have put it, headers included; nothing else of the prefix.
  prefix=$(dirname "$(dirname "$node")")
  install -D "$node" "$machine/usr/bin/node"
  mkdir -p "$machine/usr/lib/node_modules"
  cp -a "$prefix/lib/node_modules/npm" "$machine/usr/lib/node_modules/npm"
  if [ -d "$prefix/include/node" ]; then mkdir -p "$machine/usr/include" && cp -a "$prefix/include/node" "$machine/usr/include/node"; fi
  ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$machine/usr/bin/npm"
  ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$machine/usr/bin/npx"

  git clone --quiet --no-hardlinks "file://$checkout" "$machine/root/eddy"
}

if [ -n "${KEEP:-}" ] && [ -d "$machine/root/eddy" ]; then
  git -C "$machine/root/eddy" fetch --quiet && git -C "$machine/root/eddy" reset --quiet --hard '@{upstream}'
else
  make_machine
fi

mount -t proc proc "$machine/proc"
mount --rbind /sys "$machine/sys"
mount -t tmpfs tmpfs "$machine/dev"
for device in null zero full random urandom tty; do touch "$machine/dev/$device"; mount --bind "/dev/$device" "$machine/dev/$device"; done
mkdir -p "$machine/dev/shm" "$machine/dev/pts"
mount -t tmpfs tmpfs "$machine/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$machine/dev/pts"
ln -s pts/ptmx "$machine/dev/ptmx"
ln -s /proc/self/fd "$machine/dev/fd"

proxies=()
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY NODE_EXTRA_CA_CERTS; do
  [ -z "${!name:-}" ] || proxies+=("$name=${!name}")
done
inside() {
  env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM=dumb CI=1 "${proxies[@]}" \
    chroot "$machine" bash -c "cd /root/eddy && $1"
}

if [ -n "${NPM:-}" ]; then inside "npm install --global --no-audit --no-fund npm@$NPM" > "$folder/npm.log" 2>&1; fi
say "$(inside 'echo "node $(node --version), npm $(npm --version 2>/dev/null), commit $(git log -1 --format=%h)"')"

# free_port FROM: the first port from there on that nobody listens on.
free_port() {
  local port=$1
  while (exec 3<> "/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
  echo "$port"
}

# pid_of START: the process whose command line begins so. A bare machine has no pgrep, and this one's sees other processes.
pid_of() {
  local entry
  for entry in "$machine"/proc/[0-9]*; do
    if tr '\0' ' ' < "$entry/cmdline" 2>/dev/null | grep -q "^$1"; then basename "$entry"; fi
  done
}

# run_once NAME: `make run` until the pipeline says that it is ready, then its end by SIGTERM.
run_once() {
  local started status pid http rtmp
  http=$(free_port 8080) rtmp=$(free_port 1935)
  sed "s/127.0.0.1:8080/127.0.0.1:$http/; s/127.0.0.1:1935/127.0.0.1:$rtmp/" "$machine/root/eddy/pipelines/live-dvr.yaml" \
    > "$machine/root/eddy/pipelines/bare-machine.yaml"
  started=$(date +%s%N)
  inside 'exec make run PIPELINE=pipelines/bare-machine.yaml' > "$folder/$1.log" 2>&1 &
  pid=$!
  until inside "node -e 'fetch(\"http://127.0.0.1:$http/readyz\").then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))'" 2>/dev/null; do
    kill -0 "$pid" 2>/dev/null || { tail -30 "$folder/$1.log"; return 1; }
    [ $(( ($(date +%s%N) - started) / 1000000000 )) -lt 900 ] || { say "$1: not ready after 15 minutes"; return 1; }
    sleep 0.1
  done
  say "$1: ready after $(seconds "$started") s"
  # To the engine itself, as a service manager would: make would report the signal as its own failure.
  kill -TERM "$(pid_of 'node scripts/eddy.mjs run ')"
  status=0
  wait "$pid" || status=$?
  [ "$status" = 0 ] || { say "$1: ended with $status"; tail -30 "$folder/$1.log"; return 1; }
}

failed=0
for goal in "${goals[@]}"; do
  if [ "$goal" = run ]; then
    run_once run-first && run_once run-warm || failed=1
    continue
  fi
  started=$(date +%s%N)
  if inside "make $goal" > "$folder/$goal.log" 2>&1; then
    say "$goal: passed in $(seconds "$started") s: $(tail -1 "$folder/$goal.log")"
  else
    say "$goal: FAILED after $(seconds "$started") s, see $folder/$goal.log"
    tail -40 "$folder/$goal.log"
    failed=1
  fi
done
exit "$failed"
