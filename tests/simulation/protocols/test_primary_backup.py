"""Primary and backup: what one has answered, the other one knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign.simulation.faults import Fault
from jupyter_sysdesign.simulation.judge import judge
from jupyter_sysdesign.simulation.narration import narrate
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.protocols.primary_backup.messages import PrimaryProbe
from jupyter_sysdesign.simulation.protocols.primary_backup.mutants import PRIMARY_BACKUP_MUTANTS
from jupyter_sysdesign.simulation.protocols.primary_backup.rules import RULES, PrimaryRules
from jupyter_sysdesign.simulation.protocols.primary_backup.server import Server
from jupyter_sysdesign.simulation.protocols.primary_backup.suite import PRIMARY_BACKUP
from jupyter_sysdesign.simulation.trace import Trace
from jupyter_sysdesign.simulation.units import S
from jupyter_sysdesign.simulation.verdict import LINEARIZABILITY, RuleBroken
from jupyter_sysdesign.simulation.world import Simulation

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.judge.suite import Killer, Scenario


@pytest.mark.parametrize("scenario", PRIMARY_BACKUP.scenarios, ids=lambda each: each.name)
def test_the_reference_passes(scenario: Scenario):
    views = answered = 0
    for seed in range(20):
        outcome = play(scenario.plan(seed), Server, PRIMARY_BACKUP.bench)
        assert outcome.status == "passed", (seed, outcome)
        answered += outcome.figures["answered"]
        views = max(views, outcome.figures["views"])
    assert views >= 2
    assert answered > 0


@pytest.mark.parametrize("killer", PRIMARY_BACKUP.killers, ids=lambda each: each.bug)
def test_a_stored_run_kills_its_mutant_and_nobody_else(killer: Killer):
    mutant = PRIMARY_BACKUP_MUTANTS[killer.bug]
    outcome = play(killer.plan, mutant.server, PRIMARY_BACKUP.bench)
    assert outcome.status == "failed"
    assert outcome.violation is not None
    assert outcome.violation.rule.id == killer.rule
    assert killer.rule in mutant.shown_by
    assert play(killer.plan, Server, PRIMARY_BACKUP.bench).status == "passed"


def test_every_mutant_has_its_stored_run_and_says_what_is_wrong():
    bugs = {each.bug for each in PRIMARY_BACKUP.killers}
    assert bugs == set(PRIMARY_BACKUP_MUTANTS)
    assert len(PRIMARY_BACKUP_MUTANTS) >= 4
    known = {each.id for each in (*RULES, LINEARIZABILITY)}
    for mutant in PRIMARY_BACKUP_MUTANTS.values():
        assert mutant.mistake.endswith(".")
        assert mutant.shown_by <= known
    assert sum(each.points for each in PRIMARY_BACKUP.scenarios) == 100


@pytest.mark.parametrize("scenario", PRIMARY_BACKUP.scenarios, ids=lambda each: each.name)
def test_plans_survive_being_written_down(scenario: Scenario):
    plan = scenario.plan(7)
    assert Plan.from_json(plan.as_json()) == plan == scenario.plan(7)


def test_the_judge_finds_a_mutant():
    report = judge(
        PRIMARY_BACKUP_MUTANTS["answers-before-the-backup"].server, PRIMARY_BACKUP, seeds=1
    )
    assert report.failure is not None
    assert report.failure.rule == "backup-first"


def test_a_backup_takes_over_and_that_is_told():
    trace = Trace()
    first = Plan(1, servers=3, duration_us=1 * S)
    play(first, Server, PRIMARY_BACKUP.bench, trace=trace)
    primary = next(line["node"] for line in trace.lines if line["kind"] == "primary")
    trace = Trace()
    plan = Plan(1, servers=3, duration_us=2 * S, faults=(Fault("crash", S // 2, primary),))
    outcome = play(plan, Server, PRIMARY_BACKUP.bench, trace=trace)
    assert outcome.status == "passed"
    story = "\n".join(narrate(trace.lines, outcome))
    assert "view begins view 3" in story
    assert "is primary of view 3" in story


# The rules by themselves -----------------------------------------------------------------------


class Shown:
    """A world whose servers show what the test wants."""

    def __init__(self) -> None:
        world = Simulation(0)
        for name in (1, 2, 3):
            world.add(name, Server)
        self.rules = PrimaryRules(world)
        world.start()

    def show(self, name: int, role: str, view: int, serial: int = 0) -> None:
        done = (("c1", serial),) if serial else ()
        self.rules.observe(name, PrimaryProbe(role, view, done, synced=True))

    def breaks(self, rule: str, name: int, role: str, view: int, serial: int = 0) -> None:
        with pytest.raises(RuleBroken) as broken:
            self.show(name, role, view, serial)
        assert broken.value.rule.id == rule


@pytest.fixture
def them(monkeypatch: pytest.MonkeyPatch) -> Shown:
    monkeypatch.setattr(Server, "on_start", lambda _: None)
    return Shown()


def test_two_primaries_of_one_view(them: Shown):
    them.show(1, "primary", 3)
    them.breaks("one-primary", 2, "primary", 3)


def test_a_primary_ahead_of_its_backup(them: Shown):
    them.show(2, "backup", 3, 4)
    them.show(1, "primary", 3, 4)
    them.breaks("backup-first", 1, "primary", 3, 5)


def test_a_primary_that_does_not_know_what_was_done(them: Shown):
    them.show(1, "primary", 3, 5)
    them.breaks("nothing-forgotten", 2, "primary", 4, 4)


def test_what_is_no_probe_says_so(them: Shown):
    with pytest.raises(RuleBroken, match="shows"):
        them.rules.observe(1, ("primary", 1, (), True))
