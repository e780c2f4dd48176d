"""``/v1/lessons``: the catalogue."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from jupyter_sysdesign.control.caller import Plane
from jupyter_sysdesign.control.models import LessonDetail, LessonSummary
from jupyter_sysdesign.control.problems import documented

router = APIRouter(prefix="/v1/lessons", tags=["lessons"])


@router.get("", operation_id="lessons")
async def lessons(plane: Plane) -> list[LessonSummary]:
    """List the lessons in their order."""
    found = await asyncio.to_thread(plane.catalogue.lessons)
    return [lesson.summary() for lesson in found]


@router.get("/{lesson}", operation_id="lesson", responses=documented(404, 422))
async def lesson(lesson: str, plane: Plane) -> LessonDetail:
    """Describe one lesson, without its answers."""
    found = await asyncio.to_thread(plane.catalogue.lesson, lesson)
    return await asyncio.to_thread(found.detail)
