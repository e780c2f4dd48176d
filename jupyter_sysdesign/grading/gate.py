"""The gate every lesson passes before it ships: its own checks, checked.

(a) the untouched system fails, for the stated reasons; (b) the reference solution passes, N of N;
(c) every cheat fails the check meant for it; (d) every alternative passes; (e) a database (where
there is none, a cache) killed during the check gives unknown, never failed; a lesson in which
neither runs has nothing to kill.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.control.client import ControlClient
from jupyter_sysdesign.control.models import Status, Verdict
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.environment.source import Source
from jupyter_sysdesign.environment.spec import load_spec
from jupyter_sysdesign.errors import SysdesignError
from jupyter_sysdesign.grading import overlay
from jupyter_sysdesign.grading.loading import load_checks
from jupyter_sysdesign.grading.process import run_checker
from jupyter_sysdesign.grading.submission import scratch, sweep
from jupyter_sysdesign.load.profile import FILE, load_profiles

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from jupyter_sysdesign.curriculum.catalogue import Lesson
    from jupyter_sysdesign.grading.overlay import Overlay

#: What is shown to hold, by kind of variant.
CLAIMS = {
    "untouched": "untouched_fails",
    "reference": "reference_passes",
    "cheat": "cheats_fail",
    "alternative": "alternatives_pass",
    "infrastructure": "infrastructure_unknown",
}


#: What is killed: the first of these kinds that the lesson has.
_KILLED = {"postgres": "database", "valkey": "cache"}
#: What decides is counted, not timed, so that two of them fit on the smallest machine.
_SIDE_BY_SIDE = 2
#: A machine that had no time for a check may have it now: learners are told to try again, too.
_TRIES = 2


@dataclass
class Attempt:
    """One verdict that was asked for; kept whatever came of it."""

    seed: int
    duration_s: float
    verdict: Verdict | None
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it for the record."""
        checks = []
        if self.verdict is not None:
            fields = {"id", "status", "measured", "required", "why", "points"}
            checks = [each.model_dump(mode="json", include=fields) for each in self.verdict.checks]
        return {
            "seed": self.seed,
            "duration_s": round(self.duration_s, 3),
            "status": self.verdict.status.value if self.verdict else "unknown",
            "reason": self.verdict.reason if self.verdict else self.error,
            "checks": checks,
        }


@dataclass
class Variant:
    """One claim about one variant of the lesson's system, and whether it held each time.

    Attributes:
        problems: why it did not hold; empty: it did.
    """

    kind: str
    name: str
    expected: str
    attempts: list[Attempt] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Whether each was as expected, undecided ones when tried again (none is no proof)."""
        return bool(self.attempts) and not self.problems

    def as_json(self) -> dict[str, Any]:
        """Return it for the record."""
        return {
            "kind": self.kind,
            "name": self.name,
            "expected": self.expected,
            "held": self.held,
            "problems": self.problems,
            "attempts": [each.as_json() for each in self.attempts],
        }


@dataclass
class GateResult:
    """What the gate found.

    Attributes:
        infrastructure: whether a database or a cache runs in the lesson, and so could be killed.
    """

    lesson: str
    variants: list[Variant]
    duration_s: float
    infrastructure: bool = True

    @property
    def gate(self) -> dict[str, bool | None]:
        """Return each claim and whether it holds; one that was never tried does not.

        None: the lesson has nothing that could be tried.
        """
        held: dict[str, bool | None] = {
            claim: any(each.kind == kind for each in self.variants)
            and all(each.held for each in self.variants if each.kind == kind)
            for kind, claim in CLAIMS.items()
        }
        if not self.infrastructure:
            held[CLAIMS["infrastructure"]] = None
        return held

    @property
    def passed(self) -> bool:
        """Whether all claims hold."""
        return all(held is not False for held in self.gate.values())

    def as_json(self) -> dict[str, Any]:
        """Return the document of ``sysdesign verify --json``."""
        return {
            "lesson": self.lesson,
            "passed": self.passed,
            "gate": self.gate,
            "duration_s": round(self.duration_s, 3),
            "variants": [each.as_json() for each in self.variants],
        }


def verify(
    lesson: Lesson, repeat: int = 1, progress: Callable[[str], None] | None = None
) -> GateResult:
    """Run the gate; the reference solution ``repeat`` times. Each attempt has a seed of its own.

    Raises:
        InvalidFileError: ``compose.yaml``, ``load.yaml``, a variant or ``checks.py`` is wrong.
        UnavailableError: there is no control plane.
    """
    started = time.monotonic()
    say = progress or (lambda _: None)
    killed = _killed(lesson)
    traffic = lesson.environment / FILE
    if traffic.is_file():
        load_profiles(traffic, f"environments/{lesson.id}/{FILE}")
    reference = overlay.solution(lesson)
    others, cheats = overlay.alternatives(lesson), overlay.cheats(lesson)
    timed = {each.id for each in load_checks(lesson) if each.timed}
    sweep()
    with ControlClient(holder=f"verify:{uuid.uuid4().hex}") as client, scratch() as folder:
        client.info()  # from now on there is a control plane, and it stays as long as we do
        gate = _Gate(client, lesson, folder, say)
        gate.untouched()
        if reference is not None:
            gate.passes("reference", reference, repeat)
        for each in others:
            gate.passes("alternative", each, 1)
        gate.caught(cheats, timed)
        if killed and reference is not None:
            gate.infrastructure(reference, killed)
    return GateResult(lesson.id, gate.variants, time.monotonic() - started, bool(killed))


def _killed(lesson: Lesson) -> str:
    """Return the kind of service that the gate kills; empty: the lesson keeps no state in one."""
    pristine = lesson.environment
    spec = load_spec(Source(lesson.id, pristine, pristine, tuple(lesson.file.editable)))
    kinds = {each.kind for each in spec.services.values()}
    return next((kind for kind in _KILLED if kind in kinds), "")


class _Gate:
    def __init__(
        self, client: ControlClient, lesson: Lesson, folder: Path, say: Callable[[str], None]
    ) -> None:
        self.variants: list[Variant] = []
        self._client = client
        self._lesson = lesson
        self._folder = folder
        self._say = say

    def untouched(self) -> None:
        expected = {each.check: each.because for each in self._lesson.file.untouched.fails}
        variant = self._variant("untouched", "untouched", f"fails {', '.join(expected)}")

        def judge(verdict: Verdict) -> list[str]:
            problems = [
                f"there is no check {missing!r}"
                for missing in sorted(set(expected) - {each.id for each in verdict.checks})
            ]
            for each in verdict.checks:
                because = expected.get(each.id)
                if because is None and each.status is not Status.PASSED:
                    problems.append(f"{each.id} should pass, but {each.status.value}: {each.why}")
                elif because is not None and each.status is not Status.FAILED:
                    problems.append(f"{each.id} should fail, but {each.status.value}: {each.why}")
                elif because is not None and because.casefold() not in each.why.casefold():
                    problems.append(f"{each.id} fails, but not because {because!r}: {each.why}")
            return problems

        self._attempt(variant, None, judge)

    def passes(self, kind: str, each: Overlay, repeat: int) -> None:
        variant = self._variant(kind, each.name, f"passes {repeat} of {repeat}")

        def judge(verdict: Verdict) -> list[str]:
            return [
                f"{each.id} {each.status.value}: {each.why}"
                for each in verdict.checks
                if each.status is not Status.PASSED
            ] or ([] if verdict.status is Status.PASSED else [verdict.reason or "nothing passed"])

        for _ in range(repeat):
            self._attempt(variant, each, judge)

    def caught(self, cheats: Sequence[Overlay], timed: Collection[str]) -> None:
        """Side by side, but one by one where the check that must catch it is in ``timed``."""
        alone: list[tuple[Variant, Overlay, str]] = []
        beside: list[tuple[Variant, Overlay, str]] = []
        for each in cheats:
            check = each.cheat.check if each.cheat is not None else ""
            variant = self._variant("cheat", each.name, f"fails {check}")
            (alone if check in timed else beside).append((variant, each, check))
        pool = ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="cheat")
        try:
            for done in [pool.submit(self._caught, *one) for one in beside]:
                done.result()
        finally:
            pool.shutdown(cancel_futures=True)
        for one in alone:
            self._caught(*one)

    def _caught(self, variant: Variant, cheat: Overlay, check: str) -> None:
        def judge(verdict: Verdict) -> list[str]:
            if verdict.status is Status.FAILED and verdict.reason:
                return [f"it does not even run: {verdict.reason}"]
            return [
                f"{each.id} {each.status.value}: {each.why}"
                for each in verdict.checks
                if each.status is not Status.FAILED
            ] or ([] if verdict.checks else [verdict.reason])

        self._attempt(variant, cheat, judge, only=[check])

    def infrastructure(self, reference: Overlay, kind: str) -> None:
        name = f"{_KILLED[kind]} killed during the check"
        variant = self._variant("infrastructure", name, "unknown, nothing failed")
        killer = _Killer(self._client, kind)

        def judge(verdict: Verdict) -> list[str]:
            problems = [
                f"{each.id} failed: {each.why}"
                for each in verdict.checks
                if each.status is Status.FAILED
            ]
            if not killer.killed:
                problems.append(f"there was no {_KILLED[kind]} to kill")
            elif verdict.status is not Status.UNKNOWN and not problems:
                problems.append(f"the verdict is {verdict.status.value}")
            return problems

        self._attempt(variant, reference, judge, hear=killer.hear)

    def _variant(self, kind: str, name: str, expected: str) -> Variant:
        variant = Variant(kind, name, expected)
        self.variants.append(variant)
        return variant

    def _attempt(
        self,
        variant: Variant,
        files: Overlay | None,
        judge: Callable[[Verdict], list[str]],
        *,
        only: Sequence[str] | None = None,
        hear: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        heading = f"{self._lesson.id}  {variant.name}"

        def hear_all(said: dict[str, Any]) -> None:
            if "waits" in said:
                self._say(f"{heading}: {said['waits']} waits until another check has measured")
            if hear is not None:
                hear(said)

        for tries_left in reversed(range(_TRIES)):
            attempt = self._made(files, only, hear_all)
            variant.attempts.append(attempt)
            verdict = attempt.verdict
            problems = [attempt.error] if verdict is None else judge(verdict)
            if not (problems and tries_left and verdict and verdict.status is Status.UNKNOWN):
                break
            self._say(f"{heading}: {verdict.reason} Once more.")
        variant.problems += [f"seed {attempt.seed}: {problem}" for problem in problems]
        outcome = "as expected" if not problems else "NOT as expected"
        heading = f"{heading}: {outcome} ({variant.expected}), {attempt.duration_s:.1f} s"
        self._say("\n    ".join([heading, *problems]))

    def _made(
        self,
        files: Overlay | None,
        only: Sequence[str] | None,
        hear: Callable[[dict[str, Any]], None],
    ) -> Attempt:
        """Have a fresh workspace with these files checked."""
        seed, started = secrets.randbelow(2**63), time.monotonic()
        folder = self._folder / uuid.uuid4().hex[:8] / self._lesson.id
        verdict, error = None, ""
        try:
            if files is None:
                workspaces.create(self._lesson, folder)
            else:
                files.workspace(self._lesson, folder)
            verdict = run_checker(folder, seed, only=only, hear=hear)
        except SysdesignError as raised:
            error = raised.message
        return Attempt(seed, time.monotonic() - started, verdict, error)


class _Killer:
    """Kills services of the system under check, from outside, as its first check begins."""

    def __init__(self, client: ControlClient, kind: str) -> None:
        self.killed = False
        self._client = client
        self._kind = kind
        self._environment = ""

    def hear(self, said: dict[str, Any]) -> None:
        if said.get("environment", {}).get("role") == "submission":
            self._environment = said["environment"]["id"]
        if "running" in said and not self.killed:
            services = self._client.environment(self._environment).services
            for each in services:
                if each.kind == self._kind and each.pid is not None:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(each.pid, signal.SIGKILL)
                        self.killed = True
