"""The box of a job: what it sees of this machine, and the rung that needs nothing but Linux."""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import jupyter_sysdesign
from jupyter_sysdesign import paths
from jupyter_sysdesign.environment import confinement
from jupyter_sysdesign.environment.confine import View, command
from jupyter_sysdesign.errors import ResourceError
from jupyter_sysdesign.grading import turns
from jupyter_sysdesign.interpreter import module_command

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jupyter_sysdesign.curriculum.catalogue import Lesson

#: The job's folder, as the job sees it.
INSIDE = Path("/job")
#: Folders of a lesson that no job needs.
KEPT_BACK = ("solution", "alternatives", "cheats")
PROCESSES = 2048
JOB = module_command("jupyter_sysdesign.grading.course.job")
#: User ids above all that machines and directories give out; one per job, so that none can signal
#: another or count as one with it.
_THROWAWAY = 1_900_000_000
_PACKAGE = Path(jupyter_sysdesign.__file__).parent
_HIDDEN_BYTES = 4096


def _nothing() -> None:
    """Leave all as it is."""


class Started(NamedTuple):
    """A job that runs; it reads its order from stdin and writes JSON lines to stdout.

    Attributes:
        folder: the job's folder as the job sees it.
        clear: call it once the process is gone; it blocks until nothing of the job is left.
    """

    process: subprocess.Popen[bytes]
    folder: Path
    clear: Callable[[], None] = _nothing


class Namespaces:
    """Linux namespaces: a box around the job, and in it a smaller one around what learners wrote.

    The learner's services see neither the checks' process nor the pristine system nor a network;
    the job sees no home folder, no course, no network.
    """

    name = "namespaces"

    def unusable(self) -> str:
        """Start two boxes, one in the other, and look."""
        return _why_no_boxes()

    def start(self, lesson: Lesson, folder: Path, user: int) -> Started:
        """Start a job in a box."""
        argv = command(view(lesson, folder, user), JOB)
        return Started(started(argv, environment(lesson, INSIDE, confined=True)), INSIDE)


def view(lesson: Lesson, folder: Path, user: int) -> View:
    """Return what a job sees."""
    kept_back = [lesson.environment / name for name in KEPT_BACK]
    lessons = [str(lesson.environment), str(lesson.notebooks)]
    return View(
        read=[*programs(), *lessons, *_shared().values()],
        write={str(folder): str(INSIDE)},
        scratch={str(each): _HIDDEN_BYTES for each in kept_back if each.is_dir()},
        cwd=str(INSIDE),
        uid=user,
        nests=True,
        processes=PROCESSES,
        file_bytes=2 << 30,
    )


def environment(lesson: Lesson, folder: Path, *, confined: bool) -> dict[str, str]:
    """Return a job's environment variables; ``folder`` as the job sees it."""
    return {
        "PATH": f"{Path(sys.prefix) / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "HOME": str(folder),
        "SYSDESIGN_HOME": str(folder / "home"),
        "SYSDESIGN_CURRICULUM": str(lesson.environment.parent.parent),
        **{name: os.environ[name] for name in ("TZ",) if name in os.environ},
        **_shared(),
        **({confinement.VARIABLE: "1"} if confined else {}),
    }


def started(
    argv: list[str], variables: dict[str, str], descriptors: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """Start a process with pipes at all three ends, in a session of its own."""
    return subprocess.Popen(
        argv,
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        start_new_session=True,
        pass_fds=descriptors,
    )


def programs() -> list[str]:
    """Return the folders of this Python, its packages and this one."""
    return sorted({sys.prefix, sys.base_prefix, sys.exec_prefix, str(_PACKAGE)})


def throwaway_user() -> int:
    """Return a user id for one job: nobody's under root, else the caller's own."""
    if os.geteuid() != 0:
        return os.geteuid()
    return _THROWAWAY + int.from_bytes(os.urandom(3), "big")


def nested(user: int) -> tuple[View, list[str]]:
    """Return a box to try, and the argv that makes a smaller one in it."""
    tried = View(read=programs(), write={}, scratch={}, cwd="/", uid=user)
    return tried._replace(nests=True), command(tried, ["/bin/true"])


def _shared() -> dict[str, str]:
    """Return variables that name what jobs share: seeded data of an image, and whose turn it is."""
    shared = {}
    if templates := paths.shared_templates():
        shared["SYSDESIGN_TEMPLATES"] = str(templates)
    with contextlib.suppress(ResourceError):  # then nobody waits
        shared[turns.VARIABLE] = str(turns.places())
    return shared


@functools.cache
def _why_no_boxes() -> str:
    if sys.platform != "linux":
        return "only Linux has them"
    outer, inner = nested(throwaway_user())
    done = subprocess.run(command(outer, inner), capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else (done.stderr.strip() or f"exit {done.returncode}")
