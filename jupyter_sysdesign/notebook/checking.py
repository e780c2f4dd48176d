"""``lesson.check()``: is it fixed? Results as they come, then the verdict."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.control.calls import listed
from jupyter_sysdesign.control.listening import Listener
from jupyter_sysdesign.control.models import CheckResult, EventType, Status, Verdict
from jupyter_sysdesign.errors import ConflictError, SysdesignError
from jupyter_sysdesign.notebook.connection import unknown
from jupyter_sysdesign.notebook.output import ShownOnce
from jupyter_sysdesign.notebook.rendering import verdict as rendering
from jupyter_sysdesign.notebook.view import View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_sysdesign.control.models import Event
    from jupyter_sysdesign.notebook.connection import Connection


class VerdictResult(ShownOnce):
    """What was decided about the learner's fix.

    Attributes:
        verdict: everything, as it stands in the API.
    """

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict

    @property
    def status(self) -> str:
        """Return ``passed``, ``failed`` or ``unknown`` (it could not be checked)."""
        return self.verdict.status.value

    @property
    def passed(self) -> bool:
        """Tell whether every check holds."""
        return self.verdict.status is Status.PASSED

    @property
    def checks(self) -> dict[str, CheckResult]:
        """Return the results by check id."""
        return {check.id: check for check in self.verdict.checks}

    @property
    def points(self) -> float:
        """Return the points reached."""
        return self.verdict.points

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return rendering.as_text(self.verdict, [])

    def _repr_html_(self) -> str:
        return rendering.as_html(self.verdict, [])


def check(
    connection: Connection, *, seed: int | None = None, only: Sequence[str] | str | None = None
) -> VerdictResult:
    """Check the workspace's files on a fresh system and return the verdict.

    Raises:
        ConflictError: it is being checked already.
        NotFoundError: no check of that id.
        InvalidRequestError: ``only`` is neither an id nor a list of them.
    """
    status = connection.status()
    if status is None:
        status = connection.client.create_environment(connection.workspace.folder, start=False)
    if only is not None:
        only = [only] if isinstance(only, str) else listed("only", only)
        _known(connection, only)
    since = time.time()
    props = {**connection.props(), "since": since}
    view = View("verdict", props, connection=connection)
    view.show()
    results: list[dict[str, Any]] = []

    def hear(event: Event) -> None:
        if event.ts < since:
            return
        if event.type is EventType.CHECK_RESULT:
            results.append(event.data)
            view.snapshot = {"results": list(results)}
        if event.type in {EventType.CHECK_WAITS, EventType.CHECK_RESULT, EventType.VERDICT}:
            view.tell([event.model_dump(mode="json")])

    with Listener(connection.client, connection.environment, status.last_seq, hear):
        try:
            decided = connection.client.check(connection.environment, seed, only)
        except KeyboardInterrupt:
            raise ConflictError(
                "You stopped waiting; the check itself goes on.",
                hint="Its verdict will stand in the panel. lesson.check() starts a new one then.",
            ) from None
        except SysdesignError as error:
            # Where one is under way already, its results and its verdict come all the same.
            if not isinstance(error, ConflictError):
                view.snapshot = {"results": results, "ended": True}
                view.settle()
            raise
    view.snapshot = {"results": results, "verdict": decided.model_dump(mode="json")}
    view.settle()
    result = VerdictResult(decided)
    result.mark_shown()
    return result


def _known(connection: Connection, only: Sequence[str]) -> None:
    declared = connection.client.checks(connection.environment).declared
    for each in only:
        if each not in declared:
            raise unknown("check", each, declared)
