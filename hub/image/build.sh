#!/usr/bin/env bash
# The single-user image, from a wheel of this checkout. Further words go to `docker build`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
tag=${TAG:-jupyter-sysdesign/singleuser:$("$python" -c 'import jupyter_sysdesign; print(jupyter_sysdesign.__version__)')}

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
cp "$here"/{Dockerfile,requirements.txt,jupyter_server_config.py,nbgrader_config.py} "$context"
mkdir "$context/certificates"
cp /usr/local/share/ca-certificates/*.crt "$context/certificates" 2>/dev/null || true
"$python" -m build --wheel --outdir "$context" "$root" >/dev/null
DOCKER_BUILDKIT=0 docker build --tag "$tag" "$@" "$context"
echo "$tag"
