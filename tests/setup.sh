#!/usr/bin/env bash
# What the tests need beyond the venv: a Chromium, the peers the load engine is measured beside, and
# a Docker engine with the images of services. What is not there is not tested, except in CI, where
# it has to be.
#
#     tests/setup.sh [PID]    an engine that is started here ends with process PID
set -euo pipefail
cd "$(dirname "$0")/.."
owner=${1:-$PPID}

has_browser() {
  for candidate in "${SYSDESIGN_CHROMIUM:-}" chromium chromium-browser google-chrome; do
    if [ -n "$candidate" ] && type -P "$candidate" >/dev/null; then return 0; fi
  done
  return 1
}

missing=()
has_browser || missing+=(chromium fonts-dejavu-core)
PATH="$PATH:/usr/sbin" command -v nginx >/dev/null || missing+=(nginx-light)
for peer in wrk hey; do
  command -v "$peer" >/dev/null || missing+=("$peer")
done

if [ "${#missing[@]}" -gt 0 ] && command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo "Installing ${missing[*]} for the tests"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

if ! { bash tests/engine.sh "$owner" && .venv/bin/sysdesign images build; }; then
  if [ -n "${CI:-}" ]; then
    echo "No Docker engine with the images of services; its tests must run in CI" >&2
    exit 1
  fi
  echo "NO DOCKER: every test of the Docker runtime will be skipped." >&2
fi

if has_browser; then exit 0; fi
if [ -n "${CI:-}" ]; then
  echo "No Chromium, and it cannot be installed here; the browser tests must run in CI" >&2
  exit 1
fi
echo "No Chromium found: the browser tests will be skipped. Install chromium or set SYSDESIGN_CHROMIUM." >&2
