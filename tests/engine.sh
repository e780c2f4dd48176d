#!/usr/bin/env bash
# A Docker engine for the tests, where none answers and root may start one. It ends with the process
# that is named: whoever runs the tests, however that ends.
#
#     tests/engine.sh PID
set -euo pipefail
owner=$1
log=${TMPDIR:-/tmp}/sysdesign-test-dockerd.log

# A machine without systemd may not have them mounted.
if [ -z "$(ls -A /sys/fs/cgroup 2>/dev/null)" ] && command -v cgroupfs-mount >/dev/null; then
  cgroupfs-mount
fi

echo "Starting a Docker engine for the tests (log: $log)"
setsid dockerd >"$log" 2>&1 </dev/null &
engine=$!
setsid bash -c "while kill -0 $owner 2>/dev/null && kill -0 $engine 2>/dev/null; do sleep 1; done
  kill $engine 2>/dev/null" >/dev/null 2>&1 </dev/null &

for _ in $(seq 300); do
  if docker version >/dev/null 2>&1; then exit 0; fi
  if ! kill -0 "$engine" 2>/dev/null; then break; fi
  sleep 0.2
done
tail -5 "$log" >&2
exit 1
