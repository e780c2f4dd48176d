"""``lesson.ask``, ``lesson.predict`` and ``lesson.hint``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.notebook.connection import unknown
from jupyter_sysdesign.notebook.rendering import message
from jupyter_sysdesign.notebook.view import View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.control.models import Answer, LessonDetail
    from jupyter_sysdesign.notebook.connection import Connection


def ask(
    connection: Connection,
    question: str,
    *,
    answer: object = None,
    skip: bool = False,
    kind: str | None = None,
) -> View:
    """Show a question with the answer that is kept; answer it here when ``answer`` is given.

    Raises:
        NotFoundError: no question of that id (and kind).
        ConflictError: its step is not open yet, or a prediction comes after its run.
        InvalidRequestError: the answer has not the form that the question asks for.
    """
    asked = _question(connection, question, kind)
    snapshot: dict[str, Any] = {}
    if answer is not None or skip:
        kept = connection.client.answer(connection.detail().id, asked["id"], answer, skip=skip)
        snapshot["answer"] = kept.model_dump(mode="json")
    else:
        answers = connection.detail().answers
        if asked["id"] in answers:
            snapshot["answer"] = answers[asked["id"]].model_dump(mode="json")
        snapshot["first"] = _before(connection.lesson, asked, answers)
        last = connection.asked.get(asked["id"])
        if last is not None and "draft" in last.snapshot:  # typed, and not sent yet
            snapshot["draft"] = last.snapshot["draft"]
    view = View(
        "question", {**connection.props(), "question": asked}, snapshot, connection=connection
    )
    view.show()
    connection.asked[asked["id"]] = view
    return view


def _before(
    lesson: LessonDetail, asked: dict[str, Any], answers: Mapping[str, Answer]
) -> list[str]:
    """Return the questions of earlier steps that are neither answered nor skipped yet."""
    earlier = lesson.steps[: lesson.steps.index(asked["step"])] if asked.get("step") else []
    return [
        str(each["id"])
        for each in lesson.questions
        if each.get("step") in earlier and each["id"] not in answers
    ]


def _question(connection: Connection, question: str, kind: str | None) -> dict[str, Any]:
    there = {
        str(each["id"]): each
        for each in connection.lesson.questions
        if kind is None or each.get("kind") == kind
    }
    if question not in there:
        raise unknown("prediction" if kind == "predict" else "question", question, there)
    return there[question]


class Hint:
    """A ladder of hints: each rung opens with a click, or in a terminal with ``level``."""

    def __init__(self, ladder: dict[str, Any], solution: str | None, level: int) -> None:
        self._ladder = ladder
        self._solution = solution
        self._level = max(1, level)

    def __repr__(self) -> str:
        return message.hint_text(self._ladder, self._solution, self._level)

    def _repr_html_(self) -> str:
        return message.hint_html(self._ladder, self._solution)


def hint(connection: Connection, ladder: str | None, *, level: int = 1) -> Hint:
    """Return a ladder of hints; without an id, the only one.

    Raises:
        NotFoundError: no hints of that id.
        InvalidRequestError: there are several.
    """
    there = {str(each["id"]): each for each in connection.lesson.hints}
    if ladder is None and len(there) == 1:
        ladder = next(iter(there))
    if ladder is None and there:
        raise InvalidRequestError(
            "Which hint? This lesson has several.",
            hint=f"For example lesson.hint({next(iter(there))!r}); there are: {', '.join(there)}.",
        )
    if ladder is None or ladder not in there:
        raise unknown("hint", ladder or "", there)
    solutions = connection.detail().solutions
    return Hint(there[ladder], solutions.get(ladder), level)
