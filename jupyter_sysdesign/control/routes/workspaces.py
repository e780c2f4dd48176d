"""``/v1/workspaces``: a learner's copies of lessons, and what they answered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi import APIRouter, Response, status

from jupyter_sysdesign.control.caller import Asking
from jupyter_sysdesign.control.models import (
    Answer,
    AnswerRequest,
    WorkspaceDetail,
    WorkspaceRequest,
)
from jupyter_sysdesign.control.problems import documented
from jupyter_sysdesign.curriculum import progress
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.errors import SysdesignError

if TYPE_CHECKING:
    from jupyter_sysdesign.control.caller import Caller
    from jupyter_sysdesign.curriculum.workspace import Workspace

router = APIRouter(prefix="/v1/workspaces", tags=["workspaces"])

_NAMED = (400, 403, 404, 409, 422, 507)


@router.get("", operation_id="workspaces", responses=documented(409))
async def known(asking: Asking) -> list[WorkspaceDetail]:
    """List the workspaces that are known, last opened first."""
    found = []
    for workspace in await asyncio.to_thread(asking.plane.workspaces.known):
        if asking.sees(workspace.folder):
            try:
                found.append(await _detail(asking, workspace))
            except SysdesignError:  # its lesson is gone, say: the others are still there
                continue
    return found


@router.post(
    "",
    operation_id="create_workspace",
    status_code=status.HTTP_201_CREATED,
    responses={
        200: {"model": WorkspaceDetail, "description": "It was there already."},
        **documented(400, 403, 404, 409, 413, 422, 507),
    },
)
async def create(request: WorkspaceRequest, asking: Asking, response: Response) -> WorkspaceDetail:
    """Make the workspace of a lesson, or find it; nothing a learner wrote is overwritten."""
    lesson = await asyncio.to_thread(asking.plane.catalogue.lesson, request.lesson)
    folder = asking.folder(request.folder, f"sysdesign/{lesson.id}")
    existed = await asyncio.to_thread(workspaces.has_marker, folder)
    workspace = await asyncio.to_thread(workspaces.create, lesson, folder)
    await asyncio.to_thread(asking.plane.workspaces.remember, workspace)
    if existed:
        response.status_code = status.HTTP_200_OK
    return await _detail(asking, workspace)


@router.get("/find", operation_id="find_workspace", responses=documented(*_NAMED))
async def find(folder: str, asking: Asking) -> WorkspaceDetail:
    """Describe the workspace in ``folder``: an absolute path, or relative to the root.

    From then on its id is known.
    """
    found = await asking.workspace(str(asking.folder(folder, "")))
    await asyncio.to_thread(asking.plane.workspaces.meet, found)
    return await _detail(asking, found)


@router.get("/{workspace}", operation_id="workspace", responses=documented(*_NAMED))
async def workspace(workspace: str, asking: Asking) -> WorkspaceDetail:
    """Describe a workspace: files, answers, progress."""
    return await _detail(asking, await asking.workspace(workspace))


@router.put(
    "/{workspace}/answers/{question}",
    operation_id="answer",
    responses=documented(400, 403, 404, 409, 413, 422, 507),
)
async def answer(workspace: str, question: str, request: AnswerRequest, asking: Asking) -> Answer:
    """Answer or openly skip a question; the model answer comes back with it."""
    from jupyter_sysdesign.control import answering  # noqa: PLC0415 (its imports are many)

    found = await asking.workspace(workspace)
    lesson = await asyncio.to_thread(asking.plane.catalogue.lesson, found.lesson)
    try:
        environment = await asking.plane.environments.get(found.id)
    except SysdesignError:  # nothing was ever started or recorded
        environment = None
    return await answering.answer(lesson, found, environment, question, request)


async def _detail(asking: Caller, workspace: Workspace) -> WorkspaceDetail:
    lesson = await asyncio.to_thread(asking.plane.catalogue.lesson, workspace.lesson)
    found = await asyncio.to_thread(progress.detail, workspace, lesson)
    return found.model_copy(update={"path": asking.path(workspace.folder)})
