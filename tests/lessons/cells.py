"""The cells of a simulated lab, run as a learner runs them."""

from __future__ import annotations

import ast
import json
from functools import cache
from typing import Any

import nbformat

from jupyter_sysdesign.curriculum.catalogue import Catalogue

_LEFT_OUT = ("lesson.", "judge(")


@cache
def shown(lesson: str) -> dict[str, Any]:
    """Run the code cells of a lab in order; return by cell id what its last line gives.

    Questions, checks and what judges the learner's own file are left out.
    """
    path = Catalogue().lesson(lesson).notebooks / "lesson.ipynb"
    names: dict[str, Any] = {}
    found: dict[str, Any] = {}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        source = cell.source.partition("lesson = Lesson()")[0]
        if any(words in source for words in _LEFT_OUT):
            continue
        body = ast.parse(source).body
        last = body[-1]
        if isinstance(last, (ast.Expr, ast.Assign)):
            exec(compile(ast.Module(body[:-1], []), cell.id, "exec"), names)
            found[cell.id] = eval(compile(ast.Expression(last.value), cell.id, "eval"), names)
            if isinstance(last, ast.Assign):
                names |= {each.id: found[cell.id] for each in last.targets}
        else:
            exec(compile(ast.Module(body, []), cell.id, "exec"), names)
    return found


def sends(view: Any) -> list[dict[str, Any]]:
    """Return what servers of a run sent each other, as lines of its trace."""
    lines = [json.loads(each) for each in view.trace.splitlines()]
    return [
        each
        for each in lines
        if each["kind"] == "send" and isinstance(each["node"], int) and isinstance(each["dst"], int)
    ]


def actual(lesson: str, question: str) -> float:
    """Return what a prediction is compared with."""
    asked = Catalogue().lesson(lesson).file.question(question)
    assert asked is not None
    return asked.actual.value
