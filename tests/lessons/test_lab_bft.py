"""What lab-bft says of its runs is what its cells show."""

from __future__ import annotations

import json
import re

import pytest
from lessons.cells import actual, sends, shown

from jupyter_sysdesign.notebook.simulation import simulate
from jupyter_sysdesign.simulation.clients import Workload
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.protocols.chain.race import reversal, reversed_share
from jupyter_sysdesign.simulation.protocols.pbft.replica import Pbft
from jupyter_sysdesign.simulation.protocols.pbft.suite import PBFT
from jupyter_sysdesign.simulation.units import MS


@pytest.fixture(scope="module")
def views():
    return shown("lab-bft")


@pytest.mark.parametrize(("cell", "differ"), [("raft", {3, 4}), ("nine-servers", {2, 9})])
def test_one_liar_is_enough_for_two_honest_servers_to_differ(views, cell, differ):
    outcome = views[cell].outcome
    assert outcome.status == "failed"
    assert outcome.violation.rule.id == "log-matching"
    assert set(outcome.violation.nodes) == differ
    logs = {last_entry(views[cell], each) for each in differ}
    assert logs == {"c1.1;", "something else;"}
    assert any("S1 becomes leader of term 1" in line for line in views[cell].story)
    assert actual("lab-bft", "liars-needed") == 1


def last_entry(view, server: int) -> str:
    """Return what the last command puts in the log of a server, where the run ends."""
    lines = [json.loads(each) for each in view.trace.splitlines()]
    changes = [
        each["probe"]["log"]
        for each in lines
        if each["kind"] == "state" and each["node"] == server and "log" in each.get("probe", {})
    ]
    return changes[-1]["add"][-1]["command"]["value"]


def test_three_servers_with_one_liar_differ(views):
    outcome = views["three-servers"].outcome
    assert outcome.violation.rule.id == "agreement"
    assert set(outcome.violation.nodes) == {2, 3}


def test_a_request_costs_as_many_messages_as_the_lesson_says(views):
    assert views["normal"].outcome.status == "passed"
    assert len(sends(views["normal"])) == actual("lab-bft", "pbft-messages")


def test_seven_replicas_send_about_ten_times_what_five_raft_servers_do():
    one = Workload(clients=1, reads=0, appends=0, operations=1, start_us=20 * MS, think_us=20 * MS)
    plan = Plan(3, servers=7, duration_us=120 * MS, workload=one)
    raft = 2 * 4  # an entry and an answer for each follower; with it goes a heartbeat
    assert len(sends(simulate(Pbft, suite=PBFT, plan=plan))) == 90 == 6 + 2 * 7 * 6
    assert 7 < 90 / (raft + 4) < 90 / raft < 12


def test_the_lying_primary_is_given_up_when_the_lesson_says(views):
    view = views["lying-primary"]
    assert view.outcome.status == "passed"
    times = [float(each[:5]) for each in view.story if re.search(r"is for view 1", each)]
    assert round(times[0] * 1000) == actual("lab-bft", "new-view")


def test_six_confirmations_are_undone_as_often_as_the_lesson_says(views):
    assert views["chain"].outcome.violation.rule.id == "finality"
    assert round(reversal(0.3, 6) * 100) == actual("lab-bft", "six-confirmations")
    assert reversed_share(0.3, 6) == pytest.approx(reversal(0.3, 6), abs=0.01)
    assert abs(float(views["races"]["30%"]["6 confirmations"].rstrip("%")) - 8.9) < 1
    assert f"{reversal(0.1, 6):.2%}" == "0.01%"
