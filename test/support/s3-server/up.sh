#!/usr/bin/env bash
# Starts a real S3 server (Ceph RADOS gateway, mon + one in-memory OSD) on 127.0.0.1 for integration tests.
# Nothing is installed on the system: Debian packages are fetched through apt with private state (signatures
# and hashes checked), unpacked under $S3_HOME and run with their own loader. Root is not needed.
# Idempotent: does nothing when the server of this $S3_RUN answers. Data live in memory and are gone after down.sh.
# Needs: apt-get, dpkg-deb, node >= 18, curl, flock, setsid, the Debian archive keyring.
# Settings (environment): S3_HOME (unpacked packages, shared) S3_RUN (data of this server) S3_PORT S3_MON_PORT
#   S3_SUITE S3_KEY S3_SECRET S3_BUCKET S3_MEM_MB
#   S3_LC_DEBUG=N  one lifecycle "day" lasts N seconds (default: real days)
set -euo pipefail
H=${S3_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/eddy/s3-server} PORT=${S3_PORT:-8000} SUITE=${S3_SUITE:-forky} KEY=${S3_KEY:-test} SECRET=${S3_SECRET:-testsecret}
BUCKET=${S3_BUCKET:-test} MEM=${S3_MEM_MB:-4096} MIRROR=${S3_MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Identifier: Packages' 'Component: main' | grep -m1 '/debian/*$')}
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
R=$H/root-$SUITE D=${S3_RUN:-$H/run} L=$R/usr/lib/x86_64-linux-gnu EP=http://127.0.0.1:$PORT
log() { echo "s3-server: $*" >&2; }
die() { log "$*"; exit 1; }
mkdir -p "$H"; exec 9>"$H/lock"; flock 9

# METHOD PATH: one SigV4 request with node's own crypto (curl's --aws-sigv4 differs by version); prints the status
s3req() { KEY=$KEY SECRET=$SECRET node -e '
  const c = require("crypto"), h = (k, d) => c.createHmac("sha256", k).update(d).digest(), [m, u] = process.argv.slice(1);
  const url = new URL(u), t = new Date().toISOString().replace(/[-:]|\.\d+/g, ""), d = t.slice(0, 8), e = c.createHash("sha256").update("").digest("hex");
  const sc = d + "/us-east-1/s3/aws4_request", cr = [m, url.pathname, "", "host:" + url.host, "x-amz-content-sha256:" + e, "x-amz-date:" + t, "", "host;x-amz-content-sha256;x-amz-date", e].join("\n");
  const k = ["us-east-1", "s3", "aws4_request"].reduce(h, h("AWS4" + process.env.SECRET, d)), sig = h(k, ["AWS4-HMAC-SHA256", t, sc, c.createHash("sha256").update(cr).digest("hex")].join("\n")).toString("hex");
  fetch(url, { method: m, headers: { "x-amz-date": t, "x-amz-content-sha256": e, authorization: `AWS4-HMAC-SHA256 Credential=${process.env.KEY}/${sc}, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=${sig}` }, signal: AbortSignal.timeout(20000) })
    .then(async r => { console.log(r.status); if (!r.ok) console.error(await r.text()) }).catch(e => { console.log(0); console.error(String(e.cause ?? e)) })' "$1" "$EP/$2"; }
answers() { [ "$(s3req GET "$BUCKET" 2>/dev/null)" = 200 ]; }
done_() { echo "$EP"; log "endpoint $EP  region us-east-1  path-style  key $KEY  secret $SECRET  bucket $BUCKET"; exit 0; }
if [ -s "$D/rgw.pid" ] && kill -0 "$(cat "$D/rgw.pid")" 2>/dev/null && answers; then log "already running"; done_; fi
S3_HOME=$H S3_RUN=$D "$(dirname "$(readlink -f "$0")")/down.sh" --nolock >/dev/null || true
(exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null && die "port $PORT is taken by something else"

# 1. packages
unpack() {
  [ "$(dpkg --print-architecture)" = amd64 ] || die "amd64 only"
  local A=$H/apt-$SUITE t=$H/root-$SUITE.tmp t0=$SECONDS o
  mkdir -p "$A/lists/partial" "$A/cache/archives/partial" "$A/debs"; : >"$A/status"; : >"$A/none.conf"; mkdir -p "$A/parts"
  echo "deb [arch=amd64 signed-by=$KEYRING] $MIRROR $SUITE main" >"$A/sources.list"
  o=(-q -o Dir::Etc::sourcelist="$A/sources.list" -o Dir::Etc::sourceparts="$A/parts" -o Dir::Etc::preferencesparts="$A/parts" -o Dir::Etc::preferences="$A/none.conf"
     -o Dir::State="$A" -o Dir::State::lists="$A/lists" -o Dir::State::status="$A/status" -o Dir::Cache="$A/cache" -o Dir::Log="$A"
     -o Debug::NoLocking=1 -o APT::Sandbox::User= -o APT::Architectures::=amd64 -o Acquire::Languages=none -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false
     -o Acquire::Retries=3 -o APT::Update::Post-Invoke::= -o DPkg::Post-Invoke::=)
  apt-get "${o[@]}" update >"$A/update.log" 2>&1 || { cat "$A/update.log" >&2; die "apt-get update failed"; }
  # The resolver sees an empty system, so the answer is the whole closure; what only maintainer scripts or
  # block devices need is dropped. A library dropped by mistake is caught by the loader check below.
  apt-get "${o[@]}" install -s -y --no-install-recommends ceph-mon ceph-osd radosgw >"$A/plan.log" 2>&1 || { tail -20 "$A/plan.log" >&2; die "no install plan"; }
  sed -nE 's/^Inst ([^ ]+) \(([^ ]+) .*/\1 \2/p' "$A/plan.log" | grep -vE '^(systemd|libsystemd-shared|sudo|passwd|login\.defs|adduser|lvm2|liblvm2.*|dmsetup|dmeventd|libdevmapper-event.*|openssl|openssl-provider-legacy|xfsprogs|binutils.*|libbinutils|libgprofng.*|libctf.*|libsframe.*|nvme-cli|libnvme.*|smartmontools|cryptsetup-bin|e2fsprogs|libext2fs.*|libss2|logsave|libparted.*|parted|gdisk|hdparm|psmisc|tzdata|libpam.*|perl.*|librgw2|librbd1|libcephfs2|libradosstriper1|ceph-volume|python3-(rbd|rgw|cephfs|cryptography|openssl|bcrypt|cffi.*|yaml|requests|urllib3|chardet|charset-normalizer|idna|certifi|packaging|setuptools|pkg-resources)|libglib2.*|libbabeltrace1|libdw1.*|libelf1.*|libxml2.*|debconf|libdebconfclient0|libsemanage.*|libsepol.*|libaudit.*|libc-gconv-modules-extra|ca-certificates|cron.*|logrotate|dmidecode|uuid-runtime|sysvinit-utils|libdbus-.*|python3-dbus|base-passwd|debianutils|sensible-utils|libboost-(locale|url|python).*|libnbd.*|libsqlite3-mod-ceph|readline-common|media-types|netbase|libinih.*|mount|util-linux|kmod|gcc-.*-base) ' >"$A/list" || die "empty plan"
  (cd "$A/debs" && tr ' ' '=' <"$A/list" | xargs apt-get "${o[@]}" download >"$A/download.log" 2>&1) || { tail -5 "$A/download.log" >&2; die "download failed"; }
  rm -rf "$t"; mkdir -p "$t"/usr/{bin,sbin,lib,lib64}; local d f
  for d in bin sbin lib lib64; do ln -s "usr/$d" "$t/$d"; done
  while read -r d f; do dpkg-deb -x "$A/debs/${d}_${f//:/%3a}"_*.deb "$t" || die "cannot unpack $d"; done <"$A/list"
  rm -rf "$t"/usr/share/{doc,man,locale,info,lintian} "$t"/usr/bin/{rbd*,ceph-mgr,ceph-dencoder}
  local l=$t/usr/lib/x86_64-linux-gnu b m
  for b in "$t"/usr/bin/{ceph-mon,ceph-osd,radosgw,radosgw-admin,ceph-authtool,monmaptool,python3} "$l"/rados-classes/*.so "$t"/usr/lib/python3/dist-packages/rados*.so; do
    m=$("$t/lib64/ld-linux-x86-64.so.2" --library-path "$l:$l/ceph" --list "$b" 2>&1 | grep -E 'not found|cannot open|error while' || true)
    [ -z "$m" ] || die "$b: $m"
  done
  log "$(wc -l <"$A/list") packages, $(du -cm "$A/debs"/*.deb | tail -1 | cut -f1) MB + index $(du -cm "$A/lists" | tail -1 | cut -f1) MB, unpacked $(du -sm "$t" | cut -f1) MB, $((SECONDS - t0)) s"
  rm -rf "$R"; mv "$t" "$R"; [ -n "${S3_KEEP_DEBS:-}" ] || rm -rf "$A/debs" "$A/lists" "$A/cache"
}
[ -x "$R/usr/bin/radosgw" ] || unpack

# 2. a fresh cluster
T0=$(date +%s%N)
# A failed start leaves no process behind; its logs are kept in $S3_HOME/failed.
trap 'rc=$?; if [ $rc != 0 ]; then rm -rf "$H/failed"; mkdir -p "$H/failed"; cp "$D"/*.log "$D"/*.out "$D"/ceph.conf "$H/failed/" 2>/dev/null || true; S3_HOME=$H S3_RUN=$D "$(dirname "$(readlink -f "$0")")/down.sh" --nolock >/dev/null || true; log "logs in $H/failed"; fi' EXIT
rm -rf "$D"; mkdir -p "$D"/{mon,osd,sock}; FSID=$(cat /proc/sys/kernel/random/uuid); MP=${S3_MON_PORT:-$((PORT + 1))}
cat >"$D/ceph.conf" <<C
[global]
fsid = $FSID
mon host = [v2:127.0.0.1:$MP/0]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
ms bind msgr1 = false
# No cephx inside the loopback cluster; S3 requests are still authenticated by radosgw. radosgw asks for
# "secure" mode, which no-auth cannot give and it then hangs in AUTH_CONNECTING (-13): ask for crc.
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
keyring = $D/keyring
mon data = $D/mon
mon data avail warn = 1
paxos propose interval = 0.05
paxos min wait = 0.01
mon data avail crit = 0
mon allow pool size one = true
mon allow pool delete = true
mon warn on pool no redundancy = false
mon max pg per osd = 2000
mon cluster log file = $D/cluster.log
osd data = $D/osd
osd objectstore = memstore
memstore device bytes = $((MEM * 1048576))
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd class dir = $L/rados-classes
osd erasure code plugins =
erasure code dir = $L/ceph/erasure-code
plugin dir = $L/ceph
compressor dir = $L/ceph/compressor
run dir = $D/sock
admin socket = $D/sock/\$name.\$pid.asok
log file = $D/\$name.log
rgw frontends = beast endpoint=127.0.0.1:$PORT
rgw thread pool size = 64
rgw enable usage log = false
rgw gc obj min wait = 1
rgw gc processor period = 10
rgw gc processor max time = 10
${S3_LC_DEBUG:+rgw lc debug interval = $S3_LC_DEBUG}
C
export CEPH_CONF=$D/ceph.conf
LD=("$R/lib64/ld-linux-x86-64.so.2" --library-path "$L:$L/ceph")
x() { "${LD[@]}" --argv0 "$1" "$R/usr/bin/$1" "${@:2}"; }
bg() { setsid "${LD[@]}" --argv0 "$2" "$R/usr/bin/$2" "${@:3}" >"$D/$1.out" 2>&1 </dev/null 9>&- & echo $! >"$D/$1.pid"; }
ceph() { PYTHONHOME=$R/usr PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$R/usr/lib/python3/dist-packages timeout 30 "${LD[@]}" "$R/usr/bin/python3" "$R/usr/bin/ceph" --connect-timeout 20 "$@"; }
run() { local t=$EPOCHREALTIME; "$@" >>"$D/init.out" 2>&1 || { tail -20 "$D/init.out" >&2; die "failed: $*"; }; [ -z "${S3_TRACE:-}" ] || log "$(bc <<<"$EPOCHREALTIME-$t") s: $1 $2"; }
wait_for() { local n=$1 s=$2 i; shift 2; for ((i = 0; i < s * 5; i++)); do "$@" >/dev/null 2>&1 && return; kill -0 "$(cat "$D/$n.pid")" 2>/dev/null || break; sleep .2; done; tail -20 "$D/$n.out" "$D"/*.log >&2; die "$n did not come up"; }
run x ceph-authtool --create-keyring "$D/keyring" --gen-key -n mon. --cap mon 'allow *'
run x ceph-authtool "$D/keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
run x monmaptool --create --fsid "$FSID" --addv a "[v2:127.0.0.1:$MP/0]" "$D/monmap"
run x ceph-mon --mkfs -i a --monmap "$D/monmap" --keyring "$D/keyring"
bg mon ceph-mon -f -i a
wait_for mon 30 ceph mon stat
U=$(cat /proc/sys/kernel/random/uuid)
run ceph osd new "$U"
run x ceph-osd -i 0 --mkfs --osd-uuid "$U"
bg osd ceph-osd -f -i 0
osd_up() { ceph osd stat -f json | grep -q '"num_up_osds": *1'; }
wait_for osd 30 osd_up
run x radosgw-admin user create --uid="$KEY" --display-name="$KEY" --access-key="$KEY" --secret-key="$SECRET"
bg rgw radosgw -f -n client.admin
wait_for rgw 60 curl -s -o /dev/null -m 2 "$EP/"
code=$(s3req PUT "$BUCKET" 2>"$D/bucket.out")
[ "$code" = 200 ] || { cat "$D/bucket.out" >&2; die "bucket: HTTP $code"; }
answers || die "bucket does not list"
log "$(x radosgw --version | cut -d' ' -f1-3), started in $((($(date +%s%N) - T0) / 1000000)) ms"
done_
