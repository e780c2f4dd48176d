"""Two-phase and three-phase commit, their rules, and what each of them cannot do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign.simulation.clients import Workload
from jupyter_sysdesign.simulation.faults import Fault, Trigger
from jupyter_sysdesign.simulation.judge import judge
from jupyter_sysdesign.simulation.narration import narrate
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.protocols.commit.messages import Change, CommitProbe
from jupyter_sysdesign.simulation.protocols.commit.mutants import (
    THREE_PHASE_MUTANTS,
    TWO_PHASE_MUTANTS,
)
from jupyter_sysdesign.simulation.protocols.commit.rules import RULES, CommitRules
from jupyter_sysdesign.simulation.protocols.commit.suite import THREE_PHASE, TWO_PHASE
from jupyter_sysdesign.simulation.protocols.commit.three_phase import ThreePhase
from jupyter_sysdesign.simulation.protocols.commit.two_phase import TwoPhase
from jupyter_sysdesign.simulation.trace import Trace
from jupyter_sysdesign.simulation.units import MS, S
from jupyter_sysdesign.simulation.verdict import MESSAGE_BUDGET, RuleBroken
from jupyter_sysdesign.simulation.world import Simulation

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.judge.gallery import Gallery
    from jupyter_sysdesign.simulation.judge.suite import Killer, Scenario, Suite
    from jupyter_sysdesign.simulation.node import Node

BOTH = ((TWO_PHASE, TwoPhase, TWO_PHASE_MUTANTS), (THREE_PHASE, ThreePhase, THREE_PHASE_MUTANTS))


@pytest.mark.parametrize(
    ("suite", "server", "scenario"),
    [(suite, server, each) for suite, server, _ in BOTH for each in suite.scenarios],
    ids=lambda each: getattr(each, "name", ""),
)
def test_the_reference_passes(suite: Suite, server: type[Node], scenario: Scenario):
    figures = []
    for seed in range(20):
        outcome = play(scenario.plan(seed), server, suite.bench)
        assert outcome.status == "passed", (seed, outcome)
        figures.append(outcome.figures)
    assert sum(each["committed"] for each in figures) > 0
    assert sum(each["aborted"] for each in figures) > 0


@pytest.mark.parametrize(
    ("suite", "server", "gallery", "killer"),
    [(*of, each) for of in BOTH for each in of[0].killers],
    ids=lambda each: getattr(each, "bug", ""),
)
def test_a_stored_run_kills_its_mutant_and_nobody_else(
    suite: Suite, server: type[Node], gallery: Gallery, killer: Killer
):
    mutant = gallery[killer.bug]
    outcome = play(killer.plan, mutant.server, suite.bench)
    assert outcome.status == "failed"
    assert outcome.violation is not None
    assert outcome.violation.rule.id == killer.rule
    assert killer.rule in mutant.shown_by
    assert play(killer.plan, server, suite.bench).status == "passed"


def test_every_mutant_has_its_stored_run_and_says_what_is_wrong():
    known = {each.id for each in (*RULES, MESSAGE_BUDGET)}
    for suite, _, gallery in BOTH:
        assert {each.bug for each in suite.killers} == set(gallery)
        assert len(gallery) >= 6
        for mutant in gallery.values():
            assert mutant.mistake.endswith(".")
            assert mutant.shown_by <= known
        assert sum(each.points for each in suite.scenarios) == 100


@pytest.mark.parametrize("suite", [TWO_PHASE, THREE_PHASE], ids=lambda each: each.name)
def test_plans_survive_being_written_down(suite: Suite):
    for scenario in suite.scenarios:
        for seed in (0, 1, 2, 12345678901):
            plan = scenario.plan(seed)
            assert Plan.from_json(plan.as_json()) == plan == scenario.plan(seed)


# What they cannot do -------------------------------------------------------------------------

ONE = Workload(clients=1, keys=1, operations=1, start_us=1 * MS, think_us=1 * MS)


def after(on: str, *faults: Fault) -> tuple[Trigger, ...]:
    return (Trigger(on, faults),)


def test_two_phases_block_when_the_coordinator_dies_before_it_tells():
    dies = after("decided", Fault("crash", 0, 1))
    plan = Plan(1, servers=3, duration_us=3 * S, workload=ONE, triggers=dies)
    strict = Plan.from_json({**plan.as_json(), "options": {"non_blocking": True}})
    assert play(plan, TwoPhase, TWO_PHASE.bench).status == "passed"
    outcome = play(strict, TwoPhase, TWO_PHASE.bench)
    assert outcome.violation is not None
    assert outcome.violation.rule.id == "non-blocking"
    assert "blocked at “yes”" in outcome.violation.why
    assert play(strict, ThreePhase, THREE_PHASE.bench).status == "passed"


def test_they_go_on_when_it_comes_back():
    dies = after("decided", Fault("crash", 0, 1, 1 * S))
    plan = Plan(1, servers=3, duration_us=3 * S, calm_us=2 * S, workload=ONE, triggers=dies)
    outcome = play(plan, TwoPhase, TWO_PHASE.bench)
    assert outcome.status == "passed"
    assert outcome.figures["answered"] == 1


def test_three_phases_split_when_the_network_is_cut():
    found = []
    for seed in range(20):
        cut = (Trigger("promised", (Fault("partition", 0, 1, 1 * S, {"with": 1}),), skip=1),)
        plan = Plan(seed, servers=4, duration_us=3 * S, calm_us=2 * S, workload=ONE, triggers=cut)
        assert play(plan, TwoPhase, TWO_PHASE.bench).status == "passed"
        outcome = play(plan, ThreePhase, THREE_PHASE.bench)
        if outcome.violation is not None:
            found.append(outcome.violation.rule.id)
    assert "agreement" in found
    assert set(found) <= {"agreement"}


def test_a_run_is_told_in_words():
    trace = Trace()
    plan = Plan(1, servers=3, duration_us=1 * S, workload=ONE)
    story = "\n".join(narrate(trace.lines, play(plan, TwoPhase, TWO_PHASE.bench, trace=trace)))
    assert "c1 wants c1.1" in story
    assert "S2 votes yes on c1.1, and may no longer decide by itself, on Prepare from S1" in story
    assert "S1 commits c1.1, on Vote" in story


def test_the_judge_finds_and_tells_a_mutant():
    report = judge(TWO_PHASE_MUTANTS["impatient"].server, TWO_PHASE, seeds=3)
    assert report.status == "failed"
    assert report.failure is not None
    assert report.failure.rule == "agreement"
    assert any("votes yes" in each for each in report.story)
    report = judge(TwoPhase, TWO_PHASE, seeds=2)
    assert (report.status, report.points) == ("passed", 100), str(report)


# The rules by themselves: shown what a server never should show --------------------------------


class Shown:
    """A world whose servers show what the test wants."""

    def __init__(self, *, troubled: bool = False) -> None:
        world = Simulation(0)
        for name in (1, 2, 3):
            world.add(name, TwoPhase, options={"opening": {}})
        self.rules = CommitRules(world, troubled=troubled)
        changes = (Change(2, "k0", -5), Change(3, "k0", 5))
        self.rules.listen("began", None, {"tx": "t", "participants": (2, 3), "changes": changes})

    def show(self, name: int, state: str | None, balance: int = 100) -> None:
        states = {} if state is None else {"t": state}
        self.rules.observe(name, CommitProbe("participant", states, {"k0": balance}))

    def breaks(self, rule: str, name: int, state: str | None, balance: int = 100) -> None:
        with pytest.raises(RuleBroken) as broken:
            self.show(name, state, balance)
        assert broken.value.rule.id == rule


def test_two_decisions():
    them = Shown(troubled=True)
    them.show(2, "yes")
    them.show(3, "abort")
    them.breaks("agreement", 2, "commit")


def test_a_decision_taken_back_or_forgotten():
    them = Shown(troubled=True)
    them.show(2, "abort")
    them.breaks("stability", 2, None)
    them = Shown(troubled=True)
    them.show(2, "abort")
    them.breaks("stability", 2, "commit")


def test_a_commit_without_a_vote():
    them = Shown()
    them.show(2, "yes")
    them.breaks("unanimity", 1, "commit")


def test_an_abort_without_a_reason():
    them = Shown()
    them.show(2, "yes")
    them.show(3, "yes")
    them.breaks("not-in-vain", 1, "abort")
    them = Shown(troubled=True)
    them.show(2, "yes")
    them.show(3, "yes")
    them.show(1, "abort")


def test_an_overdrawn_account():
    them = Shown()
    them.breaks("money", 2, "yes", -1)


def test_what_is_no_probe_says_so():
    them = Shown()
    for probe in (None, "yes", ("participant", {}), ("participant", 3, {}), ("participant", {}, 3)):
        with pytest.raises(RuleBroken, match="shows"):
            them.rules.observe(2, probe)
    them.breaks("probe", 2, "perhaps")
