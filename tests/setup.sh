#!/usr/bin/env bash
# What the tests need beyond the venv: a Chromium for the browser tests.
set -euo pipefail
for candidate in "${SYSDESIGN_CHROMIUM:-}" chromium chromium-browser google-chrome; do
  if [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1; then exit 0; fi
done
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo "Installing Debian's Chromium for the browser tests"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
  exit 0
fi
if [ -n "${CI:-}" ]; then
  echo "No Chromium, and it cannot be installed here; the browser tests must run in CI" >&2
  exit 1
fi
echo "No Chromium found: the browser tests will be skipped. Install chromium or set SYSDESIGN_CHROMIUM." >&2
