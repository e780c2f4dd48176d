from __future__ import annotations

from jupyter_sysdesign.simulation.clients import Workload
from jupyter_sysdesign.simulation.explore import Bounds, explore
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.protocols.raft.cluster import Cluster
from jupyter_sysdesign.simulation.protocols.raft.mutants import GALLERY
from jupyter_sysdesign.simulation.protocols.raft.server import Raft
from jupyter_sysdesign.simulation.walk import walk

THREE = Plan(0, servers=3, workload=Workload(clients=0))


def test_every_order_of_two_elections_keeps_the_rules():
    found = explore(THREE, Raft, Cluster(), Bounds(depth=5, timeouts=1))
    assert found.status == "passed"
    assert found.states > 100


def test_the_search_finds_the_shortest_story_of_two_votes():
    found = explore(THREE, GALLERY["votes-twice"].server, Cluster(), Bounds(depth=6))
    assert found.status == "failed"
    assert found.violation is not None
    assert found.violation.rule.id == "one-vote"
    # Both stand for election, and one vote reaches the other: it cannot be told in less.
    assert len(found.story) == 3


def test_the_search_crashes_servers_too():
    forgetful = GALLERY["vote-not-persisted"].server
    assert explore(THREE, forgetful, Cluster(), Bounds(depth=4)).status == "passed"
    found = explore(THREE, forgetful, Cluster(), Bounds(depth=4, crashes=1))
    assert found.status == "failed"
    assert any("crashes" in each for each in found.story)


def test_a_search_that_is_too_large_says_so():
    assert explore(THREE, Raft, Cluster(), Bounds(depth=30, states=50)).status == "unknown"


def test_random_walks_keep_the_rules_and_repeat():
    for seed in range(15):
        plan = Plan(seed, servers=3)
        outcome = walk(plan, Raft, Cluster(), steps=800)
        assert outcome.status == "passed", outcome
    assert walk(plan, Raft, Cluster(), steps=800) == outcome
    assert outcome.figures["committed"] > 0


def test_random_walks_find_mutants():
    """Among them the one whose mistake needs a vote that comes a term late."""
    for bug in ("votes-twice", "counts-stale-votes", "keeps-conflicts"):
        outcomes = (
            walk(Plan(seed, servers=3), GALLERY[bug].server, Cluster(), timers=0.2)
            for seed in range(60)
        )
        found = next((each for each in outcomes if each.status == "failed"), None)
        assert found is not None, bug
        assert found.violation is not None
        assert found.violation.rule.id in GALLERY[bug].shown_by
