"""One verdict in the making: the systems under check, and each check judged in turn."""

from __future__ import annotations

import contextlib
import random
import sys
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_sysdesign import yaml_file
from jupyter_sysdesign.control.models import CheckResult, Status
from jupyter_sysdesign.environment.source import Source
from jupyter_sysdesign.environment.spec import load_spec
from jupyter_sysdesign.environment.status import State
from jupyter_sysdesign.errors import SysdesignError, UnavailableError
from jupyter_sysdesign.grading import blame, reasons, verdict
from jupyter_sysdesign.grading.blame import Finding
from jupyter_sysdesign.grading.checks import Context
from jupyter_sysdesign.grading.deadline import DeadlineExceeded, deadline, held
from jupyter_sysdesign.grading.outcome import CannotTell, Outcome
from jupyter_sysdesign.grading.submission import RejectedError, UnreadableError, rebuild
from jupyter_sysdesign.grading.system import System, derive
from jupyter_sysdesign.grading.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from jupyter_sysdesign.control.client import ControlClient
    from jupyter_sysdesign.curriculum.catalogue import Lesson
    from jupyter_sysdesign.grading.checks import Check

_START_S = 180.0  # a template may have to be built first
_MIGRATE_S = 180.0
_SETTLED = (State.READY, State.DEGRADED, State.FAILED, State.STOPPED)


class NotRunningError(Exception):
    """A system could not be brought up; the finding says whose fault it is."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.why)
        self.finding = finding


class Session:
    """The learner's system rebuilt, a pristine one when a check asks for it, and the checks.

    Args:
        client: holds the lease under which everything is started.
        seed: the held-out seed.
        folder: scratch folder for the rebuilt workspaces.
        started: called with ``submission`` or ``pristine`` and the environment's id.
        waits: called with the id of a check that waits until another one has measured.
    """

    def __init__(
        self,
        client: ControlClient,
        lesson: Lesson,
        seed: int,
        folder: Path,
        *,
        started: Callable[[str, str], None],
        waits: Callable[[str], None],
    ) -> None:
        self._client = client
        self._lesson = lesson
        self._seed = seed
        self._folder = folder
        self._started = started
        self._waits = waits
        self._turns = Turns()
        self._made: list[str] = []
        self._submission: System | None = None
        self._pristine: System | None = None
        self._compared = False  # whether the check that is made asked for the pristine one
        self._attempts = 0
        self._refused: list[str] = []
        self._reached: Mapping[str, list[str]] = {}
        self._broken: Finding | None = None
        traffic = lesson.environment / "load.yaml"
        self._profiles: Mapping[str, object] = (
            yaml_file.read(traffic).data["profiles"] if traffic.is_file() else {}
        )

    def open(self, submitted: Path) -> None:
        """Rebuild what was submitted and start it, migrations applied.

        Raises:
            NotRunningError: with whose fault it is.
        """
        workspace = self._folder / "submission"
        try:
            edited = rebuild(self._lesson, submitted, workspace, self._refused.append)
        except RejectedError as error:
            raise NotRunningError(Finding(Status.FAILED, str(error))) from error
        except UnreadableError as error:
            raise NotRunningError(Finding(Status.UNKNOWN, str(error))) from error
        except OSError as error:
            finding = Finding(Status.UNKNOWN, f"No room to rebuild the system: {error.strerror}")
            raise NotRunningError(finding) from error
        spec = load_spec(self._source(workspace))
        self._reached = blame.owners(spec, edited)
        self._submission = self._start("submission", workspace)
        if any(each.kind == "postgres" for each in spec.services.values()):
            self._migrate(self._submission)

    def run(self, check: Check) -> CheckResult:
        """Make one check and judge what came of it."""
        system = self._submission
        if system is None:
            raise RuntimeError("The session is not open.")
        # First whose fault it is that something does not run: what did not heal says less.
        before = blame.fallen(system, self._reached) or self._broken
        if before is not None:
            return verdict.not_made(check, self._readable(before))
        self._compared = False
        result = self._make(check, system)
        passed = result.status is Status.PASSED
        cause = None if passed else blame.behind(system, self._reached)
        lost = self._lost_comparison(passed)
        if cause is None and lost is not None:
            result = verdict.not_made(check, lost)
        elif cause is not None and (
            cause.status is Status.UNKNOWN or result.measured == verdict.NOT_MEASURED
        ):
            result = verdict.not_made(check, self._readable(cause))
        self._heal(system)
        return result

    def close(self) -> None:
        """Remove every environment that was made."""
        for system in (self._submission, self._pristine):
            if system is not None:
                system.close()
        self._delete(self._made)

    def _make(self, check: Check, system: System) -> CheckResult:
        system.begin()
        try:
            with self._turn(check), deadline(check.deadline_s):
                if check.fresh:
                    system.reset()
                return verdict.judged(check, self._outcome(check, system))
        except DeadlineExceeded:
            finding = _overtime(check, system.waited_s())
            self._recover(system.settle)
        except Exception as error:  # noqa: BLE001 (whatever it is: it is judged, and written down)
            traceback.print_exc(file=sys.stderr)
            finding = blame.of_error(error) or self._odd(check, error)
        return verdict.not_made(check, self._explained(finding, system))

    def _turn(self, check: Check) -> contextlib.AbstractContextManager[None]:
        if not check.timed:
            return contextlib.nullcontext()
        return self._turns.taken(lambda: self._waits(check.id))

    def _outcome(self, check: Check, system: System) -> Outcome:
        context = Context(
            seed=derive(self._seed, check.id),
            random=random.Random(derive(self._seed, check.id)),  # noqa: S311 (traffic, no secret)
            system=system,
            workspace=self._folder / "submission",
            refused=tuple(self._refused),
            _pristine=self._untouched,
        )
        outcome = check(context)
        if not isinstance(outcome, Outcome):
            raise CannotTell(f"The check {check.id} returned no outcome.")
        return outcome

    def _odd(self, check: Check, error: Exception) -> Finding:
        """Judge an error in the check's own code: does it happen with the pristine system too?"""
        said = f"{type(error).__name__}: {error}"
        request = "" if self._submission is None else self._submission.last_refused()
        if isinstance(error, blame.SHAPE_ERRORS):
            try:
                with deadline(check.deadline_s):
                    self._outcome(check, self._untouched())
            except (Exception, DeadlineExceeded):  # noqa: BLE001 (the same judgement either way)
                traceback.print_exc(file=sys.stderr)
            else:
                odd = f"Your system answers something else than the system it began as ({said})."
                return Finding(Status.FAILED, request or odd)
        return Finding(Status.UNKNOWN, f"The check {check.id} itself is broken ({said}).")

    def _explained(self, finding: Finding, system: System) -> Finding:
        """Add what the service says of a request it failed to answer."""
        finding = self._readable(finding)
        if finding.status is not Status.FAILED or not system.last_refused():
            return finding
        try:
            lines = [str(each["line"]) for each in self._client.logs(system.id, tail=200).lines]
        except SysdesignError:
            return finding
        raised = reasons.last_exception(lines)
        if not raised or raised in finding.why:
            return finding
        return replace(finding, why=f"{finding.why} The log says: {raised}")

    def _readable(self, finding: Finding) -> Finding:
        """Name the learner's files as the learner knows them."""
        folder = f"{self._folder}/submission/"
        evidence = {
            key: value.replace(folder, "") if isinstance(value, str) else value
            for key, value in finding.evidence.items()
        }
        return replace(finding, why=finding.why.replace(folder, ""), evidence=evidence)

    def _lost_comparison(self, passed: bool) -> Finding | None:
        """Return why what the check compared with says nothing, and forget it; None: it does."""
        if self._pristine is None or not self._compared:
            return None
        waits = not passed or blame.ends_unnoticed(self._pristine)
        cause = (blame.behind if waits else blame.fallen)(self._pristine, {})
        if cause is None or cause.status is not Status.UNKNOWN:
            return None
        self._forget(self._pristine)
        return replace(cause, why=f"The system to compare with: {cause.why}")

    def _recover(self, how: Callable[[], None]) -> None:
        try:
            with deadline(_START_S):
                how()
        except (Exception, DeadlineExceeded) as error:  # noqa: BLE001 (judged below)
            found = blame.of_error(error) if isinstance(error, Exception) else None
            self._broken = found or Finding(
                Status.UNKNOWN, f"The system did not recover after a check: {error}"
            )

    def _heal(self, system: System) -> None:
        self._recover(system.heal)
        if self._pristine is None:
            return
        try:
            with deadline(_START_S):
                self._pristine.settle()
                self._pristine.heal()
        except (Exception, DeadlineExceeded):  # noqa: BLE001 (the next check gets another one)
            traceback.print_exc(file=sys.stderr)
            self._forget(self._pristine)

    def _forget(self, pristine: System) -> None:
        self._pristine = None
        pristine.close()
        self._delete([pristine.id])

    def _untouched(self) -> System:
        self._compared = True
        if self._pristine is not None:
            return self._pristine
        before = len(self._made)
        self._attempts += 1
        workspace = self._folder / f"pristine-{self._attempts}"
        try:
            rebuild(self._lesson, None, workspace)
            system = self._start("pristine", workspace)
            self._client.apply(system.id)
            self._pristine = system
        except (NotRunningError, OSError, SysdesignError) as error:
            raise CannotTell(f"The system to compare with did not start: {error}") from error
        finally:
            if self._pristine is None:  # the next check that asks for it gets another one
                self._delete(self._made[before:])
        return self._pristine

    def _delete(self, environments: list[str]) -> None:
        for environment in environments:
            with contextlib.suppress(SysdesignError):  # the end of the lease removes it as well
                self._client.delete(environment)

    def _start(self, name: str, workspace: Path) -> System:
        with held():  # whatever is made is known, and removed
            made = self._client.create_environment(str(workspace), purpose="check")
            self._made.append(made.id)
            self._started(name, made.id)
        try:
            status = self._client.wait(made.id, _SETTLED, _START_S)
        except UnavailableError as error:
            raise NotRunningError(Finding(Status.UNKNOWN, error.message)) from error
        if status.state is not State.READY:
            raise NotRunningError(self._readable(blame.not_started(status, self._reached)))
        return System(self._client, status, seed=self._seed, profiles=self._profiles)

    def _migrate(self, system: System) -> None:
        try:
            with deadline(_MIGRATE_S):
                self._client.apply(system.id)
        except DeadlineExceeded:
            finding = Finding(
                Status.FAILED, f"Your migrations did not finish within {_MIGRATE_S:g} s."
            )
        except SysdesignError as error:
            finding = blame.of_error(error) or Finding(Status.UNKNOWN, error.message)
        else:
            system.note(system.status())
            return
        raise NotRunningError(blame.behind(system, self._reached) or finding)

    def _source(self, workspace: Path) -> Source:
        lesson = self._lesson
        return Source(lesson.id, lesson.environment, workspace, tuple(lesson.file.editable))


def _overtime(check: Check, waited_s: float) -> Finding:
    limit = f"within its {check.deadline_s:g} s"
    if waited_s > check.deadline_s / 2:
        return Finding(
            Status.FAILED,
            f"The check did not finish {limit}: your system kept it waiting for {waited_s:.0f} s.",
        )
    return Finding(Status.UNKNOWN, f"The check did not finish {limit}.")
