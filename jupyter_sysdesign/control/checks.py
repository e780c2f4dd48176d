"""Checks of a workspace: a process of its own decides, this relays what it says and cleans up."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import signal
import time
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from jupyter_sysdesign.control.models import (
    CheckResult,
    ChecksState,
    EventType,
    Status,
    Verdict,
)
from jupyter_sysdesign.environment.runtimes import choice
from jupyter_sysdesign.environment.status import State
from jupyter_sysdesign.errors import ConflictError, SysdesignError
from jupyter_sysdesign.interpreter import module_command

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Awaitable, Callable, Collection

    from jupyter_sysdesign.control.environment import Environment
    from jupyter_sysdesign.control.models import ChecksRequest

log = logging.getLogger(__name__)

_TIMEOUT_S = 900.0
_END_S = 10.0
_DRAIN_S = 5.0
_LINE_BYTES = 4 << 20


class _Going(NamedTuple):
    """A check under way, and the part of it that may be cut short: not its clean-up."""

    check: asyncio.Task[Verdict]
    running: asyncio.Task[str]


class Checks:
    """The checkers under way, at most one per workspace.

    Args:
        let_go: ends a holder, and returns when nothing is left of what only it kept alive.
    """

    def __init__(self, let_go: Callable[[str], Awaitable[None]]) -> None:
        self._let_go = let_go
        self._going: dict[str, _Going] = {}
        self._results: dict[str, list[CheckResult]] = {}
        self._last: dict[str, Verdict] = {}

    async def run(
        self,
        environment: Environment,
        request: ChecksRequest,
        declared: Collection[str],
        began: Callable[[asyncio.Task[str]], None],
    ) -> Verdict:
        """Return the verdict on the environment's workspace; its events tell how it comes about.

        Goes on when the caller is cancelled: the verdict is then only in the events and in
        progress. ``began`` is given what to cancel to end it.

        Raises:
            ConflictError: one is being checked already.
            NotFoundError: the environment was removed meanwhile.
        """
        environment.require_kept()
        if environment.id in self._going:
            raise ConflictError(
                f"{environment.id} is being checked", hint="Wait for the verdict, then try again."
            )
        # A browser shows it, and its numbers are exact up to here only.
        seed = request.seed if request.seed is not None else secrets.randbelow(2**53)
        checker = _Checker(environment, f"check:{uuid.uuid4().hex}")
        running = asyncio.create_task(checker.run(seed, request.only))
        began(running)
        whole = request.only is None or set(request.only) >= set(declared)
        check = asyncio.create_task(
            self._check(environment, checker, running, seed, whole=whole),
            name=f"check {environment.id}",
        )
        self._going[environment.id] = _Going(check, running)
        check.add_done_callback(lambda _: self._going.pop(environment.id, None))
        return await asyncio.shield(check)

    def state(self, environment: str, declared: list[str]) -> ChecksState:
        """Return what is decided so far: of the check under way, else of the last one."""
        going = environment in self._going
        last = self._last.get(environment)
        done = self._results.get(environment, []) if going else last.checks if last else []
        return ChecksState(declared=declared, going=going, results=done, verdict=last)

    @property
    def going(self) -> bool:
        """Tell whether any check is under way."""
        return bool(self._going)

    def cancel(self, environment: str) -> None:
        """Begin to end the check of an environment, if one is under way."""
        if (going := self._going.get(environment)) is not None:
            going.running.cancel()

    async def end(self, environment: str) -> None:
        """End the check of an environment, if one is under way; its verdict is unknown."""
        if (going := self._going.get(environment)) is not None:
            self.cancel(environment)
            await asyncio.wait([going.check])

    def stop_all(self) -> None:
        """End all checks; their verdicts are unknown. Safe to repeat."""
        for each in self._going.values():
            each.running.cancel()

    async def close(self) -> None:
        """End all checks and wait until nothing of them is left."""
        self.stop_all()
        if self._going:
            await asyncio.wait([each.check for each in self._going.values()])

    async def _check(
        self,
        environment: Environment,
        checker: _Checker,
        running: asyncio.Task[str],
        seed: int,
        *,
        whole: bool,
    ) -> Verdict:
        started_at = time.time()
        self._results[environment.id] = checker.results
        reason = ""
        try:
            reason = await asyncio.wait_for(running, _TIMEOUT_S)
        except asyncio.TimeoutError:
            reason = f"The check took longer than {_TIMEOUT_S / 60:g} minutes"
        except asyncio.CancelledError:
            reason = "The check was ended before it was done"
        except OSError as error:
            reason = f"The checker could not be started: {error.strerror}"
        finally:
            await checker.end()
            await self._let_go(checker.holder)
        verdict = checker.verdict or _unknown(environment, checker.results, seed, reason)
        took = time.time() - started_at
        verdict = verdict.model_copy(
            update={"started_at": started_at, "duration_s": took, "whole": whole}
        )
        verdict = await _with_drift(environment, verdict)
        self._last[environment.id] = verdict  # it can be read also where it cannot be noted
        await _note(environment, verdict)
        return verdict


class _Checker:
    """One checker process."""

    def __init__(self, environment: Environment, holder: str) -> None:
        self.holder = holder
        self.results: list[CheckResult] = []
        self.verdict: Verdict | None = None
        self._environment = environment
        self._process: Process | None = None

    async def run(self, seed: int, only: list[str] | None) -> str:
        """Relay what it says until it ends; return why there is no verdict, if there is none."""
        document = {
            "workspace": str(self._environment.source.workspace),
            "seed": seed,
            "only": only,
            "holder": self.holder,
        }
        errors = self._environment.folder / "checker.log"
        with errors.open("wb") as trace:
            self._process = await asyncio.create_subprocess_exec(
                *module_command("jupyter_sysdesign.grading.checker"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=trace,
                cwd=self._environment.folder,
                env={**os.environ, choice.VARIABLE: self._environment.instance.runs_on},
                start_new_session=True,
                limit=_LINE_BYTES,
            )
        assert self._process.stdin is not None  # noqa: S101 (both were asked for above)
        assert self._process.stdout is not None  # noqa: S101
        # The pipe stays open: its end tells the checker that the control plane has died.
        self._process.stdin.write(json.dumps(document).encode() + b"\n")
        with contextlib.suppress(ConnectionError):
            await self._process.stdin.drain()
        relaying = asyncio.create_task(self._relay(self._process.stdout))
        try:
            code = await self._process.wait()
            # Something it started may hold the pipe open; what the checker said is in it already.
            await asyncio.wait([relaying], timeout=_DRAIN_S)
        finally:
            relaying.cancel()
        if self.verdict is None:
            log.warning("the checker ended with %s: %s", code, _tail(errors.read_bytes()))
        return f"The checker ended unexpectedly (exit code {code})"

    async def end(self) -> None:
        """Make sure that nothing of it is left."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            _signal_group(process, signal.SIGTERM)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(process.wait(), _END_S)
        _signal_group(process, signal.SIGKILL)
        await process.wait()
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode != 0:  # it could not clean up by itself
            from jupyter_sysdesign.grading.submission import sweep  # noqa: PLC0415 (see app.py)

            await asyncio.to_thread(sweep)

    async def _relay(self, stdout: asyncio.StreamReader) -> None:
        async for line in stdout:
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            said: dict[str, Any] = json.loads(line)
            if "check" in said:
                result = CheckResult.model_validate(said["check"])
                self.results.append(result)
                self._emit(EventType.CHECK_RESULT, result.model_dump(mode="json"))
            elif "waits" in said:
                self._emit(EventType.CHECK_WAITS, {"check": str(said["waits"])})
            elif "verdict" in said:
                self.verdict = Verdict.model_validate(said["verdict"])
        except (ValueError, ValidationError, TypeError):
            log.warning("the checker said %r", line[:200])

    def _emit(self, kind: EventType, data: dict[str, Any]) -> None:
        self._environment.events.emit(kind, data)


async def _with_drift(environment: Environment, verdict: Verdict) -> Verdict:
    """Add what only the live system knows."""
    if environment.status.state in (State.READY, State.DEGRADED):
        try:
            drift = await environment.instance.drift()
            verdict = verdict.model_copy(update={"drift": drift})
        except SysdesignError as error:
            log.info("no drift of %s: %s", environment.id, error)
        except Exception:  # a verdict is one without it as well
            log.exception("no drift of %s", environment.id)
    return verdict


async def _note(environment: Environment, verdict: Verdict) -> None:
    """Put it into the learner's progress, and tell everybody.

    Raises:
        ResourceError: it cannot be written down; everybody is told all the same.
    """
    from jupyter_sysdesign.curriculum.answers import AnswersFile  # noqa: PLC0415 (see app.py)

    try:
        await asyncio.to_thread(AnswersFile(environment.source.workspace).record, verdict)
    finally:
        environment.events.emit(EventType.VERDICT, verdict.model_dump(mode="json"))


def _unknown(
    environment: Environment, results: list[CheckResult], seed: int, reason: str
) -> Verdict:
    return Verdict(
        lesson=environment.source.lesson,
        status=Status.UNKNOWN,
        checks=results,
        points=sum(result.points for result in results),
        max_points=sum(result.max_points for result in results),
        seed=seed,
        started_at=time.time(),
        duration_s=0,
        reason=reason,
    )


def _signal_group(process: Process, what: signal.Signals) -> None:
    # It leads a session, so this reaches what it started as well, also after its own end.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, what)


def _tail(text: bytes) -> str:
    return text.decode(errors="replace").strip()[-1000:]
