"""A lesson's notebook, questions, hints, diagrams and traffic belong together."""

import ast
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import nbformat
import pytest

from jupyter_sysdesign.curriculum.catalogue import Catalogue, Lesson, shipped
from jupyter_sysdesign.curriculum.question import StepName
from jupyter_sysdesign.grading import overlay
from jupyter_sysdesign.load.profile import load_profiles

LESSONS = [
    lesson
    for lesson in Catalogue().lessons()
    if lesson.environment.parents[1] == Path(__file__).parents[2]
]
SVG = "{http://www.w3.org/2000/svg}"
IMAGE = re.compile(r"!\[(?P<text>[^\]]*)\]\((?P<path>[^)]+)\)")


@pytest.fixture(params=LESSONS, ids=[lesson.id for lesson in LESSONS])
def lesson(request: pytest.FixtureRequest) -> Lesson:
    return request.param


@pytest.fixture
def notebook(lesson: Lesson) -> nbformat.NotebookNode:
    return nbformat.read(lesson.notebooks / "lesson.ipynb", as_version=4)


def calls(notebook: nbformat.NotebookNode) -> list[tuple[str, str]]:
    """Return (method, first argument) of each ``lesson.….("…")`` in the order of the cells."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        nodes = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)]
        for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
            of_lesson = isinstance(node.func, ast.Attribute) and isinstance(
                node.func.value, ast.Name
            )
            if of_lesson and node.func.value.id == "lesson":
                first = (
                    node.args[0].value
                    if node.args and isinstance(node.args[0], ast.Constant)
                    else ""
                )
                found.append((node.func.attr, first))
    return found


def test_no_lesson_is_left_out_for_a_mistake_in_it():
    assert Catalogue([shipped()]).problems == []


def test_the_variants_fit_the_files_they_are_made_from(lesson: Lesson):
    assert overlay.solution(lesson) is not None
    assert overlay.alternatives(lesson)
    assert len(overlay.cheats(lesson)) >= 6  # docs/authoring.md


def test_the_notebook_is_as_a_learner_gets_it(notebook: nbformat.NotebookNode):
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert notebook.metadata.kernelspec.name == "python3"
    assert "from jupyter_sysdesign import Lesson" in code[0].source


def test_every_question_is_asked_once_and_in_order(lesson: Lesson, notebook: nbformat.NotebookNode):
    asked = [(method, first) for method, first in calls(notebook) if method in ("ask", "predict")]
    expected = [
        ("predict" if question.kind == "predict" else "ask", question.id)
        for question in lesson.file.questions
    ]
    assert asked == expected


def test_every_step_has_its_heading_in_order(lesson: Lesson, notebook: nbformat.NotebookNode):
    headings = [
        line.removeprefix("## ")
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if re.match(r"## \d ", line)
    ]
    assert headings == [
        f"{at} · {step.title}" for at, step in enumerate(lesson.file.steps, start=1)
    ]
    assert [step.id for step in lesson.file.steps] == list(StepName.__args__)


def test_hints_and_traffic_that_cells_name_exist(lesson: Lesson, notebook: nbformat.NotebookNode):
    named = calls(notebook)
    assert {first for method, first in named if method == "hint"} == {
        ladder.id for ladder in lesson.file.hints
    }
    traffic = lesson.environment / "load.yaml"
    profiles = load_profiles(traffic) if traffic.is_file() else {}
    assert {first for method, first in named if method == "load"} <= set(profiles)


def test_every_diagram_is_shown_and_can_be_read_without_seeing_it(
    lesson: Lesson, notebook: nbformat.NotebookNode
):
    shown = [match for cell in notebook.cells for match in IMAGE.finditer(cell.source)]
    assert all(len(match["text"]) > 20 for match in shown)
    there = {
        path.relative_to(lesson.notebooks).as_posix() for path in lesson.notebooks.rglob("*.svg")
    }
    assert {match["path"] for match in shown} == there
    for name in there:
        root = ET.parse(lesson.notebooks / name).getroot()
        assert root.tag == f"{SVG}svg"
        assert root.get("role") == "img"
        assert (root.findtext(f"{SVG}title") or "").strip()
        assert (root.findtext(f"{SVG}desc") or "").strip()
        text = (lesson.notebooks / name).read_text(encoding="utf-8")
        assert "<script" not in text
        assert "@font-face" not in text
        assert set(re.findall(r"https?://[^\"'\s]+", text)) == {"http://www.w3.org/2000/svg"}
