"""Where a submission is graded: the ladder of ways to keep it away from everything else.

A *job* is one process tree that rebuilds one submission, runs its system and the checks. It gets a
folder of its own and nothing else to write to. Each rung starts jobs; the first one that works on
this machine is taken: a container around the job's box, else the box alone.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Protocol

from jupyter_sysdesign.errors import UnavailableError
from jupyter_sysdesign.grading.course.boxes import JOB, Namespaces, Started, environment, started
from jupyter_sysdesign.grading.course.containers import Containers

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_sysdesign.curriculum.catalogue import Lesson


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


class Trusting:
    """No isolation: for people who would run every submission on their own account anyway."""

    name = "none"

    def unusable(self) -> str:
        """It always works."""
        return ""

    def start(self, lesson: Lesson, folder: Path, user: int) -> Started:  # noqa: ARG002 (protocol)
        """Start a job as the one who grades."""
        return Started(started(JOB, environment(lesson, folder, confined=False)), folder)


LADDER: tuple[Isolation, ...] = (Containers(), Namespaces())


def choose(*, trust: bool = False) -> Isolation:
    """Return the first rung that works here; with ``trust`` none at all will do as well.

    Raises:
        UnavailableError: nothing here can keep a submission away from the rest.
    """
    for rung in LADDER:
        if not rung.unusable():
            return rung
    if trust:
        return Trusting()
    raise UnavailableError(
        f"Submissions cannot be isolated on this machine ({_reasons(LADDER)})",
        hint="Grade on a Linux machine that allows user namespaces, or, if you would run every "
        "submission on your own account, by `sysdesign grade ASSIGNMENT --trust-submissions`.",
    )


def described(rung: Isolation) -> str:
    """Return the name of a rung, and why none above it is used."""
    above = tuple(takewhile(lambda each: each.name != rung.name, LADDER))
    return f"{rung.name} ({_reasons(above)})" if above else rung.name


def _reasons(rungs: tuple[Isolation, ...]) -> str:
    return "; ".join(f"{each.name}: {each.unusable()}" for each in rungs)
