from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.simulation.clients import Request
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.protocols.pbft.messages import (
    Certificate,
    PbftProbe,
    Prepare,
    Sealed,
    digest,
)
from jupyter_sysdesign.simulation.protocols.pbft.mutants import GALLERY
from jupyter_sysdesign.simulation.protocols.pbft.replica import Pbft
from jupyter_sysdesign.simulation.protocols.pbft.rules import RULES, PbftRules
from jupyter_sysdesign.simulation.protocols.pbft.seals import seals
from jupyter_sysdesign.simulation.protocols.pbft.suite import PBFT
from jupyter_sysdesign.simulation.verdict import LINEARIZABILITY, RuleBroken

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.judge.suite import Killer, Scenario


@pytest.mark.parametrize("scenario", PBFT.scenarios, ids=lambda each: each.name)
def test_the_reference_is_not_split_by_liars(scenario: Scenario):
    for seed in range(15):
        plan = scenario.plan(seed)
        assert Plan.from_json(plan.as_json()) == plan
        outcome = play(plan, Pbft, PBFT.bench)
        assert outcome.status == "passed", (seed, outcome)
        assert outcome.figures["answered"] == outcome.figures["operations"] == 18


@pytest.mark.parametrize("killer", PBFT.killers, ids=lambda each: each.bug)
def test_a_stored_run_kills_its_mutant_and_nobody_else(killer: Killer):
    mutant = GALLERY[killer.bug]
    outcome = play(killer.plan, mutant.server, PBFT.bench)
    assert outcome.status == "failed"
    assert outcome.violation is not None
    assert outcome.violation.rule.id == killer.rule
    assert killer.rule in mutant.shown_by
    assert play(killer.plan, Pbft, PBFT.bench).status == "passed"


def test_every_mutant_has_its_stored_run_and_says_what_is_wrong():
    assert {each.bug for each in PBFT.killers} == set(GALLERY)
    assert len(GALLERY) >= 5
    known = {each.id for each in (*RULES, LINEARIZABILITY)}
    for mutant in GALLERY.values():
        assert mutant.mistake.endswith(".")
        assert mutant.shown_by <= known


def test_more_liars_than_f_are_too_many():
    plans = [replace(PBFT.scenarios[2].plan(seed), options=_two_liars()) for seed in range(10)]
    assert any(play(plan, Pbft, PBFT.bench).status == "failed" for plan in plans)


def _two_liars():
    return {"liars": {"1": "equivocator", "2": "equivocator"}}


def test_nobody_is_split_by_three_of_ten():
    liars = {"1": "equivocator", "2": "forger", "3": "silent"}
    plan = replace(PBFT.scenarios[4].plan(1), servers=10, options={"liars": liars})
    outcome = play(plan, Pbft, PBFT.bench)
    assert outcome.status == "passed", outcome


def test_a_liar_that_nobody_knows_is_refused():
    plan = replace(PBFT.scenarios[0].plan(1), options={"liars": {"1": "charming"}})
    with pytest.raises(InvalidRequestError, match="charming"):
        PBFT.bench.build(plan, Pbft)


# Proofs ------------------------------------------------------------------------------------

REQUEST = Request("c1", 1, "put", "k", "v")
KEYS = seals(1, (1, 2, 3, 4))


def certificate(*sealed: Sealed) -> Certificate:
    return Certificate(3, 7, REQUEST, sealed)


def prepare(by: int, **changes: object) -> Sealed:
    body = Prepare(3, 7, digest(REQUEST))._replace(**changes)  # type: ignore[arg-type]
    return KEYS[by].put(body)


def replica() -> Pbft:
    world = PBFT.bench.build(PBFT.scenarios[0].plan(1), Pbft)
    world.start()
    node = world.contexts[1].node
    assert isinstance(node, Pbft)
    node.seal = KEYS[1]
    return node


def test_a_quorum_of_seals_is_a_proof():
    assert replica().is_proof(certificate(prepare(2), prepare(3), prepare(4)))


@pytest.mark.parametrize(
    "sealed",
    [
        (prepare(2), prepare(3)),
        (prepare(2), prepare(3), prepare(3)),
        (prepare(2), prepare(3), prepare(3)._replace(by=4)),
        (prepare(2), prepare(3), prepare(4, view=2)),
        (prepare(2), prepare(3), prepare(4, number=8)),
        (prepare(2), prepare(3), prepare(4, digest="another")),
        (prepare(2), prepare(3), Sealed(9, prepare(4).body, prepare(4).seal)),
    ],
    ids=["two", "repeated", "another's name", "view", "number", "request", "stranger"],
)
def test_anything_less_is_none(sealed):
    assert not replica().is_proof(certificate(*sealed))


# The rules by themselves ---------------------------------------------------------------------


def test_replicas_that_differ_take_back_or_invent():
    plan = replace(PBFT.scenarios[0].plan(1), options={"liars": {"4": "silent"}})
    world = PBFT.bench.build(plan, Pbft)
    world.start()
    world.contexts["c1"].node.waiting = REQUEST  # type: ignore[union-attr]
    world.contexts["c2"].node.waiting = REQUEST._replace(client="c2")  # type: ignore[union-attr]
    rules = PbftRules(world)

    def broken(name, executed) -> str:
        with pytest.raises(RuleBroken) as stop:
            rules.observe(name, PbftProbe("follower", 0, executed))
        return stop.value.rule.id

    rules.observe(1, PbftProbe("leader", 0, [REQUEST]))
    assert broken(2, [REQUEST._replace(client="c2")]) == "agreement"
    assert broken(3, [REQUEST._replace(value="made up")]) == "requested"
    assert broken(1, [None]) == "executed-kept"
    rules.observe(4, "a liar shows what it likes")
    with pytest.raises(RuleBroken, match="shows"):
        rules.observe(3, "follower")
