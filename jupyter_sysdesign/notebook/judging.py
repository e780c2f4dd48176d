"""``judge()``: thousands of runs against a learner's server, and the smallest that it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.notebook.branches import Branches
from jupyter_sysdesign.notebook.connection import unknown
from jupyter_sysdesign.notebook.output import ShownOnce, Slot, text_and_html
from jupyter_sysdesign.notebook.rendering import judgement as rendering
from jupyter_sysdesign.notebook.simulating import SimulationView
from jupyter_sysdesign.simulation import judge as court
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.protocols.raft.suite import RAFT
from jupyter_sysdesign.simulation.server_file import loaded
from jupyter_sysdesign.simulation.units import MS
from jupyter_sysdesign.simulation.verdict import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.judge import Report
    from jupyter_sysdesign.simulation.judge.suite import Suite
    from jupyter_sysdesign.simulation.node import Node
    from jupyter_sysdesign.simulation.server_file import Server

#: The view opens so long before the rule breaks.
_BEFORE_US = 60 * MS


class Judgement(ShownOnce):
    """What was decided about a server.

    Attributes:
        report: everything.
        view: the smallest run that shows what is wrong; None where nothing is, or it cannot be
            shown.
    """

    def __init__(self, report: Report, view: SimulationView | None) -> None:
        self.report = report
        self.view = view

    @property
    def status(self) -> str:
        """Return ``passed``, ``failed`` or ``unknown``."""
        return self.report.status

    @property
    def passed(self) -> bool:
        """Tell whether every run was as it must be."""
        return self.report.status == "passed"

    @property
    def points(self) -> int:
        """Return the points reached."""
        return self.report.points

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return str(self.report)

    def _repr_html_(self) -> str:
        return rendering.as_html(self.report)


def judge(
    server: Server,
    *,
    suite: Suite = RAFT,
    only: Sequence[str] | str = (),
    seeds: int = 30,
    seconds: float = 300.0,
) -> Judgement:
    """Judge a server by the scenarios of a protocol, and show the smallest run of what it fails.

    Args:
        server: your class, or the file it stands in.
        suite: the protocol's scenarios.
        only: names of scenarios, or one; all if empty.
        seeds: runs of each.
        seconds: how long it may take; what is not done by then is unknown.

    Raises:
        NotFoundError: no scenario of that name.
        InvalidRequestError: no run at all.
        InvalidFileError: the file is not as Python wants it.
    """
    names = [each.name for each in suite.scenarios]
    only = [only] if isinstance(only, str) else only
    for name in only:
        if name not in names:
            raise unknown("scenario", name, names)
    if seeds < 1:
        raise InvalidRequestError(f"{seeds} runs show nothing")
    made = loaded(server)
    slot = Slot()
    waiting = f"Judging {getattr(made, '__name__', 'your server')} …"
    slot.show(text_and_html(waiting, rendering.waiting(waiting)))
    try:
        report = court.judge(made, suite, seeds=seeds, seconds=seconds, only=only)
        view = _smallest(report, made, suite)
    except BaseException:
        undecided = "It was not judged."
        slot.update(text_and_html(undecided, rendering.waiting(undecided)))
        raise
    # The view, if there is one, tells the story itself.
    shown = rendering.as_html(report, story=view is None)
    slot.update(text_and_html(str(report), shown))
    if view is not None:
        view.show()
    result = Judgement(report, view)
    result.mark_shown()
    return result


def _smallest(
    report: Report, server: Callable[[Context], Node], suite: Suite
) -> SimulationView | None:
    """Return the run that the story tells of.

    One that ran out of its limits is not played here: in this kernel nothing would end it.
    """
    if report.plan is None or any(
        each.failure is not None and each.failure.rule == LIMITS.id for each in report.scenarios
    ):
        return None
    branches = Branches(Plan.from_json(report.plan), server, suite.bench, name="The failure")
    broken = branches.first.outcome.violation
    if broken is None:
        return None
    return SimulationView(
        branches,
        title=f"Where it breaks: {broken.rule.title}",
        subtitle=f"{report.server}, made as small as it will go",
        start_us=max(broken.at_us - _BEFORE_US, 0),
        reveal=True,
    )
