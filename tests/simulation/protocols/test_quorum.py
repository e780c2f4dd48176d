"""The quorum store: registers where it is told to be one, answers always where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.simulation.checkers import models
from jupyter_sysdesign.simulation.judge import judge
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.protocols.quorum import merkle
from jupyter_sysdesign.simulation.protocols.quorum.cluster import history
from jupyter_sysdesign.simulation.protocols.quorum.messages import Copy, StoreProbe, Version
from jupyter_sysdesign.simulation.protocols.quorum.mutants import QUORUM_MUTANTS
from jupyter_sysdesign.simulation.protocols.quorum.policy import Policy, ring
from jupyter_sysdesign.simulation.protocols.quorum.presets import PRESETS
from jupyter_sysdesign.simulation.protocols.quorum.replica import Replica
from jupyter_sysdesign.simulation.protocols.quorum.rules import RULES, StoreRules
from jupyter_sysdesign.simulation.protocols.quorum.suite import QUORUM
from jupyter_sysdesign.simulation.protocols.quorum.trial import cut_plan, table, trial
from jupyter_sysdesign.simulation.verdict import LINEARIZABILITY, RuleBroken
from jupyter_sysdesign.simulation.world import Simulation

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.judge.suite import Killer, Scenario


@pytest.mark.parametrize("scenario", QUORUM.scenarios, ids=lambda each: each.name)
def test_the_reference_passes(scenario: Scenario):
    for seed in range(16):
        outcome = play(scenario.plan(seed), Replica, QUORUM.bench)
        assert outcome.status == "passed", (seed, outcome)
        assert outcome.figures["answered"] > 0


def test_a_write_that_is_not_answered_at_the_end_may_have_been_read():
    (agreement,) = [each for each in QUORUM.scenarios if each.name == "agreement"]
    plan = agreement.plan(124)
    world = QUORUM.bench.build(plan, Replica)
    world.start()
    world.run(plan.duration_us)
    calls = history(world)
    open_ones = {each.value for each in calls if each.kind == "write" and each.returned is None}
    assert any(each.result in open_ones for each in calls if each.kind == "read" and each.happened)
    assert play(plan, Replica, QUORUM.bench).status == "passed"


@pytest.mark.parametrize("killer", QUORUM.killers, ids=lambda each: each.bug)
def test_a_stored_run_kills_its_mutant_and_nobody_else(killer: Killer):
    mutant = QUORUM_MUTANTS[killer.bug]
    outcome = play(killer.plan, mutant.server, QUORUM.bench)
    assert outcome.status == "failed"
    assert outcome.violation is not None
    assert outcome.violation.rule.id == killer.rule
    assert killer.rule in mutant.shown_by
    assert play(killer.plan, Replica, QUORUM.bench).status == "passed"


def test_every_mutant_has_its_stored_run_and_says_what_is_wrong():
    assert {each.bug for each in QUORUM.killers} == set(QUORUM_MUTANTS)
    assert len(QUORUM_MUTANTS) >= 5
    known = {each.id for each in (*RULES, LINEARIZABILITY)}
    for mutant in QUORUM_MUTANTS.values():
        assert mutant.mistake.endswith(".")
        assert mutant.shown_by <= known
    assert sum(each.points for each in QUORUM.scenarios) == 100


@pytest.mark.parametrize("scenario", QUORUM.scenarios, ids=lambda each: each.name)
def test_plans_survive_being_written_down(scenario: Scenario):
    plan = scenario.plan(7)
    assert Plan.from_json(plan.as_json()) == plan == scenario.plan(7)


def test_the_judge_finds_a_mutant():
    report = judge(QUORUM_MUTANTS["first-answer-wins"].server, QUORUM, seeds=2)
    assert report.failure is not None
    assert report.failure.rule == "linearizability"


# What a choice comes to ------------------------------------------------------------------------


def test_reads_that_need_not_meet_a_write_are_old():
    weak = trial(Policy(n=3, r=1, w=1, versions="clock", repair="after"), seeds=4, cut=False)
    assert weak.rest.stale + weak.alone.stale > 0
    assert weak.linearizable < weak.runs
    strong = trial(Policy(), seeds=4, cut=False)
    assert strong.rest.stale == strong.alone.stale == 0
    assert strong.linearizable == strong.runs


def test_a_cut_is_paid_for_with_refusals_or_with_old_answers():
    consistent = trial(Policy(), seeds=4)
    # An answer may have been on its way when the network was cut.
    assert consistent.alone.refused > 0.9
    assert consistent.rest.refused == 0.0
    assert consistent.linearizable == consistent.runs
    available = trial(Policy(r=1, w=1, sloppy=True, versions="clock", repair="after"), seeds=4)
    assert available.alone.refused == available.rest.refused == 0.0
    assert available.alone.stale > 0


def test_old_reads_are_found_by_the_checkers_too():
    plan = cut_plan(Policy(r=1, w=1, sloppy=True, versions="clock", repair="after"), 1)
    world = QUORUM.bench.build(plan, Replica)
    world.start()
    world.run(plan.duration_us)
    assert models.classify(history(world, ["x"])).judgements["linearizable"].failed


def test_who_stands_in_for_an_owner_is_left_with_no_copy():
    policy = Policy(n=3, r=2, w=2, sloppy=True, versions="clock", repair="after")
    for seed in range(8):
        plan = cut_plan(policy, seed)
        world = QUORUM.bench.build(plan, Replica)
        world.start()
        world.run(plan.duration_us)
        having = {each for each in world.servers if "x" in world.probe(each).copies}
        assert having <= set(ring("x", world.servers)[: policy.n]), seed


def test_presets_are_as_strong_as_they_say():
    for name, preset in PRESETS.items():
        found = trial(preset.policy, seeds=3)
        if preset.side == "CP":
            assert found.alone.refused > 0.9, name
            assert found.linearizable == found.runs, name
        if preset.side == "AP":
            assert found.linearizable < found.runs, name
    lines = table({"as one": Policy()}, seeds=1).splitlines()
    assert len(lines) == 3
    assert lines[-1].startswith("as one")


@pytest.mark.parametrize(
    "wrong",
    [
        {"n": 0},
        {"n": 3, "w": 4},
        {"r": "2"},
        {"w": True},
        {"sloppy": 1},
        {"merge": "best"},
        {"colour": "red"},
        {3: 4},
        [],
        None,
    ],
)
def test_what_is_no_policy_is_refused(wrong: object):
    with pytest.raises(InvalidRequestError):
        Policy.from_json(wrong)


# Trees and rules by themselves -----------------------------------------------------------------


def test_trees_find_exactly_what_differs():
    one = {f"k{number}": Copy(Version(number, "c", 1), number) for number in range(20)}
    other = {**one, "k7": Copy(Version(99, "c", 2), "new")}
    assert merkle.differing(one, "", merkle.children(dict(one), "")) == []
    path, found = "", []
    while len(path) < merkle.DEPTH:
        (path,) = merkle.differing(one, path, merkle.children(other, path))
        found.append(path)
    assert path == merkle.leaf("k7")
    assert len(found) == merkle.DEPTH


class Shown:
    """A world whose servers show what the test wants."""

    def __init__(self) -> None:
        world = Simulation(0)
        options = {"keys": ("k",), "servers": (1, 2)}
        for name in (1, 2):
            world.add(name, Replica, options=options)
        self.rules = StoreRules(world, {"k": Policy()})

    def show(self, name: int, number: int, value: str) -> None:
        copies = {"k": Copy(Version(number, "c1", 1), value)} if number else {}
        self.rules.observe(name, StoreProbe("replica", copies, 0))

    def breaks(self, rule: str, name: int, number: int, value: str) -> None:
        with pytest.raises(RuleBroken) as broken:
            self.show(name, number, value)
        assert broken.value.rule.id == rule


def test_a_copy_that_goes_back():
    them = Shown()
    them.show(1, 3, "a")
    them.breaks("copy-kept", 1, 2, "b")
    them.breaks("copy-kept", 1, 0, "")


def test_two_values_of_one_version():
    them = Shown()
    them.show(1, 3, "a")
    them.breaks("one-value", 2, 3, "b")


def test_what_is_no_probe_says_so():
    for probe in (None, "x", ("replica", 3, 0)):
        with pytest.raises(RuleBroken, match="shows"):
            Shown().rules.observe(1, probe)
