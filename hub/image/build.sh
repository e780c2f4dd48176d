#!/usr/bin/env bash
# Builds jupyter-sysdesign/singleuser from a wheel of this checkout; with --hub as the first word
# jupyter-sysdesign/hub. Further words go to `docker build`; TAG names the image otherwise.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
version=$("$python" -c 'import jupyter_sysdesign; print(jupyter_sysdesign.__version__)')

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
mkdir "$context/certificates"
cp /usr/local/share/ca-certificates/*.crt "$context/certificates" 2>/dev/null || true
if [ "${1:-}" = --hub ]; then
  shift
  tag=${TAG:-jupyter-sysdesign/hub:$version}
  cp "$here/hub.Dockerfile" "$context/Dockerfile"
  mkdir "$context/hub"
  cp "$root"/hub/*.py "$root/hub/requirements.txt" "$context/hub"
else
  tag=${TAG:-jupyter-sysdesign/singleuser:$version}
  cp "$here"/{Dockerfile,requirements.txt,jupyter_server_config.py,nbgrader_config.py} "$context"
  "$python" -m build --wheel --outdir "$context" "$root" >/dev/null
fi
DOCKER_BUILDKIT=0 docker build --tag "$tag" "$@" "$context"
echo "$tag"
