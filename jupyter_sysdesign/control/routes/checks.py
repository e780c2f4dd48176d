"""``…/checks``: is it fixed?"""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from jupyter_sysdesign.control.caller import Asking
from jupyter_sysdesign.control.models import ChecksRequest, ChecksState, Verdict
from jupyter_sysdesign.control.problems import documented
from jupyter_sysdesign.errors import NotFoundError

router = APIRouter(prefix="/v1/environments/{environment}/checks", tags=["checks"])


@router.get("", operation_id="checks", responses=documented(403, 404, 409, 422))
async def state(environment: str, asking: Asking) -> ChecksState:
    """Tell what a check under way has decided so far, and the last verdict."""
    found = await asking.environment(environment)
    lesson = await asyncio.to_thread(asking.plane.catalogue.lesson, found.source.lesson)
    declared = await asyncio.to_thread(lesson.check_ids)
    return asking.plane.checks.state(found.id, declared)


@router.post("", operation_id="check", responses=documented(400, 403, 404, 409, 413, 422, 507))
async def check(environment: str, request: ChecksRequest, asking: Asking) -> Verdict:
    """Rebuild the system from the learner's editable files and decide; answers when decided.

    The environment itself need not run. Events tell of each check as it is decided. It goes on when
    this request is broken off, and ends with the holder of its lease.
    """
    found = await asking.held(environment)
    lesson = await asyncio.to_thread(asking.plane.catalogue.lesson, found.source.lesson)
    known = await asyncio.to_thread(lesson.check_ids)
    unknown = [each for each in request.only or [] if each not in known]
    if unknown:
        raise NotFoundError(
            f"{lesson.id} has no check {unknown[0]!r}", hint=f"It has {', '.join(known)}."
        )
    return await asking.plane.checks.run(found, request, known, asking.end_with_us)
