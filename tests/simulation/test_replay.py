from __future__ import annotations

from dataclasses import replace

import pytest

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.simulation.faults import Fault
from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.protocols.raft.mutants import GALLERY
from jupyter_sysdesign.simulation.protocols.raft.server import Raft
from jupyter_sysdesign.simulation.protocols.raft.suite import RAFT
from jupyter_sysdesign.simulation.replay import Replay
from jupyter_sysdesign.simulation.units import MS, S

CHURN = next(each for each in RAFT.scenarios if each.name == "churn")


def replay(seed: int = 4) -> Replay:
    return Replay(CHURN.plan(seed), Raft, RAFT.bench, keyframe_every=50)


def test_back_and_forth_shows_the_same_states():
    it = replay()
    states = {}
    for _ in range(12):
        states[it.step] = (it.states(), it.in_flight(), it.world.time)
        it.forward(37)
    for step in (111, 0, 370, 37, 333):
        it.go_to(step)
        assert (it.states(), it.in_flight(), it.world.time) == states[step], step


def test_it_ends_like_the_run_itself():
    it = replay()
    it.forward(500)
    it.back(321)
    it.end()
    outcome = play(it.plan, Raft, RAFT.bench)
    assert it.step == it.world.events == outcome.events
    assert it.world.sent == outcome.sent


def test_it_ends_the_same_after_going_back_before_a_crash_of_all():
    """What a node holds of its context is the context's own also after going back."""
    crash = Fault("crash", 2 * S, "all", 300 * MS)
    plan = replace(CHURN.plan(4), duration_us=4 * S, faults=(crash,), triggers=(), calm_us=None)
    it = Replay(plan, Raft, RAFT.bench)
    it.end()
    last = it.step, it.states()
    while it.world.time > S:
        it.back(100)
    it.end()
    assert it.broken is None
    assert (it.step, it.states()) == last


def test_it_stops_where_the_rule_breaks():
    killer = next(each for each in RAFT.killers if each.bug == "votes-twice")
    it = Replay(killer.plan, GALLERY["votes-twice"].server, RAFT.bench, keyframe_every=20)
    it.end()
    assert it.broken is not None
    assert it.broken.rule.id == "one-vote"
    last = it.step
    it.back()
    assert it.broken is None
    it.end()
    assert (it.step, it.broken is not None) == (last, True)
    with pytest.raises(InvalidRequestError, match="ends at step"):
        it.go_to(last + 1)


def test_a_fork_loses_a_message_and_lets_the_rest_go_on():
    it = replay()
    it.forward(60)
    message = it.in_flight()[0]
    it.lose(message["id"])
    assert message not in it.in_flight()
    with pytest.raises(InvalidRequestError, match="no message"):
        it.lose(message["id"])
    it.forward(100)
    it.go_to(60)
    # Going back does not bring it back: this is another world now.
    assert message not in it.in_flight()
    it.end()
    assert it.broken is None


def test_a_fault_can_be_put_in():
    it = replay()
    it.forward(200)
    leader = it.world.leader()
    assert isinstance(leader, int)
    it.inject(Fault("crash", target=leader, lasts_us=2_000_000))
    it.forward(1)
    assert it.states()[leader] is None
    it.end()
    assert it.broken is None


def test_the_difference_of_two_steps_names_what_changed():
    it = replay()
    it.forward(400)
    changed = it.difference(0)
    assert it.step == 400
    assert changed
    assert all(before != after for fields in changed.values() for before, after in fields.values())
    assert any("term" in fields for fields in changed.values())


def test_a_step_says_what_happened():
    it = replay()
    it.forward(20)
    kinds = [line["kind"] for line in it.said()]
    assert kinds[0] in ("message", "timer")
