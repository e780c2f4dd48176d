"""Where a submission is graded: the ladder of ways to keep it away from everything else.

A *job* is one process tree that rebuilds one submission, runs its system and the checks. It gets a
folder of its own and nothing else to write to. Each rung starts jobs; the first one that works on
this machine is taken. Docker can stand before the others: it only has to start the same job.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import jupyter_sysdesign
from jupyter_sysdesign import paths
from jupyter_sysdesign.environment import confinement
from jupyter_sysdesign.environment.confine import View, command
from jupyter_sysdesign.errors import UnavailableError
from jupyter_sysdesign.interpreter import module_command

if TYPE_CHECKING:
    from jupyter_sysdesign.curriculum.catalogue import Lesson

_INSIDE = Path("/job")
#: User ids above all that machines and directories give out; one per job, so that none can signal
#: another or count as one with it.
_THROWAWAY = 1_900_000_000
_PROCESSES = 2048
_KEPT_BACK = ("solution", "alternatives", "cheats")
_PACKAGE = Path(jupyter_sysdesign.__file__).parent
_MODULE = "jupyter_sysdesign.grading.course.job"


class Started(NamedTuple):
    """A job that runs; it reads its order from stdin and writes JSON lines to stdout.

    Attributes:
        folder: the job's folder as the job sees it.
    """

    process: subprocess.Popen[bytes]
    folder: Path


class Isolation(Protocol):
    """One rung.

    Attributes:
        name: for reports and records.
    """

    name: str

    def unusable(self) -> str:
        """Return why it cannot be used on this machine; empty: it can."""

    def start(self, lesson: Lesson, folder: Path, user: int) -> Started:
        """Start a job on ``folder``; killing its process kills all of it.

        ``user`` is the id the folder belongs to.
        """


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
        kept_back = {str(lesson.environment / name): 4096 for name in _KEPT_BACK}
        lessons = [str(lesson.environment), str(lesson.notebooks)]
        view = View(
            read=[*_programs(), str(_PACKAGE), *lessons, *_shared().values()],
            write={str(folder): str(_INSIDE)},
            scratch={each: size for each, size in kept_back.items() if Path(each).is_dir()},
            cwd=str(_INSIDE),
            uid=user,
            nests=True,
            processes=_PROCESSES,
            file_bytes=2 << 30,
        )
        variables = {confinement.VARIABLE: "1"}
        argv = command(view, module_command(_MODULE))
        return _started(argv, lesson, _INSIDE, variables)


class Trusting:
    """No isolation: for people who would run every submission on their own account anyway."""

    name = "none"

    def unusable(self) -> str:
        """It always works."""
        return ""

    def start(self, lesson: Lesson, folder: Path, user: int) -> Started:  # noqa: ARG002 (protocol)
        """Start a job as the one who grades."""
        return _started(module_command(_MODULE), lesson, folder, {})


LADDER: tuple[Isolation, ...] = (Namespaces(),)


def choose(*, trust: bool = False) -> Isolation:
    """Return the first rung that works here; with ``trust`` none at all will do as well.

    Raises:
        UnavailableError: nothing here can keep a submission away from the rest.
    """
    reasons = []
    for rung in LADDER:
        reason = rung.unusable()
        if not reason:
            return rung
        reasons.append(f"{rung.name}: {reason}")
    if trust:
        return Trusting()
    raise UnavailableError(
        f"Submissions cannot be isolated on this machine ({'; '.join(reasons)})",
        hint="Grade on a Linux machine that allows user namespaces, or, if you would run every "
        "submission on your own account, say --trust-submissions.",
    )


def throwaway_user() -> int:
    """Return a user id for one job: nobody's under root, else the caller's own."""
    if os.geteuid() != 0:
        return os.geteuid()
    return _THROWAWAY + int.from_bytes(os.urandom(3), "big")


def _started(argv: list[str], lesson: Lesson, folder: Path, variables: dict[str, str]) -> Started:
    environment = {
        "PATH": f"{Path(sys.prefix) / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "HOME": str(folder),
        "SYSDESIGN_HOME": str(folder / "home"),
        "SYSDESIGN_CURRICULUM": str(lesson.environment.parent.parent),
        **{name: os.environ[name] for name in ("TZ",) if name in os.environ},
        **_shared(),
        **variables,
    }
    process = subprocess.Popen(
        argv,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        start_new_session=True,
    )
    return Started(process, folder)


def _shared() -> dict[str, str]:
    """Return the variable for seeded data that came with an image, where there are some."""
    shared = paths.shared_templates()
    return {"SYSDESIGN_TEMPLATES": str(shared)} if shared else {}


def _programs() -> list[str]:
    return sorted({sys.prefix, sys.base_prefix, sys.exec_prefix})


@functools.cache
def _why_no_boxes() -> str:
    if sys.platform != "linux":
        return "only Linux has them"
    user = throwaway_user()
    view = View(read=[*_programs(), str(_PACKAGE)], write={}, scratch={}, cwd="/", uid=user)
    inner = command(view, ["/bin/true"])
    done = subprocess.run(
        command(view._replace(nests=True), inner), capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else (done.stderr.strip() or f"exit {done.returncode}")
