"""A private home for each test, and the proof that nothing of it outlives the test."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import signal
import stat
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import docker_engine
import pytest
from hypothesis import HealthCheck, settings

from jupyter_sysdesign import paths
from jupyter_sysdesign.environment.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CURRICULUM = Path(__file__).parent / "data" / "curriculum"

#: What a learner gets to see and edit in the tiny lessons (``notebooks/tiny/lesson.yaml``).
TINY_EDITABLE = ("app/*.py", "migrations/*.sql")

#: What is marked so is timed, on a disk as learners have one.
_TIMED = ("measures", "gate", "soak")
_ROOMY_BYTES = 8 << 30

#: How long processes that were told to end may take. No test asserts on less.
_END_S = 60.0


#: Files that take longest. They come first, so that nobody waits for one of them at the end.
_LONG = (
    "grading/course/test_cohort.py",
    "environment/runtimes/test_docker_failures.py",
    "reliability/test_nothing_left.py",
    "grading/course/test_cluster.py",
    "cli/test_commands.py",
    "test_wheel.py",
    "grading/test_checker.py",
    "grading/course/test_rungs.py",
)

# A property holds however slow the machine is. Before any test is read: it is bound to them there.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# Small matrices on busy cores: threads of the linear algebra would wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# A shell has what it runs in the background ignore SIGINT, and so would every program under test.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    """Say loudly what is not tested."""
    why = docker_engine.missing()
    return f"NO DOCKER, AND NO TEST OF IT: {why}" if why else "docker: " + docker_engine.version()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a Docker engine where there is none; in CI that is a failure."""
    if item.get_closest_marker("docker") and (why := docker_engine.missing()):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, and leave everything else in its order."""
    rank = {Path(__file__).parent / name: place for place, name in enumerate(_LONG)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


def pytest_collection_finish() -> None:
    """Leave modules and collected tests out of every garbage collection: they stay to the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run ``@pytest.mark.anyio`` tests on asyncio, which is what the control plane runs on."""
    return "asyncio"


@pytest.fixture(scope="session")
def _room(request: pytest.FixtureRequest) -> str:
    """Return where homes lie: in memory, if there is some to spare and nothing is measured.

    Each database is a thousand small files, which are made and deleted all the time.
    """
    disk, memory = "/tmp", "/dev/shm"
    measures = (each.get_closest_marker(name) for each in request.session.items for name in _TIMED)
    if any(measures) or not Path(memory).is_mount():
        return disk
    found = os.statvfs(memory)
    roomy = found.f_bavail * found.f_frsize >= _ROOMY_BYTES
    return memory if roomy and not found.f_flag & os.ST_NOEXEC else disk


@pytest.fixture(scope="session")
def _templates(_room: str) -> Iterator[Path]:
    """Keep seeded templates between tests: building one takes seconds, moving it none."""
    kept = Path(tempfile.mkdtemp(prefix="sdk-", dir=_room))
    kept.chmod(0o711)
    yield kept / "templates"
    shutil.rmtree(kept, ignore_errors=True)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, _templates: Path) -> Iterator[Path]:
    """Give a private ``SYSDESIGN_HOME`` and runtime folder; afterwards nothing of it may be left.

    Both have short names: socket paths are limited, and pytest's own ``tmp_path`` is closed to the
    user PostgreSQL runs as under root.
    """
    with _private_home(monkeypatch, _templates) as folder:
        yield folder


@pytest.fixture(scope="module")
def shared_home(_templates: Path) -> Iterator[Path]:
    """Give all tests of a module one home, like ``home``: for a system that they share."""
    with pytest.MonkeyPatch.context() as monkeypatch, _private_home(monkeypatch, _templates) as one:
        yield one


@contextlib.contextmanager
def _private_home(monkeypatch: pytest.MonkeyPatch, _templates: Path) -> Iterator[Path]:
    base = Path(tempfile.mkdtemp(prefix="sdt-", dir=_templates.parent.parent))
    base.chmod(0o711)
    folder = base / "home"
    (base / "run").mkdir(mode=0o700)
    monkeypatch.setenv("SYSDESIGN_HOME", str(folder))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(base / "run"))
    monkeypatch.delenv("SYSDESIGN_PARENT_LEASE", raising=False)
    runtime = paths.runtime()
    if _templates.exists():
        _templates.rename(folder / "templates")
    yield folder
    left = _left_processes(base, runtime)
    for pid in left:
        _kill(pid)
    containers = docker_engine.left(str(folder))
    sockets = _sockets(runtime)
    if (folder / "templates").exists():
        shutil.rmtree(_templates, ignore_errors=True)
        (folder / "templates").rename(_templates)
    shutil.rmtree(base, ignore_errors=True)
    shutil.rmtree(runtime, ignore_errors=True)
    assert not left, f"processes outlived the test: {left}"
    assert not containers, f"containers or networks outlived the test: {containers}"
    assert not sockets, f"sockets outlived the test: {sockets}"


@pytest.fixture
def curriculum(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the tiny lessons part of the catalogue."""
    monkeypatch.setenv("SYSDESIGN_CURRICULUM", str(CURRICULUM))
    return CURRICULUM


@pytest.fixture
def turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let one of this test's checks measure at a time, whatever machine it is, and whoever else."""
    folder = tmp_path / "turns"
    folder.mkdir()
    (folder / "0").touch()
    monkeypatch.setenv("SYSDESIGN_TURNS", str(folder))
    return folder


@pytest.fixture
def make_source(home: Path) -> Callable[..., Source]:
    """Return a maker of ``Source``: a fresh workspace over one of the tiny lessons."""

    def make(lesson: str = "tiny", name: str = "workspace") -> Source:
        return tiny_source(home, lesson, name)

    return make


def tiny_source(home: Path, lesson: str, name: str = "workspace") -> Source:
    """Make a fresh workspace over one of the tiny lessons."""
    pristine = CURRICULUM / "environments" / lesson
    workspace = home.parent / name
    workspace.mkdir(parents=True)
    for folder in ("app", "migrations"):
        if (pristine / folder).is_dir():
            shutil.copytree(
                pristine / folder,
                workspace / folder,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
    return Source(lesson, pristine, workspace.resolve(), TINY_EDITABLE)


@pytest.fixture(scope="module")
def shared_source(shared_home: Path) -> Callable[..., Source]:
    """Return a maker of ``Source`` in the module's home."""
    return lambda lesson, name="workspace": tiny_source(shared_home, lesson, name)


@pytest.fixture
def tiny_lesson(make_source: Callable[..., Source], curriculum: Path) -> Source:
    """Return a fresh workspace over ``tiny``: a database of a few rows and one app."""
    return make_source("tiny")


@pytest.fixture
def tiny_full_lesson(make_source: Callable[..., Source], curriculum: Path) -> Source:
    """Return a fresh workspace over ``tiny-full``: database, cache, load balancer, two apps."""
    return make_source("tiny-full")


def _left_processes(base: Path, runtime: Path) -> dict[int, str]:
    """Return who still belongs to the test after they had time to end: pid → command line."""
    until = time.monotonic() + _END_S
    while (left := _belonging(base, runtime)) and time.monotonic() < until:
        time.sleep(0.02)
    return left


def _belonging(base: Path, runtime: Path) -> dict[int, str]:
    """Return processes whose environment, command line or folder names the test's folders.

    The folder matters: PostgreSQL and Valkey overwrite their environment with a title.
    """
    if sys.platform != "linux":
        return {}
    marks = (os.fsencode(base), os.fsencode(runtime))
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if entry.joinpath("stat").read_text().rpartition(")")[2].split()[0] == "Z":
                continue
            command = entry.joinpath("cmdline").read_bytes()
            known = entry.joinpath("environ").read_bytes() + b"\0" + command
            known += b"\0" + os.fsencode(entry.joinpath("cwd").readlink())
        except OSError:
            continue
        if any(mark in known for mark in marks):
            found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace").strip()
    return found


def _sockets(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*") if stat.S_ISSOCK(path.lstat().st_mode))


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
