"""What lab-raft says of its runs is what its cells show."""

from __future__ import annotations

import ast
import re

import nbformat
import pytest

from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.notebook import simulation
from jupyter_sysdesign.simulation.faults import Fault
from jupyter_sysdesign.simulation.protocols.raft.suite import RAFT
from jupyter_sysdesign.simulation.units import MS

LESSON = Catalogue().lesson("lab-raft")
NOTEBOOK = nbformat.read(LESSON.notebooks / "lesson.ipynb", as_version=4)


def cell(name: str) -> str:
    (found,) = [each.source for each in NOTEBOOK.cells if each.id == name]
    return found


def leaders(source: str) -> list[tuple[int, int]]:
    """Run a cell; return when somebody became leader, in ms, and of which term."""
    names = {"simulate": simulation.simulate, "Fault": Fault, "MS": MS}
    body = ast.parse(source).body
    exec(compile(ast.Module(body[:-1], []), "cell", "exec"), names)
    view = eval(compile(ast.Expression(body[-1].value), "cell", "eval"), names)
    assert view.outcome.status == "passed"
    found = (re.match(r" *([\d.]+) s .* becomes leader of term (\d+)", line) for line in view.story)
    return [(round(float(each[1]) * 1000), int(each[2])) for each in found if each]


def actual(question: str) -> float:
    asked = LESSON.file.question(question)
    assert asked is not None
    return asked.actual.value


def test_the_first_leader_comes_when_the_lesson_says():
    assert leaders(cell("election"))[0] == (actual("first-leader"), 1)


def test_the_second_leader_comes_when_the_lesson_says():
    assert leaders(cell("cut"))[:2] == [(180, 1), (700 + actual("new-leader"), 2)]


@pytest.mark.parametrize("words", ["0.927 s  S3 appends up to index 5, of term 1", "0.861 s  S2"])
def test_the_exhibits_are_in_the_run(words):
    asked = LESSON.file.question("two-leaders")
    assert any(words in each.text for each in asked.exhibits)
    names = {"simulate": simulation.simulate, "Fault": Fault, "MS": MS}
    exec(cell("cut").replace("simulate(", "view = simulate("), names)
    assert any(words in line for line in names["view"].story)


@pytest.mark.parametrize(
    ("stage", "crash"), [("stage1", False), ("judge2", False), ("judge3", True)]
)
def test_servers_lose_their_memory_in_the_third_stage_and_not_before(stage, crash):
    names = ast.literal_eval(re.search(r"only=(\[.*\])", cell(stage))[1])
    plans = [each.plan for each in RAFT.killers if each.scenario in names]
    plans += [
        each.plan(seed) for each in RAFT.scenarios if each.name in names for seed in range(100)
    ]
    kinds = {each.kind for plan in plans for each in plan.faults}
    kinds |= {each.kind for plan in plans for trigger in plan.triggers for each in trigger.then}
    assert ("crash" in kinds) is crash
