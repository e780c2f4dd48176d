"""What a learner does with a simulated run: show it, change it, have a server judged."""

from __future__ import annotations

import base64
import re
import sys
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from jupyter_sysdesign.errors import InvalidFileError, InvalidRequestError, NotFoundError
from jupyter_sysdesign.notebook.rendering.spacetime import picture
from jupyter_sysdesign.notebook.simulation import SimulationView, judge, simulate
from jupyter_sysdesign.simulation import judge as court
from jupyter_sysdesign.simulation.protocols.raft.mutants import GALLERY
from jupyter_sysdesign.simulation.protocols.raft.server import Raft
from jupyter_sysdesign.simulation.trace import read


@pytest.fixture
def view() -> SimulationView:
    return simulate(seed=3, seconds=1)


def asked(view: SimulationView, **change: Any) -> dict[str, Any]:
    view.receive({"branch": {"of": 0, "name": "a change", "at_us": 500_000, **change}})
    return view.snapshot


def strike(kind: str, target: int, **rest: Any) -> list[dict[str, Any]]:
    return [{"kind": kind, "target": target, **rest}]


def lines(branch: dict[str, Any]) -> list[dict[str, Any]]:
    return read(branch["trace"])[1]


def test_the_same_seed_shows_the_same_run(view):
    assert view.outcome.status == "passed"
    assert simulate(seed=3, seconds=1).trace == view.trace
    assert simulate(seed=4, seconds=1).trace != view.trace
    assert any("becomes leader" in line for line in view.story)


def test_a_fault_makes_a_branch_that_is_the_same_up_to_it(view):
    before, after = asked(view, faults=strike("crash", 3, lasts_us=100_000))["branches"]
    assert (after["name"], after["parent"], after["at_us"]) == ("a change", 0, 500_000)

    def until_then(branch: dict[str, Any]) -> list[Any]:
        kept = ("t", "kind", "node", "dst", "message", "probe", "state")
        return [
            {name: line.get(name) for name in kept}
            for line in lines(branch)
            if line["t"] < 500_000 and line["kind"] != "keyframe"
        ]

    assert until_then(before) == until_then(after)
    told = [line["kind"] for line in lines(after)]
    assert "crashed" in told
    assert "restarted" in told
    assert "crashed" not in [line["kind"] for line in lines(before)]


def test_a_lost_message_is_lost_and_nothing_else_changes_before(view):
    first = next(line for line in lines(view.snapshot["branches"][0]) if line["kind"] == "send")
    lost = [first["node"], first["dst"], first["number"]]
    _, branch = asked(view, lose=lost, at_us=first["t"])["branches"]
    same = next(line for line in lines(branch) if line["kind"] == "send")
    assert (same["message"], same["arrivals"]) == (first["message"], 0)


def test_branches_grow_from_branches(view):
    asked(view, faults=strike("isolate", 3))
    view.receive(
        {
            "branch": {
                "of": 1,
                "name": "and more",
                "at_us": 600_000,
                "faults": strike("cut", 1, arguments={"to": 2}),
            }
        }
    )
    last = view.branches.all[-1]
    assert last.parent == 1
    assert [each.kind for each in last.plan.faults] == ["isolate", "cut"]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"of": 7, "faults": strike("crash", 1)},
        {"faults": strike("crash", 9)},
        {"faults": strike("crash", "leader")},
        {"faults": strike("explode", 1)},
        {"faults": strike("cut", 1)},
        {"faults": strike("crash", 1, lasts_us=-5)},
        {"at_us": -1, "faults": strike("crash", 1)},
        {"name": "", "faults": strike("crash", 1)},
        {"lose": [1, 2]},
        {"lose": "all"},
        {"faults": "many"},
        {"unknown": 1, "faults": strike("crash", 1)},
    ],
)
def test_what_makes_no_sense_is_said_and_changes_nothing(view, change):
    snapshot = asked(view, **change)
    assert snapshot["problem"]["message"]
    assert len(snapshot["branches"]) == 1
    assert "problem" not in asked(view, faults=strike("crash", 1))


@pytest.mark.parametrize("content", [None, 3, "x", [], {}, {"branch": None}, {"branch": []}])
def test_nonsense_over_the_comm_does_no_harm(view, content):
    view.receive(content)
    assert len(view.branches.all) == 1


def test_only_so_many_branches_are_kept(view):
    for _ in range(12):
        asked(view, faults=strike("pause", 2, lasts_us=1000))
    kept = [each.id for each in view.branches.all]
    assert kept == [0, 6, 7, 8, 9, 10, 11, 12]


@pytest.mark.parametrize(
    "bad", [{"servers": 0}, {"servers": 99}, {"seconds": 0}, {"seconds": 1e9}, {"clients": -1}]
)
def test_numbers_out_of_bounds_are_refused(bad):
    with pytest.raises(InvalidRequestError):
        simulate(**bad)


def test_the_static_form_tells_the_story(view):
    asked(view, faults=strike("crash", 3))
    text, html = view.static()
    assert "S3 becomes leader of term 1" in text
    assert "a change, from 0.500 s" in text
    assert "S3 becomes leader of term 1" in html


def test_the_static_form_has_a_picture(view):
    html = view.static().html
    (data,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', html)
    root = ET.fromstring(base64.b64decode(data))
    said = {each.text for each in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"S1", "S2", "S3", "S4", "S5", "c1", "leads 1"} <= said
    assert "Space–time diagram from" in html


@pytest.mark.parametrize("trace", ["", "{}", "nonsense", '{"kind": "header", "format": 1}'])
def test_what_is_no_trace_has_no_picture(trace):
    assert picture(trace) == ""


class Broken(Raft):
    """Cannot even start."""

    def __init__(self, ctx: Any) -> None:
        super().__init__(ctx)
        raise RuntimeError("no start")


def test_a_server_that_cannot_start_is_shown_all_the_same():
    view = simulate(Broken, seconds=0.5)
    assert view.outcome.status == "failed"
    assert "no start" in view.story[-2]


def test_the_judge_opens_the_smallest_run_of_a_mistake():
    verdict = judge(GALLERY["half-is-enough"].server, only=["elections"], seeds=5)
    assert verdict.status == "failed"
    assert not verdict
    assert verdict.view is not None
    broken = verdict.view.outcome.violation
    assert broken is not None
    assert broken.rule.title in verdict.view.static().text
    props = verdict.view.props
    assert props["reveal"] is True
    assert 0 <= props["start_us"] < broken.at_us


def test_a_server_without_mistakes_has_nothing_to_open():
    verdict = judge(Raft, only="elections", seeds=3)
    assert verdict.passed
    assert verdict.view is None
    assert verdict.points == 10


class Endless(Raft):
    """Never comes back."""

    def on_start(self) -> None:
        while True:
            pass


def test_a_server_without_an_end_is_not_played_in_the_kernel(monkeypatch):
    quick = court.judge
    monkeypatch.setattr(
        court, "judge", lambda *given, **rest: quick(*given, **{**rest, "run_s": 0.2})
    )
    verdict = judge(Endless, only=["elections"], seeds=1)
    assert verdict.status == "failed"
    assert verdict.view is None


def test_a_judgement_that_is_interrupted_is_not_said_to_be_under_way(monkeypatch, capsys):
    def interrupted(*_given, **_rest):
        raise KeyboardInterrupt

    monkeypatch.setattr(court, "judge", interrupted)
    with pytest.raises(KeyboardInterrupt):
        judge(Raft, only=["elections"], seeds=1)
    assert capsys.readouterr().out == "Judging Raft …\nIt was not judged.\n"


def test_unknown_scenarios_are_named():
    with pytest.raises(NotFoundError, match="election"):
        judge(Raft, only=["election"])


def test_a_server_in_a_file_is_read_anew(tmp_path):
    file = tmp_path / "raft.py"
    file.write_text(
        "from jupyter_sysdesign.simulation.protocols.raft.server import Raft\n"
        "class Mine(Raft):\n    pass\n"
    )
    assert simulate(file, seconds=0.5).outcome.figures["committed"] > 0
    file.write_text(
        "from jupyter_sysdesign.simulation.node import Node\nclass Mine(Node):\n    pass\n"
    )
    verdict = judge(str(file), only=["elections"], seeds=2)
    assert verdict.status == "failed"
    assert verdict.report.server == "Mine"


@pytest.mark.parametrize("first", ["", "from __future__ import annotations\n"])
def test_a_server_in_a_file_may_use_dataclasses(tmp_path, first):
    file = tmp_path / "raft.py"
    file.write_text(
        f"{first}from dataclasses import dataclass\n"
        "from jupyter_sysdesign.simulation.protocols.raft.server import Raft\n"
        "@dataclass\nclass Session:\n    serial: int = 0\n"
        "class Mine(Raft):\n"
        "    def on_start(self):\n        self.session = Session()\n        super().on_start()\n"
    )
    assert simulate(file, seconds=0.5).outcome.figures["committed"] > 0
    assert "raft" not in sys.modules


@pytest.mark.parametrize(
    ("source", "error", "said"),
    [
        (None, NotFoundError, "cannot be read"),
        ("x = 1", NotFoundError, "no node"),
        ("from jupyter_sysdesign.simulation.node import Node", NotFoundError, "no node"),
        ("x = 1\ndef :", InvalidFileError, "raft.py:2"),
        ("x = 1\n\nraise ValueError('no')", InvalidFileError, "raft.py:3: ValueError: no"),
        ("import json\n\njson.loads('{')", InvalidFileError, "raft.py:3: JSONDecodeError"),
    ],
)
def test_a_file_that_is_no_server_says_where(tmp_path, source, error, said):
    file = tmp_path / "raft.py"
    if source is not None:
        file.write_text(source)
    with pytest.raises(error, match=said):
        simulate(file)
