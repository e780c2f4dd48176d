"""What lab-consistency says of its histories is what the checkers say."""

from __future__ import annotations

import contextlib
import io
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import nbformat

from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.grading.loading import load_checks
from jupyter_sysdesign.simulation.checkers import models
from jupyter_sysdesign.simulation.checkers.notation import read, read_sections, verdicts

if TYPE_CHECKING:
    from pathlib import Path

LESSON = Catalogue().lesson("lab-consistency")
NOTEBOOK = nbformat.read(LESSON.notebooks / "lesson.ipynb", as_version=4)


def run(*cells: str) -> tuple[dict, str]:
    """Run cells; return their names, and what they print."""
    names = {"models": models, "read": read, "read_sections": read_sections, "verdicts": verdicts}
    printed = io.StringIO()
    for cell in cells:
        (source,) = [each.source for each in NOTEBOOK.cells if each.id == cell]
        with contextlib.redirect_stdout(printed):
            exec(source, names)
    return names, printed.getvalue()


def right(question: str) -> str:
    asked = LESSON.file.question(question)
    assert asked is not None
    (found,) = [each.text for each in asked.options if each.correct]
    return found.partition(":")[0].lower()


def weakest(history) -> list[str]:
    return [each.model for each in models.classify(history).weakest_broken]


def test_the_photo_breaks_as_many_models_as_the_lesson_says():
    names, printed = run("story", "story-verdicts", "why")
    asked = LESSON.file.question("models-broken")
    assert asked is not None
    assert printed.count(" broken") == asked.actual.value
    assert weakest(names["photo"]) == [right("which-broken")] == ["monotonic writes"]
    assert "client bob read list and got null" in printed


UNRELATED = """
    ann writes x 1
    bob writes x 2
    carl reads x 2
    carl reads x 1
    carl reads x 2
"""


def test_of_two_writers_who_knew_nothing_of_each_other_neither_is_newer():
    assert weakest(read(UNRELATED)) == ["causal convergence", "causal memory"]
    known = UNRELATED.replace("bob writes", "bob reads x 1\n    bob writes")
    assert weakest(read(known)) == ["monotonic reads"]


def test_writes_follow_reads_goes_back_over_many_reads():
    chain = """
        ann writes x 1
        bob reads x 1
        bob writes y 1
        carl reads y 1
        carl writes z 1
        dora reads z 1
        dora reads x nothing
        dora reads x 1
    """
    assert weakest(read(chain)) == ["writes follow reads"]


def test_one_line_moved_breaks_another_model():
    names, _ = run("story", "yours")
    assert weakest(names["changed"]) == [right("swapped")] == ["linearizable"]


def test_the_real_history_is_as_long_and_as_weak_as_the_lesson_says():
    names, printed = run("real-run", "real-why")
    assert printed.startswith("194 operations")
    assert any("194 operations" in each.source for each in NOTEBOOK.cells)
    assert weakest(names["recorded"]) == [right("real-history")] == ["linearizable"]
    assert "client c1 read x" in printed


def test_a_history_too_large_to_be_judged_is_not_said_to_be_right(tmp_path: Path):
    both = ("ann writes x 1", "bob writes y 1", "ann reads y nothing", "bob reads x nothing")
    many = [f"c{number % 11} writes z {number}" for number in range(22)]
    lines = ["[linearizable]", *both, "ann reads y 1", "bob reads x 1", *many]
    (tmp_path / "histories.txt").write_text("\n".join(lines), encoding="utf-8")
    (real_time,) = load_checks(LESSON, ["real-time"])
    context: Any = SimpleNamespace(workspace=tmp_path)
    outcome = real_time(context)
    assert not outcome.passed
    assert "[linearizable] may break sequential, too" in outcome.why
