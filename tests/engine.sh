#!/usr/bin/env bash
# A Docker engine for the tests, and the base image that ours are built on: looks whether one
# answers; as root starts one, and makes the image where no registry can be reached. Nothing to do
# takes a moment. Fails, saying why, where there is no engine and none can be started.
#
#     tests/engine.sh [PID]    an engine that is started here ends with process PID (default: who
#                              called this), however that ends
set -euo pipefail
base=debian:bookworm-slim
owner=${1:-$PPID}

answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

install() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

start() {
  [ "$(id -u)" = 0 ] || { echo "No Docker engine answers, and only root can start one" >&2; return 1; }
  command -v dockerd >/dev/null || install docker.io iptables iproute2 cgroupfs-mount || {
    echo "No Docker engine, and it cannot be installed here" >&2
    return 1
  }
  # A machine without systemd may not have its control groups mounted.
  [ -n "$(ls -A /sys/fs/cgroup 2>/dev/null)" ] || cgroupfs-mount || true
  log=$(mktemp -t sysdesign-dockerd-XXXXXX.log)
  echo "Starting a Docker engine for the tests (log: $log)"
  setsid dockerd >"$log" 2>&1 </dev/null &
  engine=$!
  setsid bash -c "while kill -0 $owner && kill -0 $engine; do sleep 1; done; kill $engine" \
    >/dev/null 2>&1 </dev/null &
  for _ in $(seq 300); do
    if answers; then return 0; fi
    kill -0 "$engine" 2>/dev/null || break
    sleep 0.2
  done
  echo "dockerd does not answer:" >&2
  tail -5 "$log" >&2
  return 1
}

image() {
  docker image inspect "$base" >/dev/null 2>&1 && return 0
  timeout 120 docker pull --quiet "$base" >/dev/null 2>&1 && return 0
  command -v debootstrap >/dev/null || install debootstrap || {
    echo "No image $base, and debootstrap cannot be installed here" >&2
    return 1
  }
  echo "Making the image $base with debootstrap"
  root=$(mktemp -d)
  trap 'rm -rf "$root"' EXIT
  debootstrap --variant=minbase bookworm "$root" >/dev/null
  tar -C "$root" --exclude=./var/cache/apt/archives --exclude=./var/lib/apt/lists -c . |
    docker import - "$base" >/dev/null
}

answers || start
image
