"""The source notebook of an assignment: the lesson's own, with a cell for each thing that counts.

A cell that asks a question is graded by hand in nbgrader's terms: the mark that rules made of the
answer stands in it, and waits for the instructor's word. Each check gets a cell at the end. All of
them can carry comments, which nbgrader allows for such cells only.
"""

from __future__ import annotations

import ast
import copy
import json
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.curriculum.workspace import NOTEBOOK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_sysdesign.curriculum.catalogue import Lesson
    from jupyter_sysdesign.grading.checks import Check

_ASKING = ("ask", "predict")
_EMPTY = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}
_KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}


def check_cell(check: str) -> str:
    """Return the id of the cell that carries a check's points."""
    return f"check-{check}"


def question_cell(question: str) -> str:
    """Return the id of the cell that carries a question's points."""
    return f"question-{question}"


def made(lesson: Lesson, checks: Sequence[Check]) -> str:
    """Return the notebook, as text."""
    notebook = _own(lesson)
    cells: list[dict[str, Any]] = notebook["cells"]
    notebook["metadata"].setdefault("kernelspec", _KERNEL)
    asked: set[str] = set()
    points = {each.id: each.points for each in lesson.file.questions}
    for cell in cells:
        question = _asks(cell)
        if question in points and question not in asked:
            asked.add(question)
            cell["metadata"]["nbgrader"] = _counts(question_cell(question), points[question])
    missing = [each for each in lesson.file.questions if each.id not in asked]
    if missing:
        cells.append(_text("questions", "## Questions\n\nYour answers are kept as you give them."))
        for each in missing:
            begins = "from jupyter_sysdesign import Lesson\n\nLesson()"
            call = "predict" if each.kind == "predict" else "ask"
            cells.append(
                _code(question_cell(each.id), f'{begins}.{call}("{each.id}")', each.points)
            )
    cells.append(
        _text(
            "points",
            "## What counts\n\nAfter you submit, your system is built again from the files you may "
            "edit, and looked at from outside, with traffic that nobody has seen. Nothing needs to "
            "be written into these cells.",
        )
    )
    for check in checks:
        said = f"# {check.title} ({check.points:g} points)"
        cells.append(_code(check_cell(check.id), said, check.points))
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _own(lesson: Lesson) -> dict[str, Any]:
    path = lesson.notebooks / NOTEBOOK
    text = path.read_text(encoding="utf-8") if path.is_file() else json.dumps(_EMPTY)
    notebook: dict[str, Any] = json.loads(text)
    notebook["nbformat_minor"] = max(notebook.get("nbformat_minor", 0), 5)
    notebook.setdefault("metadata", {})
    for number, cell in enumerate(notebook["cells"]):
        cell.setdefault("id", f"cell-{number}")
        cell["metadata"] = copy.deepcopy(cell.get("metadata") or {})
    return notebook


def _asks(cell: dict[str, Any]) -> str:
    """Return the question that a cell asks as its last words: ``lesson.ask("id")``."""
    if cell["cell_type"] != "code":
        return ""
    try:
        body = ast.parse("".join(cell["source"])).body
    except SyntaxError:  # a magic
        return ""
    last = body[-1] if body else None
    if not isinstance(last, ast.Expr) or not isinstance(last.value, ast.Call):
        return ""
    call = last.value
    first = call.args[0] if call.args else None
    asking = isinstance(call.func, ast.Attribute) and call.func.attr in _ASKING
    if not asking or not isinstance(first, ast.Constant) or not isinstance(first.value, str):
        return ""
    return first.value


def _counts(grade_id: str, points: float) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "grade": True,
        "grade_id": grade_id,
        "locked": False,
        "points": points,
        "schema_version": 3,
        "solution": True,
        "task": False,
    }


def _code(cell_id: str, text: str, points: float) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": cell_id[:64],
        "metadata": {"nbgrader": _counts(cell_id, points)},
        "execution_count": None,
        "outputs": [],
        "source": text,
    }


def _text(cell_id: str, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": f"sysdesign-{cell_id}", "metadata": {}, "source": text}
