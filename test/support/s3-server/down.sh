#!/usr/bin/env bash
# Stops what up.sh started (by pid, after checking the command line) and drops its data.
# --purge also removes the unpacked packages.
set -u
H=${S3_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/eddy/s3-server} D=${S3_RUN:-$H/run}
[ -d "$H" ] || exit 0
if [ "${1:-}" != --nolock ]; then exec 9>"$H/lock"; flock 9; fi
mine() { [ -s "$D/$1.pid" ] && P=$(cat "$D/$1.pid") && [ -r "/proc/$P/cmdline" ] && tr '\0' ' ' <"/proc/$P/cmdline" | grep -qF "$H/root-"; }
# The data are thrown away, so no clean shutdown (radosgw drains for seconds, memstore would write itself to disk).
for n in rgw osd mon; do mine $n && kill -9 "$P" 2>/dev/null; done
for i in $(seq 25); do mine rgw || mine osd || mine mon || break; sleep .2; done
rm -rf "$D"
[ "${1:-}" = --purge ] && rm -rf "$H"/root-* "$H"/apt-*
exit 0
