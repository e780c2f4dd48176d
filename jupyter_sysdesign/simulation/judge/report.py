"""What the judge says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.values import plain

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.verdict import Status


@dataclass(frozen=True)
class Failure:
    """One run that failed, or whose end nobody knows.

    Attributes:
        rule: id of the rule that broke.
        title: its name in the paper.
        source: where it stands.
        words: what it says.
        why: what was seen.
        seed: of the run; None for a stored one.
        bug: the known bug whose stored run it is.
        plan: the run itself, as JSON.
        events: how many events it took.
    """

    rule: str
    title: str
    source: str
    words: str
    why: str
    seed: int | None
    bug: str
    plan: dict[str, Any] | None
    events: int

    @property
    def place(self) -> str:
        """Which run it was."""
        return f"the stored run “{self.bug}”" if self.bug else f"seed {self.seed}"


@dataclass
class ScenarioResult:
    """How one scenario went.

    Attributes:
        name, aim: the scenario's.
        max_points: what it is worth; all or nothing, because a rare bug is a bug.
        wanted: runs it should have had.
        passed: runs that passed.
        failure: the first run that failed; the scenario then ends.
        unknown: the first run of which nobody knows.
    """

    name: str
    aim: str
    max_points: int
    wanted: int
    passed: int = 0
    failure: Failure | None = None
    unknown: Failure | None = None

    @property
    def status(self) -> Status:
        """Passed only if every run was made and passed."""
        if self.failure is not None:
            return "failed"
        return "passed" if self.passed == self.wanted and self.wanted else "unknown"

    @property
    def points(self) -> int:
        """What it earned."""
        return self.max_points if self.status == "passed" else 0


@dataclass
class Report:
    """The verdict on one server.

    Attributes:
        server: the class's name.
        scenarios: each with its points.
        story: of one failure, made small, in words; empty if there is none.
        trace: that run as JSON Lines.
        plan: that run as a plan.
        seconds: how long it took.
        runs: how many runs were made.
    """

    server: str
    scenarios: list[ScenarioResult]
    story: list[str] = field(default_factory=list)
    trace: str = ""
    plan: dict[str, Any] | None = None
    seconds: float = 0.0
    runs: int = 0

    @property
    def status(self) -> Status:
        """Failed if any scenario failed, else unknown if any is, else passed."""
        statuses = {each.status for each in self.scenarios}
        if "failed" in statuses:
            return "failed"
        return "passed" if statuses == {"passed"} else "unknown"

    @property
    def points(self) -> int:
        """What all scenarios earned."""
        return sum(each.points for each in self.scenarios)

    @property
    def max_points(self) -> int:
        """What all scenarios are worth."""
        return sum(each.max_points for each in self.scenarios)

    @property
    def failure(self) -> Failure | None:
        """The failure that the story tells, or the first one."""
        return next((each.failure for each in self.scenarios if each.failure), None)

    def as_json(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {
            **plain(vars(self)),
            "status": self.status,
            "points": self.points,
            "max_points": self.max_points,
            "scenarios": [
                {**plain(vars(each)), "status": each.status, "points": each.points}
                for each in self.scenarios
            ],
        }

    def __str__(self) -> str:
        lines = [f"{self.server}: {self.status}, {self.points} of {self.max_points} points"]
        for each in self.scenarios:
            mark = {"passed": "✓", "failed": "✗", "unknown": "?"}[each.status]
            runs = f"{each.passed} of {each.wanted} runs passed"
            lines.append(f"  {mark} {each.name:<12} {each.points:>2}/{each.max_points:<2}  {runs}")
            found = each.failure or each.unknown
            if found is not None:
                lines.append(f"      {found.title}, in {found.place}: {found.why}")
                lines.append(f"      {found.source}: {found.words}")
        if self.story:
            lines += ["", "The smallest run that shows it:", *(f"  {each}" for each in self.story)]
        return "\n".join(lines)
