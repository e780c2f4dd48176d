from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.protocols.chain.cluster import CHAIN, attack
from jupyter_sysdesign.simulation.protocols.chain.merchant import MERCHANT
from jupyter_sysdesign.simulation.protocols.chain.messages import Answer
from jupyter_sysdesign.simulation.protocols.chain.miner import Miner
from jupyter_sysdesign.simulation.protocols.chain.race import needed, reversal, reversed_share


@pytest.mark.parametrize(("share", "confirmations"), [(0.1, 1), (0.2, 3), (0.3, 6), (0.45, 2)])
def test_played_races_end_as_the_formula_says(share, confirmations):
    played = reversed_share(share, confirmations, races=20_000)
    assert played == pytest.approx(reversal(share, confirmations), abs=0.012)


@given(st.floats(0.01, 0.49), st.integers(1, 20))
def test_another_confirmation_makes_a_reversal_less_likely(share, confirmations):
    assert 0 <= reversal(share, confirmations + 1) <= reversal(share, confirmations) + 1e-12 <= 1.1


@given(st.floats(0.01, 0.4), st.sampled_from([0.1, 0.01, 0.001]))
def test_the_number_that_is_needed_is_the_smallest(share, risk):
    least = needed(share, risk)
    assert reversal(share, least) <= risk
    assert least == 1 or reversal(share, least - 1) > risk


def test_half_of_the_work_wins_in_the_end():
    assert reversal(0.5, 100) == 1.0
    with pytest.raises(ValueError, match="always wins"):
        needed(0.5, 0.1)


def test_miners_without_an_attacker_undo_nothing_that_is_confirmed():
    for seed in range(5):
        outcome = play(attack(seed, 0.0, 3), Miner, CHAIN.bench)
        assert outcome.status == "passed", outcome


def test_a_strong_attacker_undoes_what_was_confirmed_and_a_weak_one_seldom():
    def undone(share):
        return sum(
            play(attack(seed, share, 6), Miner, CHAIN.bench).status == "failed"
            for seed in range(20)
        )

    assert undone(0.45) > 10
    assert undone(0.05) == 0


def test_all_miners_come_to_one_chain():
    world = CHAIN.bench.build(attack(3, 0.0, 6), Miner)
    world.start()
    world.run(60_000_000)
    chains = [world.probe(name).blocks for name in world.servers]
    same = min(map(len, chains)) - 2
    assert same > 30
    assert all(each[:same] == chains[0][:same] for each in chains)


class Careful(Node):
    def on_message(self, src, message):
        self.ctx.send(src, Answer(needed(message.share, message.risk)))


class Traditional(Node):
    def on_message(self, src, message):
        self.ctx.send(src, Answer(6))


class Vague(Node):
    def on_message(self, src, message):
        self.ctx.send(src, Answer("some"))


@pytest.mark.parametrize(
    ("server", "words"), [(Careful, ""), (Traditional, "confirmations"), (Vague, "no number"),
                          (Node, "no number")]
)  # fmt: skip
def test_a_merchant_is_judged_by_its_numbers(server, words):
    outcomes = [play(MERCHANT.scenarios[0].plan(seed), server, MERCHANT.bench) for seed in range(9)]
    failed = [each for each in outcomes if each.status == "failed"]
    assert bool(failed) == bool(words)
    assert any(words in each.violation.why or "wait" in each.violation.why for each in failed) == (
        bool(words)
    )
