#!/usr/bin/env bash
# What the tests need beyond the venv: a Chromium, and the peers the load engine is measured beside.
set -euo pipefail

chromium() {
  for candidate in "${SYSDESIGN_CHROMIUM:-}" chromium chromium-browser google-chrome; do
    if [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1; then return 0; fi
  done
  return 1
}

missing=()
chromium || missing+=(chromium fonts-dejavu-core)
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

if chromium; then exit 0; fi
if [ -n "${CI:-}" ]; then
  echo "No Chromium, and it cannot be installed here; the browser tests must run in CI" >&2
  exit 1
fi
echo "No Chromium found: the browser tests will be skipped. Install chromium or set SYSDESIGN_CHROMIUM." >&2
