"""``lesson.load(profile)``: run it, show it live, wait for its end."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.control.listening import Listener
from jupyter_sysdesign.control.models import EventType
from jupyter_sysdesign.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    SysdesignError,
    UnavailableError,
)
from jupyter_sysdesign.notebook.connection import unknown
from jupyter_sysdesign.notebook.run import RunResult
from jupyter_sysdesign.notebook.starting import ensure_running
from jupyter_sysdesign.notebook.view import View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.control.models import Event, Run
    from jupyter_sysdesign.notebook.connection import Connection

#: How long to trust the event stream before asking for the run itself.
_ASK_S = 1.0
#: As many ticks as a view keeps.
_SNAPSHOT_TICKS = 600
_CPU = (".cpu_cores", ".cpu_quota_cores")


def load(
    connection: Connection, profile: str | Mapping[str, Any], *, seed: int, scale: float
) -> RunResult:
    """Run a profile to its end and return it; an interrupted cell stops it and keeps what there is.

    Raises:
        NotFoundError: no profile of that name.
        InvalidFileError: load.yaml is wrong.
        InvalidRequestError: seed or scale out of range, or a profile that makes no sense.
        ConflictError: another run is going on.
    """
    _check(connection, profile, seed, scale)
    ensure_running(connection, say_degraded=True)
    status = connection.status()
    run = _started(connection, profile, seed, scale)
    try:
        props = {**connection.props(), "run": run.id, "profile": run.profile}
        view = View("run", props, {"run": run.model_dump(mode="json")}, connection=connection)
        view.show()
    except BaseException:  # a run that nobody watches would be in the way of the next one
        _stop(connection, run.id)
        raise
    ended = threading.Event()

    def hear(event: Event) -> None:
        if event.type in {EventType.RUN_TICK, EventType.METRIC_SAMPLE, EventType.RUN_DONE}:
            view.tell([event.model_dump(mode="json")])
        if event.type is EventType.RUN_DONE and event.data.get("id") == run.id:
            ended.set()

    after = status.last_seq if status else 0
    try:
        with Listener(connection.client, connection.environment, after, hear):
            try:
                finished = _finish(connection, run.id, ended)
            except KeyboardInterrupt:
                finished = _stop(connection, run.id)
    except BaseException as error:
        reason = str(error) or "This cell ended before the run did."
        lost = run.model_copy(update={"state": "failed", "reason": reason})
        view.snapshot = {"run": lost.model_dump(mode="json")}
        view.settle()
        raise
    view.snapshot = {"run": kept(finished).model_dump(mode="json")}
    view.settle()
    if finished.state == "failed":
        raise ConflictError(
            f"The load could not be run: {finished.reason}",
            hint="lesson.logs() shows what the services said.",
        )
    result = RunResult(finished)
    result.mark_shown()
    return result


def _check(
    connection: Connection, profile: str | Mapping[str, Any], seed: object, scale: object
) -> None:
    if not hasattr(profile, "keys"):
        names = connection.profiles()
        if not isinstance(profile, str):
            raise InvalidRequestError(
                f"A profile is a name, not {type(profile).__name__}.",
                hint=f"For example lesson.load({(names or ['browse'])[0]!r}).",
            )
        if profile not in names:
            raise unknown("profile", profile, names)
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise InvalidRequestError(f"seed must be a whole number from 0 up, not {seed!r}.")
    if not isinstance(scale, (int, float)) or isinstance(scale, bool) or scale <= 0:
        raise InvalidRequestError(f"scale must be a number above 0, not {scale!r}.")


def _started(
    connection: Connection, profile: str | Mapping[str, Any], seed: int, scale: float
) -> Run:
    """Begin a run; an interrupt waits for it to have begun, and ends it."""
    answer: Future[Run] = Future()

    def ask() -> None:
        try:
            answer.set_result(
                connection.client.start_run(connection.environment, profile, seed, scale)
            )
        except BaseException as error:  # noqa: BLE001 (raised where it is waited for)
            answer.set_exception(error)

    def stop(begun: Future[Run]) -> None:
        with contextlib.suppress(SysdesignError):
            _stop(connection, begun.result().id)

    asking = threading.Thread(target=ask, name="sysdesign-start", daemon=True)
    asking.start()
    try:
        return answer.result()
    except KeyboardInterrupt:
        answer.add_done_callback(stop)  # by who asks: another interrupt ends our waiting only
        asking.join()
        raise


def _finish(connection: Connection, run_id: str, ended: threading.Event) -> Run:
    """Return the run once it is over; a broken event stream delays this by a second at most."""
    try:
        while True:
            ended.wait(_ASK_S)
            # Without what was measured, which takes time to send, and would be measured too.
            runs = connection.client.runs(connection.environment)
            if not any(each.id == run_id and each.state == "running" for each in runs):
                return connection.client.run(connection.environment, run_id)
    except NotFoundError:
        raise UnavailableError(
            "The run was lost: the program that runs the systems was restarted.",
            hint="Run this cell again. Your files and answers are where they were.",
        ) from None


def _stop(connection: Connection, run_id: str) -> Run:
    with contextlib.suppress(ConflictError):  # it ended in this very moment
        connection.client.stop_run(connection.environment, run_id)
    return connection.client.run(connection.environment, run_id)


def kept(run: Run) -> Run:
    """Return as much of a run as its view draws: every so many ticks, and of the metrics the CPU.

    The last tick is one of them: it tells how long the run was.
    """
    step = -(-len(run.ticks) // _SNAPSHOT_TICKS) or 1
    metrics = run.metrics
    if metrics is not None:
        cpu = {name: each for name, each in metrics.values.items() if name.endswith(_CPU)}
        metrics = metrics.model_copy(update={"values": cpu})
    ticks = run.ticks[::-1][::step][::-1]
    return run.model_copy(update={"ticks": ticks, "metrics": metrics})
