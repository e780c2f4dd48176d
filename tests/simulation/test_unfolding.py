"""A trace for looking at: the same run, and every node's state after each event."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_sysdesign.simulation.clients import Workload
from jupyter_sysdesign.simulation.faults import Fault
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.protocols.raft.cluster import Cluster
from jupyter_sysdesign.simulation.protocols.raft.mutants import GALLERY
from jupyter_sysdesign.simulation.protocols.raft.server import Raft
from jupyter_sysdesign.simulation.trace import Trace
from jupyter_sysdesign.simulation.unfolding import Unfolding
from jupyter_sysdesign.simulation.units import MS, S

PLAN = Plan(
    5,
    servers=3,
    duration_us=2 * S,
    workload=Workload(clients=2, think_us=60 * MS),
    faults=(
        Fault("isolate", 500 * MS, "leader", 400 * MS),
        Fault("crash", 1000 * MS, "leader", 200 * MS),
        Fault("pause", 1500 * MS, "follower", 100 * MS),
    ),
)


def unfolded(plan: Plan, server: type[Raft] = Raft) -> Unfolding:
    trace = Unfolding()
    play(plan, server, Cluster(), trace=trace)
    return trace


def told(lines: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Put together what ``state`` lines say, as a reader of the file does."""
    nodes: dict[str, dict[str, Any]] = {}
    for line in lines:
        if line["kind"] != "state":
            continue
        node = nodes.setdefault(str(line["node"]), {"probe": None})
        node.update({name: line[name] for name in ("state", "timers") if name in line})
        if "probe" not in line:
            continue
        if line["probe"] is None:
            node["probe"] = None
            continue
        probe = dict(node["probe"] or {})
        for name, value in line["probe"].items():
            if isinstance(probe.get(name), list) and isinstance(value, dict):
                probe[name] = probe[name][: value["keep"]] + value["add"]
            else:
                probe[name] = value
        node["probe"] = probe
    return nodes


def test_looking_changes_nothing() -> None:
    plain = Trace(keyframe_every=1 << 30)
    play(PLAN, Raft, Cluster(), trace=plain)
    assert unfolded(PLAN).hash == plain.hash


@pytest.mark.parametrize("end_ms", [1, 333, 620, 1100, 1550, 2000])
def test_the_changes_add_up_to_the_state(end_ms: int) -> None:
    lines = unfolded(Plan(**{**vars(PLAN), "duration_us": end_ms * MS})).lines
    keyframe = [line for line in lines if line["kind"] == "keyframe"][-1]
    for node, state in told(lines).items():
        expected = keyframe["nodes"][node]
        assert state["state"] == expected["state"]
        assert state["timers"] == expected["timers"]
        shown = expected["probe"]
        assert state["probe"] == (shown and {k: v for k, v in shown.items() if k != "type"})


def test_links_are_cut_when_the_fault_begins_and_whole_when_it_ends() -> None:
    cuts = [line for line in unfolded(PLAN).lines if line["kind"] == "cuts"]
    assert [line["t"] for line in cuts] == [500 * MS, 900 * MS]
    assert len(cuts[0]["links"]) == 4
    assert cuts[1]["links"] == []


def test_the_event_that_breaks_a_rule_is_in_it() -> None:
    for seed in range(40):
        plan = Plan(**{**vars(PLAN), "seed": seed})
        trace = unfolded(plan, GALLERY["half-is-enough"].server)
        outcome = trace.lines[-1]["outcome"]
        if outcome["status"] == "failed":
            break
    assert outcome["violation"] is not None
    keyframe = [line for line in trace.lines if line["kind"] == "keyframe"][-1]
    for node, state in told(trace.lines).items():
        shown = keyframe["nodes"][node]["probe"]
        assert state["probe"] == (shown and {k: v for k, v in shown.items() if k != "type"})


class Shy(Raft):
    """Raises whenever somebody looks."""

    def probe(self) -> Any:
        raise ValueError("do not look")


def test_a_probe_that_raises_is_told_and_ends_the_run() -> None:
    trace = unfolded(PLAN, Shy)
    assert trace.lines[-1]["outcome"]["status"] == "failed"
    assert "do not look" in told(trace.lines)["1"]["probe"]["shows"]
