from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.simulation.minimise import Minimiser
from jupyter_sysdesign.simulation.narration import narrate
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.protocols.raft.cluster import Cluster
from jupyter_sysdesign.simulation.protocols.raft.messages import RaftProbe
from jupyter_sysdesign.simulation.protocols.raft.mutants import GALLERY
from jupyter_sysdesign.simulation.protocols.raft.rules import RULES, RaftRules
from jupyter_sysdesign.simulation.protocols.raft.server import Raft
from jupyter_sysdesign.simulation.protocols.raft.suite import RAFT
from jupyter_sysdesign.simulation.trace import Trace
from jupyter_sysdesign.simulation.verdict import (
    LINEARIZABILITY,
    MESSAGE_BUDGET,
    PROGRESS,
    RuleBroken,
)
from jupyter_sysdesign.simulation.world import Simulation

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.judge.suite import Killer, Scenario


@pytest.mark.parametrize("scenario", RAFT.scenarios, ids=lambda each: each.name)
def test_the_reference_passes(scenario: Scenario):
    for seed in range(12):
        outcome = play(scenario.plan(seed), Raft, RAFT.bench)
        assert outcome.status == "passed", (seed, outcome)
        assert outcome.figures["answered"] > 0


@pytest.mark.parametrize("killer", RAFT.killers, ids=lambda each: each.bug)
def test_a_stored_run_kills_its_mutant_and_nobody_else(killer: Killer):
    mutant = GALLERY[killer.bug]
    outcome = play(killer.plan, mutant.server, RAFT.bench)
    assert outcome.status == "failed"
    assert outcome.violation is not None
    assert outcome.violation.rule.id == killer.rule
    assert killer.rule in mutant.shown_by
    assert play(killer.plan, Raft, RAFT.bench).status == "passed"


@pytest.mark.parametrize("bug", ["vote-not-persisted", "log-not-persisted"])
def test_what_is_forgotten_shows_without_stored_runs_soon(bug: str):
    (persistence,) = (each for each in RAFT.scenarios if each.name == "persistence")
    outcomes = [
        play(persistence.plan(seed), GALLERY[bug].server, RAFT.bench) for seed in range(100, 140)
    ]
    assert sum(each.status == "failed" for each in outcomes) >= 8


def test_every_mutant_has_its_stored_run_and_says_what_is_wrong():
    assert {each.bug for each in RAFT.killers} == set(GALLERY)
    assert len(GALLERY) >= 12
    for mutant in GALLERY.values():
        assert mutant.mistake.endswith(".")
    known = {each.id for each in (*RULES, LINEARIZABILITY, PROGRESS, MESSAGE_BUDGET)}
    assert all(mutant.shown_by <= known for mutant in GALLERY.values())


@pytest.mark.parametrize("scenario", RAFT.scenarios, ids=lambda each: each.name)
def test_plans_survive_being_written_down(scenario: Scenario):
    for seed in (0, 1, 2, 5, 12345678901):
        plan = scenario.plan(seed)
        assert Plan.from_json(plan.as_json()) == plan
        assert scenario.plan(seed) == plan


def test_what_is_no_plan_is_refused():
    for wrong in ({"seed": 1, "colour": "red"}, {}, {"seed": 1, "faults": [{"kind": "boom"}]}):
        with pytest.raises(InvalidRequestError):
            Plan.from_json(wrong)


def test_the_smallest_run_breaks_the_same_rule_and_is_told_in_words():
    killer = next(each for each in RAFT.killers if each.bug == "stale-reads")
    server = GALLERY["stale-reads"].server
    minimiser = Minimiser(killer.plan, server, RAFT.bench, runs=150)
    before = minimiser.outcome
    small = minimiser.minimise()
    trace = Trace()
    after = play(small, server, RAFT.bench, trace=trace)
    assert after.violation is not None
    assert before.violation is not None
    assert after.violation.rule == before.violation.rule
    assert after.events < before.events / 2
    assert len(small.faults) <= len(killer.plan.faults)
    assert play(Plan.from_json(small.as_json()), server, RAFT.bench) == after
    story = narrate(trace.lines, after)
    assert any("becomes leader" in each for each in story)
    assert "Herlihy and Wing" in story[-1]


# The rules by themselves: shown what a server never should show -------------------------------


class Shown:
    """A world whose servers show what the test wants."""

    def __init__(self) -> None:
        world = Simulation(0)
        for name in (1, 2, 3):
            world.add(name, Raft, options={"members": (1, 2, 3)})
        self.rules = RaftRules(world)

    def show(self, name: int, *probe: object) -> None:
        self.rules.observe(name, RaftProbe(*probe))  # type: ignore[arg-type]

    def breaks(self, rule: str, name: int, *probe: object) -> None:
        with pytest.raises(RuleBroken) as broken:
            self.show(name, *probe)
        assert broken.value.rule.id == rule


A, B, C = (1, "a"), (1, "b"), (2, "c")


def test_two_leaders_of_one_term():
    them = Shown()
    them.show(1, "leader", 3, 1, 0, [])
    them.show(2, "leader", 4, 2, 0, [])
    them.breaks("election-safety", 3, "leader", 4, 3, 0, [])


def test_two_votes_in_one_term():
    them = Shown()
    them.show(1, "follower", 3, 2, 0, [])
    them.show(1, "follower", 4, 3, 0, [])
    them.breaks("one-vote", 1, "follower", 4, 2, 0, [])


def test_a_leader_that_drops_an_entry():
    them = Shown()
    them.show(1, "leader", 1, 1, 0, [A, B])
    them.breaks("leader-append-only", 1, "leader", 1, 1, 0, [A])


def test_logs_that_differ_where_they_must_not():
    them = Shown()
    them.show(1, "follower", 1, None, 0, [A])
    them.breaks("log-matching", 2, "follower", 1, None, 0, [B])
    them = Shown()
    them.show(1, "follower", 2, None, 0, [A, C])
    them.breaks("log-matching", 2, "follower", 2, None, 0, [(2, "z"), C])


def test_a_leader_without_a_committed_entry():
    them = Shown()
    them.show(1, "leader", 1, 1, 1, [A])
    them.breaks("leader-completeness", 2, "leader", 2, 2, 0, [])


def test_an_old_leader_need_not_have_what_came_later():
    them = Shown()
    them.show(1, "leader", 5, 1, 1, [(5, "x")])
    them.show(2, "leader", 4, 2, 0, [])


def test_different_commands_at_one_index():
    them = Shown()
    them.show(1, "follower", 2, None, 1, [A])
    them.breaks("state-machine-safety", 2, "follower", 2, None, 1, [C])


def test_commit_indexes_that_go_back_or_too_far():
    them = Shown()
    them.show(1, "follower", 1, None, 2, [A, B])
    them.breaks("commit-kept", 1, "follower", 1, None, 1, [A, B])
    them.breaks("commit-kept", 2, "follower", 1, None, 3, [A, B])
    them.breaks("commit-kept", 3, "follower", 1, None, 7, [], 7)


def test_a_snapshot_takes_the_place_of_what_was_committed():
    them = Shown()
    them.show(1, "leader", 1, 1, 0, [A, B])
    # Committed and compacted in one event: its entries were seen before.
    them.show(1, "leader", 1, 1, 2, [], 2)
    assert them.rules.committed == 2
    them.show(2, "follower", 1, None, 2, [], 2)
    them.breaks("state-machine-safety", 3, "follower", 1, None, 1, [C])


def test_what_is_no_probe_says_so():
    them = Shown()
    with pytest.raises(RuleBroken, match="shows"):
        them.rules.observe(1, "leader")


def test_servers_may_come_and_go():
    scenario = next(each for each in RAFT.scenarios if each.name == "membership")
    world = Cluster().build(scenario.plan(1), Raft)
    world.start()
    world.run(scenario.plan(1).duration_us)
    members = {world.probe(name) and world.contexts[name].node.members for name in world.servers}
    assert any(each and set(each) != {1, 2, 3} for each in members)
