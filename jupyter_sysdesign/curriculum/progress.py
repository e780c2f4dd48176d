"""How far a learner is: which steps are open, what is answered, which checks hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign import file_names
from jupyter_sysdesign.control.models import Status, WorkspaceDetail
from jupyter_sysdesign.curriculum.answers import AnswersFile
from jupyter_sysdesign.curriculum.workspace import NOTEBOOK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.control.models import Answer
    from jupyter_sysdesign.curriculum.catalogue import Lesson
    from jupyter_sysdesign.curriculum.workspace import Workspace


def open_steps(lesson: Lesson, answers: Mapping[str, Answer]) -> list[str]:
    """Return the open steps: every question of the steps before is answered or skipped."""
    opened: list[str] = []
    for step in lesson.file.steps:
        opened.append(step.id)
        asked = [each.id for each in lesson.file.questions if each.step == step.id]
        if any(question not in answers for question in asked):
            break
    return opened


def detail(workspace: Workspace, lesson: Lesson) -> WorkspaceDetail:
    """Return a workspace as the API shows it; model answers only beside one's own."""
    file = AnswersFile(workspace.folder)
    files = workspace.files()
    unlisted = [file_names.shown(each) for each in files if not file_names.is_text(each)]
    answers = {question: shown(lesson, question, each) for question, each in file.answers().items()}
    checks = file.checks()
    declared = lesson.check_ids() or list(checks)
    passed = [
        each for each in declared if checks.get(each, {}).get("status") == Status.PASSED.value
    ]
    return WorkspaceDetail(
        id=workspace.id,
        lesson=lesson.id,
        folder=str(workspace.folder),
        notebook=NOTEBOOK,
        has_services=lesson.has_services,
        files=[each for each in files if file_names.is_text(each)],
        editable=list(lesson.file.editable),
        answers=answers,
        open_steps=open_steps(lesson, answers),
        checks_passed=len(passed),
        checks_total=len(declared),
        questions_total=len(lesson.file.questions),
        finished=file.passed_at is not None,
        solutions=solutions(lesson) if file.tried else {},
        notices=[*file.notices, *_unlisted(unlisted)],
    )


def _unlisted(names: list[str]) -> list[str]:
    told = f"{', '.join(names[:3])}{', …' if names[3:] else ''}"
    return [f"Not listed, for the name is not UTF-8 text: {told}"] if names else []


def solutions(lesson: Lesson) -> dict[str, str]:
    """Return the before/after code by hint ladder; only for those who have tried."""
    return {each.id: each.solution for each in lesson.file.hints if each.solution}


def shown(lesson: Lesson, question: str, answer: Answer) -> Answer:
    """Return ``answer`` with the model answer, unless skipped or spoiling a prediction."""
    asked = lesson.file.question(question)
    pending = asked is not None and asked.kind == "predict" and answer.score is None
    model = "" if asked is None or answer.skipped or pending else asked.model_answer
    return answer.model_copy(update={"model_answer": model or None})
