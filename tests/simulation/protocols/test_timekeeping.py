from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.protocols.timekeeping.cluster import CLOCKS, processes
from jupyter_sysdesign.simulation.protocols.timekeeping.frame import ClockProbe, Process
from jupyter_sysdesign.simulation.protocols.timekeeping.keeper import Keeper
from jupyter_sysdesign.simulation.protocols.timekeeping.mutants import GALLERY
from jupyter_sysdesign.simulation.protocols.timekeeping.rules import RULES, ClockRules
from jupyter_sysdesign.simulation.trace import Trace
from jupyter_sysdesign.simulation.verdict import RuleBroken

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.judge.suite import Killer, Scenario


@pytest.mark.parametrize("scenario", CLOCKS.scenarios, ids=lambda each: each.name)
def test_the_reference_passes(scenario: Scenario):
    for seed in range(30):
        plan = scenario.plan(seed)
        assert Plan.from_json(plan.as_json()) == plan
        outcome = play(plan, Keeper, CLOCKS.bench)
        assert outcome.status == "passed", (seed, outcome)
        assert outcome.figures["answered"] > 20


@pytest.mark.parametrize("killer", CLOCKS.killers, ids=lambda each: each.bug)
def test_a_stored_run_kills_its_mutant_and_nobody_else(killer: Killer):
    mutant = GALLERY[killer.bug]
    outcome = play(killer.plan, mutant.server, CLOCKS.bench)
    assert outcome.status == "failed"
    assert outcome.violation is not None
    assert outcome.violation.rule.id == killer.rule
    assert killer.rule in mutant.shown_by
    assert play(killer.plan, Keeper, CLOCKS.bench).status == "passed"


def test_every_mutant_has_its_stored_run_and_says_what_is_wrong():
    assert {each.bug for each in CLOCKS.killers} == set(GALLERY)
    known = {each.id for each in RULES}
    for mutant in GALLERY.values():
        assert mutant.mistake.endswith(".")
        assert mutant.shown_by <= known


def test_the_same_plan_gives_the_same_trace():
    traces = Trace(keep=False), Trace(keep=False)
    for each in traces:
        play(
            processes(5, 4, ("lamport", "vector"), questions=0.2), Keeper, CLOCKS.bench, trace=each
        )
    assert traces[0].hash == traces[1].hash


def test_clocks_on_the_wall_do_not_do():
    class Wall(Keeper):
        def tick(self):
            stamp = super().tick()
            self.clock.time = self.ctx.now()
            return type(stamp)(self.clock.time, stamp.node)

    outcomes = [play(CLOCKS.scenarios[0].plan(seed), Wall, CLOCKS.bench) for seed in range(10)]
    assert any(each.status == "failed" for each in outcomes)


@pytest.mark.parametrize(
    "nonsense",
    [None, ("process", 1), {"lamport": 3}],
)
def test_what_is_no_probe_says_so(nonsense):
    rules = _rules()
    with pytest.raises(RuleBroken) as stop:
        rules.observe(1, nonsense)
    assert stop.value.rule.id == "probe"


@pytest.mark.parametrize(
    "stamps", [{"lamport": "noon"}, {"vector": [1, 2]}, {"vector": {"S1": 1}},
               {"vector": {1: 0.5}}]
)  # fmt: skip
def test_stamps_are_whole_numbers(stamps):
    probe = ClockProbe("process", 1, {1: 1}, "")
    _rules().observe(1, probe)
    with pytest.raises(RuleBroken) as stop:
        _rules().observe(1, probe._replace(**stamps))
    assert stop.value.rule.id == "probe"


def _rules() -> ClockRules:
    world = CLOCKS.bench.build(processes(1, 2, ("lamport", "vector")), Process)
    return ClockRules(world)
