"""The static form of every view: what a page without our JavaScript, or without us, shows."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from jupyter_sysdesign.control.models import Answer, CheckResult, Run, Verdict
from jupyter_sysdesign.environment.status import EnvironmentStatus
from jupyter_sysdesign.notebook.rendering import (
    logs,
    panel,
    question,
    run,
    simulation,
    verdict,
)
from jupyter_sysdesign.notebook.rendering.html import Html, card, paragraph

_Model = TypeVar("_Model", bound=BaseModel)
_RESULTS = TypeAdapter(list[CheckResult])


class Static(NamedTuple):
    """The same content twice."""

    text: str
    html: Html


def render(kind: str, props: dict[str, Any], snapshot: dict[str, Any]) -> Static:
    """Return a view's last known state; parts of a snapshot that make no sense are left out."""
    renderer = _RENDERERS.get(kind)
    if renderer is None:
        return Static(f"({kind})", card(paragraph(f"({kind})"), kind=kind))
    return renderer(props, snapshot)


def _panel(props: dict[str, Any], snapshot: dict[str, Any]) -> Static:
    status = _parsed(EnvironmentStatus, snapshot.get("status"))
    heading = str(props.get("title") or props.get("lesson") or "Environment")
    message = str(snapshot.get("message") or "")
    return Static(panel.as_text(status, heading, message), panel.as_html(status, heading, message))


def _run(props: dict[str, Any], snapshot: dict[str, Any]) -> Static:
    found = _parsed(Run, snapshot.get("run"))
    if found is None:
        text = f"Load {props.get('profile', '')!r} is under way …"
        return Static(text, card(paragraph(text), kind="run"))
    return Static(run.as_text(found), run.as_html(found))


def _question(props: dict[str, Any], snapshot: dict[str, Any]) -> Static:
    asked = props.get("question")
    asked = asked if isinstance(asked, dict) else {}
    answer = _parsed(Answer, snapshot.get("answer"))
    first = [str(each) for each in _list(snapshot.get("first"))]
    return Static(question.as_text(asked, answer, first), question.as_html(asked, answer, first))


def _verdict(props: dict[str, Any], snapshot: dict[str, Any]) -> Static:  # noqa: ARG001 (same door)
    decided = _parsed(Verdict, snapshot.get("verdict"))
    try:
        results = _RESULTS.validate_python(snapshot.get("results") or [])
    except ValidationError:
        results = []
    ended = snapshot.get("ended") is True
    return Static(
        verdict.as_text(decided, results, ended=ended),
        verdict.as_html(decided, results, ended=ended),
    )


def _logs(props: dict[str, Any], snapshot: dict[str, Any]) -> Static:
    lines = [line for line in _list(snapshot.get("lines")) if isinstance(line, dict)]
    return Static(logs.as_text(lines), logs.as_html(lines, props.get("service")))


def _simulation(props: dict[str, Any], snapshot: dict[str, Any]) -> Static:
    branches = [each for each in _list(snapshot.get("branches")) if isinstance(each, dict)]
    heading, subtitle = str(props.get("title") or "Simulation"), str(props.get("subtitle") or "")
    return Static(
        simulation.as_text(heading, subtitle, branches),
        simulation.as_html(heading, subtitle, branches),
    )


_RENDERERS = {
    "panel": _panel,
    "run": _run,
    "question": _question,
    "verdict": _verdict,
    "logs": _logs,
    "simulation": _simulation,
}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _parsed(model: type[_Model], value: object) -> _Model | None:
    if value is None:
        return None
    try:
        return model.model_validate(value)
    except ValidationError:
        return None
