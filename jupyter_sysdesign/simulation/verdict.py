"""What a run comes to: passed, failed with the rule that broke, or unknown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Status: TypeAlias = Literal["passed", "failed", "unknown"]


@dataclass(frozen=True)
class Rule:
    """One promise of a protocol.

    Attributes:
        id: its name in files.
        title: its name in the paper, where it has one.
        source: where it stands.
        words: what it says.
    """

    id: str
    title: str
    source: str
    words: str


@dataclass(frozen=True)
class Violation:
    """A rule that a run broke, or a bound it ran into.

    Attributes:
        rule: which.
        why: what was seen, in a sentence.
        at_us: when.
        event: the sequence number of the event that showed it; 0 at the end of a run.
        nodes: who was involved.
    """

    rule: Rule
    why: str
    at_us: int = 0
    event: int = 0
    nodes: tuple[int | str, ...] = ()


class RuleBroken(Exception):  # noqa: N818 (a verdict, not an error)
    """Ends a run at the event that shows a broken rule."""

    def __init__(self, rule: Rule, why: str, *nodes: int | str) -> None:
        super().__init__(f"{rule.title}: {why}")
        self.rule = rule
        self.why = why
        self.nodes = nodes


class NodeFailed(Exception):  # noqa: N818 (a verdict, not an error)
    """Ends a run because a node's own code raised.

    Attributes:
        what: it raised.
        refused: because it did what the judge does not allow.
    """

    def __init__(self, node: int | str, what: str, *, refused: bool = False) -> None:
        super().__init__(what)
        self.node = node
        self.what = what
        self.refused = refused


class BudgetSpent(Exception):  # noqa: N818 (a verdict, not an error)
    """Ends a run of which nothing can be said: it has more events than it was given, or ``why``."""

    def __init__(self, why: str = "") -> None:
        super().__init__(why)
        self.why = why


#: Rules of the simulator itself, for every protocol.
NO_EXCEPTION = Rule(
    "no-exception",
    "Handlers do not raise",
    "the simulator",
    "A node's code handles every event; an exception would have ended the process.",
)
PROGRESS = Rule(
    "progress",
    "Progress after the last fault",
    "Raft (extended), §5.6",
    "Once every node runs and messages arrive in time, a leader is elected and clients are served.",
)
MESSAGE_BUDGET = Rule(
    "message-budget",
    "No more messages than needed",
    "Raft (extended), §5.3",
    "Agreement takes one round of messages to the followers, not a flood.",
)
DETERMINISM = Rule(
    "determinism",
    "The same seed gives the same run",
    "the simulator",
    "A node uses no clock, chance or state but its own: otherwise a bug cannot be seen twice.",
)
LINEARIZABILITY = Rule(
    "linearizability",
    "Linearizability",
    "Herlihy and Wing (1990), §2; Raft (extended), §8",
    "Each operation seems to happen at one moment between its call and its answer.",
)
LIMITS = Rule(
    "limits",
    "Within the limits of a run",
    "the judge",
    "A node's code stays inside its process, its time and its memory.",
)


@dataclass(frozen=True)
class Outcome:
    """What one run came to.

    Attributes:
        status: ``unknown`` where neither can be said: a bound was reached.
        violation: what broke, if it failed; the bound, if it is unknown.
        events: handled.
        sent: messages.
        figures: further counts of the protocol, e.g. ``operations``.
    """

    status: Status
    violation: Violation | None
    events: int
    sent: int
    figures: dict[str, int] = field(default_factory=dict)
