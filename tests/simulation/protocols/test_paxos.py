from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign.simulation.explore import Bounds, explore
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.protocols.paxos.messages import Ballot, PaxosProbe, Proposal
from jupyter_sysdesign.simulation.protocols.paxos.multi import MultiPaxos
from jupyter_sysdesign.simulation.protocols.paxos.mutants import GALLERY, SYNOD_GALLERY
from jupyter_sysdesign.simulation.protocols.paxos.rules import RULES, PaxosRules
from jupyter_sysdesign.simulation.protocols.paxos.suite import PAXOS, SYNOD
from jupyter_sysdesign.simulation.protocols.paxos.synod import Synod
from jupyter_sysdesign.simulation.units import MS
from jupyter_sysdesign.simulation.verdict import LIMITS, LINEARIZABILITY, MESSAGE_BUDGET, RuleBroken
from jupyter_sysdesign.simulation.world import Simulation

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.judge.gallery import Gallery
    from jupyter_sysdesign.simulation.judge.suite import Suite
    from jupyter_sysdesign.simulation.node import Node

BOTH = [(SYNOD, Synod, SYNOD_GALLERY), (PAXOS, MultiPaxos, GALLERY)]
KILLERS = [
    (suite, server, gallery, each) for suite, server, gallery in BOTH for each in suite.killers
]


@pytest.mark.parametrize(
    ("suite", "server", "scenario", "seeds"),
    [(SYNOD, Synod, each, 60) for each in SYNOD.scenarios]
    + [(PAXOS, MultiPaxos, each, 8) for each in PAXOS.scenarios],
    ids=lambda each: getattr(each, "name", ""),
)
def test_the_reference_passes(suite: Suite, server: type[Node], scenario, seeds: int):
    for seed in range(seeds):
        plan = scenario.plan(seed)
        assert Plan.from_json(plan.as_json()) == plan
        outcome = play(plan, server, suite.bench)
        assert outcome.status == "passed", (seed, outcome)
        assert outcome.figures["answered"] > 0


@pytest.mark.parametrize(
    ("suite", "server", "gallery", "killer"),
    KILLERS,
    ids=[f"{suite.name}-{each.bug}" for suite, _, _, each in KILLERS],
)
def test_a_stored_run_kills_its_mutant_and_nobody_else(suite, server, gallery: Gallery, killer):
    mutant = gallery[killer.bug]
    outcome = play(killer.plan, mutant.server, suite.bench)
    assert outcome.status == "failed"
    assert outcome.violation is not None
    assert outcome.violation.rule.id == killer.rule
    assert killer.rule in mutant.shown_by
    assert play(killer.plan, server, suite.bench).status == "passed"


@pytest.mark.parametrize(("suite", "server", "gallery"), BOTH, ids=["synod", "paxos"])
def test_every_mutant_has_its_stored_run_and_says_what_is_wrong(suite, server, gallery: Gallery):
    assert {each.bug for each in suite.killers} == set(gallery)
    assert len(gallery) >= 8
    known = {each.id for each in (*RULES, LINEARIZABILITY, MESSAGE_BUDGET, LIMITS)}
    for mutant in gallery.values():
        assert mutant.mistake.endswith(".")
        assert mutant.shown_by <= known
        assert issubclass(mutant.server, server)


def _duel(servers: int) -> Plan:
    """Two servers that are asked for different values at once."""
    return Plan.from_json(
        {
            "seed": 1,
            "servers": servers,
            "duration_us": 200 * MS,
            "workload": {"clients": 0},
            "faults": [
                {"kind": "command", "target": server, "arguments": {"value": value}}
                for server, value in ((1, "red"), (2, "blue"))
            ],
        }
    )


def _explored(server: type[Node]):
    """Go through every order of events of a duel, its requests being the first of them."""

    class Asked(server):  # type: ignore[misc, valid-type]
        def on_start(self) -> None:
            super().on_start()
            if self.ctx.id in (1, 2):
                self.wanted = ("red", "blue")[self.ctx.id - 1]
                self.propose()

    plan = _duel(3)
    calm = Plan(1, servers=3, duration_us=plan.duration_us, workload=plan.workload)
    return explore(calm, Asked, SYNOD.bench, Bounds(depth=9, states=15_000, timeouts=0))


def test_no_order_of_a_duel_breaks_a_rule():
    found = _explored(Synod)
    assert found.violation is None or found.violation.rule is LIMITS
    assert found.states > 1_000


def test_some_order_of_a_duel_shows_who_proposes_its_own_value():
    found = _explored(SYNOD_GALLERY["accepts-anything"].server)
    assert found.status == "failed"
    assert found.violation is not None
    assert found.violation.rule.id == "promise-kept"
    assert found.story


def test_a_value_is_chosen_before_anybody_knows_and_outlives_its_proposer():
    dies = {"kind": "crash", "at_us": 26 * MS, "target": 1}
    asks = [
        {"kind": "command", "at_us": at * MS, "target": server, "arguments": {"value": value}}
        for at, server, value in ((10, 1, "red"), (100, 5, "blue"))
    ]
    plan = Plan.from_json(
        {
            "seed": 4,
            "duration_us": 400 * MS,
            "workload": {"clients": 0},
            "faults": [asks[0], dies, asks[1]],
        }
    )
    world = SYNOD.bench.build(plan, Synod)
    world.start()
    world.run(90 * MS)
    assert all(not world.probe(name).chosen for name in (2, 3, 4, 5))
    assert sum("red" in each for each in _accepted(world)) == 2  # and S1, which is down
    world.run(plan.duration_us)
    assert [world.probe(name).chosen for name in (2, 3, 4, 5)] == [{1: "red"}] * 4


def _accepted(world: Simulation) -> list[list[str]]:
    return [[each.value for each in world.probe(name).accepted.values()] for name in (2, 3, 4, 5)]


# The rules by themselves: shown what a server never should show -------------------------------


class Shown:
    """A world of five servers that show what the test wants."""

    def __init__(self) -> None:
        world = Simulation(0)
        for name in range(1, 6):
            world.add(name, Synod)
        self.rules = PaxosRules(world)

    def show(self, name: int, promised, accepted=None, chosen=None, role: str = "acceptor") -> None:
        proposals = {
            slot: Proposal(Ballot(*ballot), value)
            for slot, (ballot, value) in (accepted or {}).items()
        }
        probe = PaxosProbe(role, Ballot(*promised), proposals, chosen or {})
        self.rules.observe(name, probe)

    def breaks(self, rule: str, *probe, **more) -> None:
        with pytest.raises(RuleBroken) as broken:
            self.show(*probe, **more)
        assert broken.value.rule.id == rule


def test_a_promise_that_goes_back():
    them = Shown()
    them.show(1, (3, 2))
    them.breaks("promise-kept", 1, (3, 1))


def test_accepting_below_a_promise():
    them = Shown()
    them.show(1, (3, 2))
    them.breaks("promise-kept", 1, (3, 2), {1: ((2, 5), "red")})


def test_forgetting_what_was_accepted_or_taking_a_lower_one():
    them = Shown()
    them.show(1, (3, 2), {1: ((3, 2), "red")})
    them.breaks("accepted-kept", 1, (3, 2), {})
    them.breaks("accepted-kept", 1, (3, 2), {1: ((2, 1), "red")})


def test_two_values_under_one_number():
    them = Shown()
    them.show(1, (1, 1), {1: ((1, 1), "red")})
    them.breaks("one-proposal", 2, (1, 1), {1: ((1, 1), "blue")})


def test_another_value_after_one_was_chosen():
    them = Shown()
    for name in (1, 2, 3):
        them.show(name, (1, 1), {1: ((1, 1), "red")})
    them.breaks("highest-accepted", 5, (2, 5), {1: ((2, 5), "blue")})


def test_another_value_is_right_while_a_majority_has_accepted_nothing():
    them = Shown()
    them.show(1, (1, 1), {1: ((1, 1), "red")})
    them.show(2, (1, 1), {1: ((1, 1), "red")})
    them.show(5, (2, 5), {1: ((2, 5), "blue")})
    # Now only blue can be chosen: red's majority would need one who promised 2.5.
    them.show(4, (2, 5), {1: ((2, 5), "blue")})
    them.show(3, (2, 5), {1: ((2, 5), "blue")})
    them.breaks("highest-accepted", 1, (3, 1), {1: ((3, 1), "red")})


def test_believing_what_nobody_has_chosen():
    them = Shown()
    them.show(1, (1, 1), {1: ((1, 1), "red")})
    them.breaks("learned", 1, (1, 1), {1: ((1, 1), "red")}, {1: "red"})
    for name in (2, 3):
        them.show(name, (1, 1), {1: ((1, 1), "red")})
    them.show(3, (1, 1), {1: ((1, 1), "red")}, {1: "red"})
    them.breaks("learned", 2, (1, 1), {1: ((1, 1), "red")}, {1: "blue"})


@pytest.mark.parametrize(
    "nonsense",
    ["acceptor", ("acceptor", (1, 1), {}, {}), PaxosProbe("king", Ballot(0, 0), {}, {}),
     PaxosProbe("acceptor", 7, {}, {}), PaxosProbe("acceptor", Ballot(0, 0), {1: "red"}, {})],
)  # fmt: skip
def test_what_is_no_probe_says_so(nonsense):
    with pytest.raises(RuleBroken) as broken:
        Shown().rules.observe(1, nonsense)
    assert broken.value.rule.id == "probe"
