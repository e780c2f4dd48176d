"""A question with the kept answer, feedback and, after one's own answer, the model answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.notebook.rendering.html import (
    AMBER,
    GREEN,
    GREY,
    RED,
    Html,
    badge,
    card,
    code,
    footnote,
    join,
    muted,
    notice,
    paragraph,
    strong,
    tag,
    title,
)
from jupyter_sysdesign.notebook.rendering.markdown import inline, markdown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_sysdesign.control.models import Answer

_FIRST = "This step is not open yet. Answer or skip first: "

_HEADINGS = {
    "predict": "Predict",
    "observe": "Observe",
    "comprehend": "Question",
    "tradeoff": "Weigh the options",
    "evidence": "Which evidence proves it?",
    "reflect": "Reflect",
}


def as_html(question: dict[str, Any], answer: Answer | None, first: Sequence[str] = ()) -> Html:
    """Return question and answer.

    Args:
        question: as in ``LessonDetail.questions``.
        answer: the kept answer, if there is one.
        first: ids of the questions to answer before this one opens.
    """
    chosen = set(picked(answer.value)) if answer else set()
    heading = question.get("title") or _HEADINGS.get(str(question.get("kind")), "Question")
    parts = [title(f"{heading} ", _state(answer)), markdown(str(question.get("prompt", "")))]
    if question.get("claim"):
        parts.append(notice(inline(str(question["claim"])), colour=GREY))
    many = question.get("pick")
    if isinstance(many, int) and many > 1:
        parts.append(paragraph(f"Pick {many}."))
    parts += [
        _option(option, str(option.get("id")) in chosen, with_id=answer is None)
        for option in options(question)
    ]
    for claim in claims(question) if answer is None else ():
        parts.append(paragraph(inline(str(claim.get("text", ""))), "  ", code(str(claim["id"]))))
        parts += [_option(option, chosen=False, with_id=True) for option in options(claim)]
    if answer is None and first:
        parts.append(notice(_FIRST, ", ".join(first), "."))
    elif answer is None:
        parts.append(
            footnote("Answer it in JupyterLab, or with ", code(_call(question)), " in a cell.")
        )
    if answer is not None:
        parts += _answer(question, answer)
    return card(*parts, kind="question")


def as_text(question: dict[str, Any], answer: Answer | None, first: Sequence[str] = ()) -> str:
    """Return question and answer for a terminal."""
    lines = [str(question.get("prompt", "")).strip()]
    if question.get("claim"):
        lines.append(f"  Claim: {question['claim']}")
    chosen = set(picked(answer.value)) if answer else set()
    lines += [
        f"  {'[x]' if option['id'] in chosen else '[ ]'} {option['id']}: {option.get('text', '')}"
        for option in options(question)
    ]
    for claim in claims(question):
        ways = " | ".join(str(option["id"]) for option in options(claim)) or claim.get("unit", "")
        lines.append(f"  {claim['id']}: {claim.get('text', '')} ({ways or 'a number'})")
    if answer is None and first:
        return "\n".join([*lines, f"{_FIRST}{', '.join(first)}."])
    if answer is None:
        return "\n".join([*lines, f"Answer with {_call(question)}"])
    if answer.skipped:
        return "\n".join([*lines, "Skipped."])
    lines.append(f"Your answer: {said(question, answer.value)}")
    lines += [_DECIDED[answer.correct]] if answer.correct is not None else []
    lines += [answer.feedback] if answer.feedback else []
    lines += [f"Model answer: {answer.model_answer}"] if answer.model_answer else []
    return "\n".join(lines)


def options(question: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what there is to choose from; nothing for numbers and prose."""
    return [each for each in question.get("options") or [] if isinstance(each, dict)]


def claims(question: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what prose rests on: the fields beside it."""
    found = question.get("claims") or []
    return [each for each in found if isinstance(each, dict) and "id" in each]


def picked(value: object) -> list[str]:
    """Return the ids of the options that an answer chose."""
    if isinstance(value, dict):
        return picked(value.get("choice"))
    if isinstance(value, list):
        return [str(each) for each in value]
    return [value] if isinstance(value, str) else []


def said(question: dict[str, Any], value: object) -> str:
    """Return an answer as one would say it."""
    unit = f" {question['unit']}" if question.get("unit") else ""
    if isinstance(value, dict) and "low" in value:
        high = _figure(value.get("high"), unit)
        low = value.get("low") if high.endswith(unit) else _figure(value.get("low"), unit)
        return f"between {low} and {high}"
    if isinstance(value, dict) and "claims" in value:
        claims = value["claims"] if isinstance(value["claims"], dict) else {}
        stated = [f"{claim}: {each}" for claim, each in claims.items()]
        return ". ".join([", ".join(stated), str(value.get("text", ""))])
    if isinstance(value, dict):
        return f"{value.get('choice', '')}: {value.get('because', '')}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return _figure(value, unit)


def _figure(value: object, unit: str) -> str:
    """Return a number with its unit, unless it was written with one."""
    has_unit = isinstance(value, str) and not value.rstrip()[-1:].isdigit()
    return str(value) if has_unit else f"{value}{unit}"


_DECIDED = {True: "Right.", False: "Not right."}


def _state(answer: Answer | None) -> Html:
    if answer is None:
        return badge("open", "")
    if answer.skipped:
        return badge("skipped", AMBER)
    if answer.correct is None:
        return badge("answered", GREY)
    return badge("✓ right", GREEN) if answer.correct else badge("✗ not right", RED)


def _option(option: dict[str, Any], chosen: bool, *, with_id: bool) -> Html:
    source = option.get("source")
    return tag(
        "div",
        "● " if chosen else "○ ",
        badge(str(source)) if source else "",
        strong(inline(str(option.get("text", ""))))
        if chosen
        else inline(str(option.get("text", ""))),
        muted(" (your answer)") if chosen else "",
        join("  ", code(str(option.get("id", "")))) if with_id else "",
        style="margin: 2px 0 2px 8px",
    )


def _answer(question: dict[str, Any], answer: Answer) -> list[Html]:
    if answer.skipped:
        return [paragraph(muted("You skipped this question. Answer it whenever you like."))]
    parts = []
    if not options(question):
        parts.append(paragraph(strong("Your answer: "), said(question, answer.value)))
    elif isinstance(answer.value, dict) and answer.value.get("because"):
        parts.append(paragraph(strong("Your reasons: "), str(answer.value["because"])))
    if answer.feedback:
        colour = GREY if answer.correct is None else GREEN if answer.correct else RED
        parts.append(notice(markdown(answer.feedback), colour=colour))
    if answer.model_answer:
        parts.append(
            notice(join(strong("Model answer "), markdown(answer.model_answer)), colour=GREY)
        )
    return parts


def _call(question: dict[str, Any]) -> str:
    example = {
        "number": "12",
        "interval": '{"low": 10, "high": 20}',
        "choice": '"…"',
        "choices": '["…", "…"]',
        "defend": '{"choice": "…", "because": "…"}',
    }.get(str(question.get("form")), '"…"')
    if claims(question):
        fields = ", ".join(f'"{each["id"]}": …' for each in claims(question))
        example = f'{{"text": "…", "claims": {{{fields}}}}}'
    return f'lesson.ask("{question.get("id")}", answer={example})'
