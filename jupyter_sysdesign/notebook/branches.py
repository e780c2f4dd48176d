"""The branches of a simulated run: the same plan with one thing changed from a moment on.

A branch is played from its plan, not from what is in memory: the plan decides everything, so up to
the change both runs are the same, and the branch can be kept, judged and told like any other run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.simulation.faults import Fault
from jupyter_sysdesign.simulation.narration import narrate
from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.trace import header
from jupyter_sysdesign.simulation.unfolding import Unfolding

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import Node
    from jupyter_sysdesign.simulation.plan import Plan
    from jupyter_sysdesign.simulation.play import Bench
    from jupyter_sysdesign.simulation.verdict import Outcome

#: With more of them, nobody finds one; the oldest goes.
_MOST = 8
_LONGEST_US = 3_600_000_000


@dataclass(frozen=True)
class Branch:
    """One run.

    Attributes:
        id: grows by one.
        name: what is different in it.
        parent: the branch it comes from; None for the first.
        at_us: where it leaves its parent.
        plan: the run as data.
        outcome: what it came to.
        trace: as JSON Lines, with the states of its nodes.
        story: in words.
    """

    id: int
    name: str
    parent: int | None
    at_us: int
    plan: Plan
    outcome: Outcome
    trace: str
    story: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return what the frontend needs of it."""
        return {
            "id": self.id,
            "name": self.name,
            "parent": self.parent,
            "at_us": self.at_us,
            "trace": self.trace,
        }


class _Strike(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Literal["crash", "pause", "isolate", "cut", "command"]
    target: int
    lasts_us: Annotated[int, Field(ge=1, le=_LONGEST_US)] | None = None
    arguments: dict[Literal["to"], int] = {}


class _Request(BaseModel):
    """What the frontend asks for (``labextension/src/widget/simulation/branch.ts``)."""

    model_config = ConfigDict(extra="forbid")

    of: int
    name: Annotated[str, Field(min_length=1, max_length=120)]
    at_us: Annotated[int, Field(ge=0, le=_LONGEST_US)]
    lose: tuple[int | str, int | str, int] | None = None
    faults: Annotated[list[_Strike], Field(max_length=64)] = []


class Branches:
    """All branches of one run.

    Args:
        plan: of the first.
        server: makes each server.
        bench: of the protocol.
        name: of the first.
    """

    def __init__(
        self,
        plan: Plan,
        server: Callable[[Context], Node],
        bench: Bench,
        *,
        name: str = "As it was",
    ) -> None:
        self._server = server
        self._bench = bench
        self.all = [self._played(0, name, None, 0, plan)]

    @property
    def first(self) -> Branch:
        """The run that everything began with."""
        return self.all[0]

    def fork(self, request: object) -> Branch:
        """Play what the frontend asks for, and keep it.

        Raises:
            InvalidRequestError: it makes no sense; nothing has changed then.
        """
        try:
            asked = _Request.model_validate(request)
        except ValidationError as error:
            first = error.errors()[0]
            raise InvalidRequestError(
                f"this is no change to a run: {first['msg']} ({first['loc']})"
            ) from error
        parent = next((each for each in self.all if each.id == asked.of), None)
        if parent is None:
            raise InvalidRequestError(f"there is no branch {asked.of} any more")
        number = max(each.id for each in self.all) + 1
        plan = _changed(parent.plan, asked)
        made = self._played(number, asked.name, parent.id, asked.at_us, plan)
        if len(self.all) >= _MOST:
            oldest = next(each for each in self.all[1:] if each.id != parent.id)
            self.all.remove(oldest)
        self.all.append(made)
        return made

    def _played(self, number: int, name: str, parent: int | None, at_us: int, plan: Plan) -> Branch:
        trace = Unfolding()
        trace.header = header(plan, self._server)
        outcome = play(plan, self._server, self._bench, trace=trace)
        story = tuple(narrate(trace.lines, outcome))
        return Branch(number, name, parent, at_us, plan, outcome, trace.write(), story)


def _changed(plan: Plan, asked: _Request) -> Plan:
    if asked.lose is not None:
        return replace(plan, lost=(*plan.lost, asked.lose))
    if not asked.faults:
        raise InvalidRequestError("nothing is to be changed")
    servers = range(1, plan.servers + plan.spares + 1)
    for each in asked.faults:
        if each.target not in servers:
            raise InvalidRequestError(f"there is no server {each.target}")
        if each.kind == "cut" and each.arguments.get("to") not in servers:
            raise InvalidRequestError("a link needs both its ends")
    faults = tuple(
        Fault(
            each.kind,
            asked.at_us,
            each.target,
            each.lasts_us,
            {str(name): end for name, end in each.arguments.items()},
        )
        for each in asked.faults
    )
    return replace(plan, faults=(*plan.faults, *faults))
