"""Runs of one environment: one at a time, the finished ones kept on disk to compare with."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import time
import uuid
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from jupyter_sysdesign.control.models import EventType, KeptAnswer, MetricSeries, Run, RunTick
from jupyter_sysdesign.errors import ConflictError, NotFoundError, SysdesignError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from jupyter_sysdesign.control.events import EventStream
    from jupyter_sysdesign.control.recorder import Recorder
    from jupyter_sysdesign.load.profile import Profile
    from jupyter_sysdesign.load.target import Target

log = logging.getLogger(__name__)

_MOST_KEPT = 30


class _Details(BaseModel):
    """What is too much for a list of runs; in a file of its own."""

    ticks: list[RunTick]
    metrics: MetricSeries
    answers: list[KeptAnswer] | None = None


class Runs:
    """The runs of one environment.

    Args:
        instance: id of the instance under load.
        folder: where finished runs are kept; made with the first one.
        events: gets the ticks and the end of each run.
        recorder: has the metrics sampled meanwhile.
        settle: called when a run is kept, before anybody hears of its end.
    """

    def __init__(
        self,
        instance: str,
        folder: Path,
        events: EventStream,
        recorder: Recorder,
        settle: Callable[[], Awaitable[None]],
    ) -> None:
        self._instance = instance
        self._folder = folder
        self._events = events
        self._recorder = recorder
        self._settle = settle
        self._finished = {run.id: run for run in _load(folder)}
        self._current: Run | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    def start(
        self,
        name: str,
        profile: Profile,
        target: Target,
        seed: int,
        scale: float,
        *,
        keep: int = 0,
    ) -> Run:
        """Begin a run and return at once; ``keep`` so many of its answers.

        Raises:
            ConflictError: one is going on.
        """
        if self._current is not None:
            raise ConflictError(
                f"Run {self._current.id} ({self._current.profile}) is still going",
                hint="Wait for its end, or stop it.",
            )
        run = Run(
            id=uuid.uuid4().hex[:12],
            profile=name,
            seed=seed,
            scale=scale,
            traffic=_digest(profile),
            state="running",
            started_at=time.time(),
        )
        self._current = run
        self._stopping = asyncio.Event()
        self._task = asyncio.create_task(
            self._execute(run, profile, target, keep=keep), name=f"run {run.id}"
        )
        return _without_details(run)

    def list(self) -> list[Run]:
        """Return all runs, oldest first, without ticks and metrics."""
        current = [] if self._current is None else [self._current]
        runs = sorted(self._finished.values(), key=lambda run: run.started_at)
        return [_without_details(run) for run in (*runs, *current)]

    async def get(self, run_id: str) -> Run:
        """Return one run with its ticks, metrics and answers.

        Raises:
            NotFoundError: there is none of that id.
        """
        if self._current is not None and self._current.id == run_id:
            current = self._current
            series = self._recorder.series(current.started_at)
            return current.model_copy(update={"ticks": list(current.ticks), "metrics": series})
        return await asyncio.to_thread(self.read, run_id)

    def read(self, run_id: str) -> Run:
        """Return a run that has ended as ``get`` does. Thread-safe; reads a file.

        Raises:
            NotFoundError: there is none of that id.
        """
        run = self._ended(run_id)
        try:
            text = self._details_file(run_id).read_text()
            details = _Details.model_validate_json(text)
        except (OSError, ValidationError):
            return run
        return run.model_copy(update=dict(details))

    async def stop(self, run_id: str) -> Run:
        """End a run early and return it.

        Raises:
            NotFoundError: there is none of that id.
            ConflictError: it has ended already.
        """
        if self._current is None or self._current.id != run_id:
            raise ConflictError(f"Run {self._ended(run_id).id} has ended already")
        if self._task is not None:
            self._stopping.set()
            await asyncio.wait([self._task])
        return _without_details(self._finished[run_id])

    def give_up(self) -> None:
        """Begin to end what is going on, if anything is."""
        self._stopping.set()

    async def stop_all(self) -> None:
        """End what is going on; returns when the load engine is gone and the run is kept."""
        while self._task is not None:  # who sees the end of one may begin the next
            self._stopping.set()
            await asyncio.wait([self._task])

    async def _execute(self, run: Run, profile: Profile, target: Target, *, keep: int) -> None:
        # Imported late: an idle control plane does without it.
        from jupyter_sysdesign.load.run import run as generate  # noqa: PLC0415

        def tick(one: RunTick) -> None:
            run.ticks.append(one)
            self._events.emit(EventType.RUN_TICK, one.model_dump(mode="json"))

        answers: list[KeptAnswer] = []
        try:
            run.summary = await generate(
                profile,
                target,
                seed=run.seed,
                scale=run.scale,
                run_id=run.id,
                on_tick=tick,
                stop=self._stopping,
                instance=self._instance,
                keep=keep,
                on_answer=answers.append,
            )
            run.answers = answers if keep else None
            run.state = "stopped" if self._stopping.is_set() else "done"
        except SysdesignError as error:
            run.state, run.reason = "failed", error.message
        except Exception:
            log.exception("run %s", run.id)
            run.state, run.reason = "failed", "The load engine ended unexpectedly"
        await self._finish(run)

    async def _finish(self, run: Run) -> None:
        run.metrics = self._recorder.series(run.started_at)
        try:
            self._keep(run)
            self._finished[run.id] = _without_details(run)
        except OSError as error:
            log.exception("run %s could not be kept", run.id)
            self._forget(run.id)
            if run.summary is not None:
                why = f"This run will not be there in later sessions: {error.strerror or error}."
                warning = f"{run.summary.warning} {why}".strip()
                run.summary = run.summary.model_copy(update={"warning": warning})
            self._finished[run.id] = run  # for as long as we are there
        kept = _without_details(run)
        self._current = self._task = None
        await self._settle()
        self._events.emit(EventType.RUN_DONE, kept.model_dump(mode="json"))

    def _ended(self, run_id: str) -> Run:
        if run_id not in self._finished:
            raise NotFoundError(f"There is no run {run_id!r}")
        return self._finished[run_id]

    def _keep(self, run: Run) -> None:
        self._folder.mkdir(exist_ok=True)
        metrics = run.metrics or MetricSeries(ts=[], values={})
        details = _Details(ticks=run.ticks, metrics=metrics, answers=run.answers)
        self._details_file(run.id).write_text(details.model_dump_json())
        # Its appearance under this name says that the run is complete.
        part = self._folder / f"{run.id}.part"
        part.write_text(_without_details(run).model_dump_json())
        part.replace(self._folder / f"{run.id}.json")
        oldest = sorted(self._finished.values(), key=lambda one: one.started_at)
        # The first of each profile is what questions compare with, however often it is run again.
        first: dict[str, str] = {}
        for each in oldest:
            if each.state == "done":
                first.setdefault(each.profile, each.id)
        others = [each for each in oldest if each.id not in first.values()]
        for old in others[: max(0, len(oldest) + 1 - _MOST_KEPT)]:
            (self._folder / f"{old.id}.json").unlink(missing_ok=True)
            self._details_file(old.id).unlink(missing_ok=True)
            del self._finished[old.id]

    def _forget(self, run_id: str) -> None:
        """Delete what was written of a run that could not be kept."""
        for file in (self._details_file(run_id), self._folder / f"{run_id}.part"):
            with contextlib.suppress(OSError):
                file.unlink()

    def _details_file(self, run_id: str) -> Path:
        return self._folder / f"{run_id}.details"


def _digest(profile: Profile) -> str:
    """Return what two profiles share that ask for the same, whatever they are called."""
    asked = profile.model_dump(mode="json", exclude={"description"})
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def _without_details(run: Run) -> Run:
    return run.model_copy(update={"ticks": [], "metrics": None, "answers": None})


def _load(folder: Path) -> list[Run]:
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(Run.model_validate_json(path.read_text()))
        except (OSError, ValidationError):  # noqa: PERF203 (one damaged file hides no other)
            log.warning("%s cannot be read", path)
    return found
