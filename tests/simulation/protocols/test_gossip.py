from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign.simulation.faults import Fault
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.protocols.gossip.messages import (
    ALIVE,
    DEAD,
    SUSPECT,
    SwimProbe,
    Update,
)
from jupyter_sysdesign.simulation.protocols.gossip.mutants import GALLERY
from jupyter_sysdesign.simulation.protocols.gossip.rules import RULES, SwimRules
from jupyter_sysdesign.simulation.protocols.gossip.suite import SWIM, group
from jupyter_sysdesign.simulation.protocols.gossip.swim import Swim
from jupyter_sysdesign.simulation.units import MS, S
from jupyter_sysdesign.simulation.verdict import RuleBroken

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.judge.suite import Killer, Scenario
    from jupyter_sysdesign.simulation.node import NodeId


@pytest.mark.parametrize("scenario", SWIM.scenarios, ids=lambda each: each.name)
def test_the_reference_passes(scenario: Scenario):
    for seed in range(25):
        plan = scenario.plan(seed)
        assert Plan.from_json(plan.as_json()) == plan
        outcome = play(plan, Swim, SWIM.bench)
        assert outcome.status == "passed", (seed, outcome)
        assert outcome.figures["answered"] >= 1  # at least one death was found out


@pytest.mark.parametrize("killer", SWIM.killers, ids=lambda each: each.bug)
def test_a_stored_run_kills_its_mutant_and_nobody_else(killer: Killer):
    mutant = GALLERY[killer.bug]
    outcome = play(killer.plan, mutant.server, SWIM.bench)
    assert outcome.status == "failed"
    assert outcome.violation is not None
    assert outcome.violation.rule.id == killer.rule
    assert killer.rule in mutant.shown_by
    assert play(killer.plan, Swim, SWIM.bench).status == "passed"


def test_every_mutant_has_its_stored_run_and_says_what_is_wrong():
    assert {each.bug for each in SWIM.killers} == set(GALLERY)
    assert len(GALLERY) >= 4
    known = {each.id for each in RULES}
    for mutant in GALLERY.values():
        assert mutant.mistake.endswith(".")
        assert mutant.shown_by <= known


def test_a_member_sends_no_more_among_many():
    def load(members: int) -> float:
        outcome = play(group(1, members, duration_us=6 * S), Swim, SWIM.bench)
        return outcome.sent / members / 30

    assert load(30) == pytest.approx(load(6), rel=0.2)


def test_two_halves_that_buried_each_other_find_together_again():
    halves = [Fault("isolate", 1 * S, each, 6 * S) for each in (1, 2)]
    plan = group(4, 6, halves, accurate=False, spread_us=20 * S, duration_us=18 * S)
    world = SWIM.bench.build(plan, Swim)
    world.start()
    world.run(6 * S)
    assert world.probe(1).members[5] == DEAD
    assert world.probe(5).members[1] == DEAD
    world.run(plan.duration_us)
    assert all(set(world.probe(each).members.values()) == {ALIVE} for each in world.servers)


class FindsOut(Swim):
    """Pings and suspects, and tells nobody: as far as the first stage of lab-gossip goes."""

    def load(self, dst: NodeId) -> tuple[Update, ...]:
        """Send no news."""
        return ()


def test_who_finds_out_every_death_alone_need_not_tell():
    deaths, many, *_ = SWIM.scenarios
    for seed in range(30):
        outcome = play(deaths.plan(seed), FindsOut, SWIM.bench)
        assert outcome.status == "passed", (seed, outcome)
        assert outcome.figures["answered"] == 2
    told = play(many.plan(0), FindsOut, SWIM.bench)
    assert told.violation is not None
    assert told.violation.rule.id == "dissemination"


# What is news ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "heard", "news"),
    [
        ((ALIVE, 3), (ALIVE, 3), False),
        ((ALIVE, 3), (ALIVE, 4), True),
        ((ALIVE, 3), (SUSPECT, 3), True),
        ((ALIVE, 3), (SUSPECT, 2), False),
        ((SUSPECT, 3), (ALIVE, 3), False),
        ((SUSPECT, 3), (ALIVE, 4), True),
        ((SUSPECT, 3), (DEAD, 3), True),
        ((DEAD, 3), (SUSPECT, 3), False),
        ((DEAD, 3), (ALIVE, 3), False),
        ((DEAD, 3), (ALIVE, 4), True),
    ],
)
def test_what_overrides_what(known, heard, news):
    world = SWIM.bench.build(group(1, 3), Swim)
    world.start()
    member = world.contexts[1].node
    assert isinstance(member, Swim)
    member.members[2], member.incarnations[2] = known
    assert member.is_news(Update(heard[0], 2, heard[1])) is news


# The rules by themselves ---------------------------------------------------------------------


def test_what_a_detector_must_not_say():
    world = SWIM.bench.build(group(1, 3, reached=True), Swim)
    world.start()
    rules = SwimRules(world)

    def broken(name: int, members: object) -> str:
        with pytest.raises(RuleBroken) as stop:
            rules.observe(name, SwimProbe("member", 1, members))  # type: ignore[arg-type]
        return stop.value.rule.id

    assert broken(1, {2: SUSPECT, 3: ALIVE}) == "reached"
    assert broken(2, {1: DEAD, 3: ALIVE}) == "accuracy"
    assert broken(3, {1: "sleeping", 2: ALIVE}) == "probe"
    assert broken(3, {9: ALIVE}) == "probe"
    assert broken(3, None) == "probe"
    world.crash(3)
    rules.observe(1, SwimProbe("member", 1, {2: ALIVE, 3: DEAD}))
    world.time += 5 * S
    assert broken(2, {1: ALIVE, 3: DEAD}) == "dissemination"
    world.time += 60 * S
    with pytest.raises(RuleBroken, match="crashed at"):
        rules.at_the_end()


def test_a_pause_is_no_death():
    plan = group(1, 5, [Fault("pause", 1 * S, 2, 900 * MS)], duration_us=6 * S)
    outcome = play(plan, Swim, SWIM.bench)
    assert outcome.status == "passed"
    assert outcome.figures["false suspicions"] > 0
    hasty = play(plan, GALLERY["no-suspicion"].server, SWIM.bench)
    assert hasty.violation is not None
    assert hasty.violation.rule.id == "accuracy"
