"""``simulate()``: play one run of a protocol and show it, to go through it and to change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.errors import InvalidRequestError, SysdesignError
from jupyter_sysdesign.notebook.branches import Branches
from jupyter_sysdesign.notebook.view import View
from jupyter_sysdesign.simulation.clients import Workload
from jupyter_sysdesign.simulation.network import Network
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.protocols.raft.server import Raft
from jupyter_sysdesign.simulation.protocols.raft.suite import RAFT
from jupyter_sysdesign.simulation.server_file import loaded
from jupyter_sysdesign.simulation.units import MS, S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_sysdesign.simulation.faults import Fault
    from jupyter_sysdesign.simulation.judge.suite import Suite
    from jupyter_sysdesign.simulation.server_file import Server
    from jupyter_sysdesign.simulation.verdict import Outcome

#: Longer runs are for the judge: nobody looks through them by hand.
_LONGEST_S = 10.0
_MOST_SERVERS = 9


class SimulationView(View):
    """A run to play, rewind and change; each change is a branch beside it.

    Args:
        branches: the run, already played.
        title: above it.
        subtitle: beside the title.
        start_us: the moment it opens at.
        reveal: show what comes and how it ends; else that stays unknown until it is reached.
    """

    def __init__(
        self,
        branches: Branches,
        *,
        title: str,
        subtitle: str = "",
        start_us: int = 0,
        reveal: bool = False,
    ) -> None:
        self.branches = branches
        props = {"title": title, "subtitle": subtitle, "start_us": start_us, "reveal": reveal}
        super().__init__("simulation", props, self._state(), connection=None)

    @property
    def outcome(self) -> Outcome:
        """What the run came to."""
        return self.branches.first.outcome

    @property
    def plan(self) -> Plan:
        """The run as data; ``simulate(plan=…)`` plays it again."""
        return self.branches.first.plan

    @property
    def story(self) -> list[str]:
        """What happened, in words."""
        return list(self.branches.first.story)

    @property
    def trace(self) -> str:
        """The run as JSON Lines."""
        return self.branches.first.trace

    def receive(self, content: object) -> None:
        """Play the change that was asked for; what makes no sense is said, and changes nothing."""
        if not isinstance(content, dict) or "branch" not in content:
            return
        try:
            self.branches.fork(content["branch"])
        except SysdesignError as error:
            self.snapshot = {**self._state(), "problem": {"message": error.message}}
        else:
            self.snapshot = self._state()

    def _state(self) -> dict[str, Any]:
        told = [
            {**each.as_json(), "story": list(each.story), "status": each.outcome.status}
            for each in self.branches.all
        ]
        return {"branches": told}


def simulate(
    server: Server = Raft,
    *,
    seed: int = 1,
    servers: int = 5,
    seconds: float = 2.0,
    clients: int = 1,
    faults: Sequence[Fault] = (),
    network: Network | None = None,
    plan: Plan | None = None,
    suite: Suite = RAFT,
    title: str = "",
    start_ms: float = 0.0,
    reveal: bool = False,
) -> SimulationView:
    """Play a run and show it.

    Args:
        server: the class of every server, or the file it stands in.
        seed: decides everything that is chance.
        servers: how many there are, at most 9.
        seconds: how long the run is, in simulated time; at most 10.
        clients: how many ask for something.
        faults: what goes wrong, when; more can be added by clicking.
        network: its conditions.
        plan: a whole run instead of all of the above.
        suite: the protocol.
        title: above the picture.
        start_ms: the moment it opens at.
        reveal: show at once how it ends.

    Raises:
        InvalidRequestError: a number outside its bounds.
        NotFoundError, InvalidFileError: see ``server_file.loaded``.
    """
    if not 1 <= servers <= _MOST_SERVERS:
        raise InvalidRequestError(
            f"{servers} servers are not 1 to {_MOST_SERVERS}", hint="Five show everything."
        )
    if not 0 < seconds <= _LONGEST_S:
        raise InvalidRequestError(
            f"{seconds:g} seconds are not between 0 and {_LONGEST_S:g}",
            hint="judge() plays long runs, and opens the part of one that matters.",
        )
    if clients < 0:
        raise InvalidRequestError(f"there cannot be {clients} clients")
    made = loaded(server)
    if plan is None:
        plan = Plan(
            seed,
            servers=servers,
            duration_us=round(seconds * S),
            network=network or Network(),
            workload=Workload(clients=clients, start_us=350 * MS),
            faults=tuple(faults),
        )
    view = SimulationView(
        Branches(plan, made, suite.bench),
        title=title or getattr(made, "__name__", "Run"),
        subtitle=f"{plan.servers} servers, seed {plan.seed}",
        start_us=round(start_ms * MS),
        reveal=reveal,
    )
    view.show()
    return view
