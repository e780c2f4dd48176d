"""Answers to questions, decided on what was recorded; all writing of ``answers.json`` is here."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from jupyter_sysdesign.control.loading import favourite
from jupyter_sysdesign.curriculum.answers import AnswersFile
from jupyter_sysdesign.errors import SysdesignError
from jupyter_sysdesign.grading import questions
from jupyter_sysdesign.grading.measuring import Recorded
from jupyter_sysdesign.grading.rubric import process

if TYPE_CHECKING:
    from jupyter_sysdesign.control.environment import Environment
    from jupyter_sysdesign.control.models import Answer, AnswerRequest
    from jupyter_sysdesign.curriculum.catalogue import Catalogue, Lesson
    from jupyter_sysdesign.curriculum.workspace import Workspace

log = logging.getLogger(__name__)


async def answer(
    lesson: Lesson,
    workspace: Workspace,
    environment: Environment | None,
    question: str,
    request: AnswerRequest,
) -> Answer:
    """Decide and keep one answer.

    Raises:
        NotFoundError: no such question.
        ConflictError: its step is not open, or a prediction comes too late.
        InvalidRequestError: the value has not the form the question asks for.
    """
    return await asyncio.to_thread(
        questions.answer,
        lesson,
        AnswersFile(workspace.folder),
        question,
        request.value,
        skip=request.skip,
        recorded=_recorded(environment),
        mark=process.mark,
    )


async def settle(catalogue: Catalogue, environment: Environment) -> None:
    """Decide the answers that waited for the run that has just ended."""

    def work() -> None:
        lesson = catalogue.lesson(environment.source.lesson)
        file = AnswersFile(environment.source.workspace)
        questions.settle(lesson, file, _recorded(environment))

    try:
        await asyncio.to_thread(work)
    except SysdesignError:
        log.exception("answers of %s could not be settled", environment.id)


def _recorded(environment: Environment | None) -> Recorded:
    if environment is None:
        return Recorded()
    runs, source = environment.runs, environment.source

    def hot(profile: str, parameter: str) -> int | None:
        return favourite(source, profile, parameter)

    return Recorded(runs.list(), runs.read, hot)
