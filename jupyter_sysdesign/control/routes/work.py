"""``/v1/work``: all that a learner wrote as one zip, and the way back."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from jupyter_sysdesign.control.caller import Asking
from jupyter_sysdesign.control.models import ImportedWorkspace, ImportRequest
from jupyter_sysdesign.control.problems import documented
from jupyter_sysdesign.curriculum.workspace import NOTEBOOK
from jupyter_sysdesign.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_sysdesign.control.plane import ControlPlane

router = APIRouter(prefix="/v1/work", tags=["workspaces"])

_ZIP = "application/zip"


@router.get(
    "",
    operation_id="export_work",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The zip.",
            "content": {_ZIP: {"schema": {"type": "string", "format": "binary"}}},
        },
        **documented(400, 403, 404, 409, 422, 507),
    },
)
async def export(asking: Asking, folder: str = "") -> StreamingResponse:
    """Send the workspace in ``folder``, or all those below it, as one zip (default: the root)."""
    file = await asyncio.to_thread(_packed, asking.folder(folder or None, ""))
    return StreamingResponse(_chunks(file), media_type=_ZIP)


@router.post(
    "", operation_id="import_work", responses=documented(400, 403, 404, 409, 413, 422, 507)
)
async def import_(request: ImportRequest, asking: Asking) -> list[ImportedWorkspace]:
    """Unpack a zip of work: all of it or nothing; nothing a learner wrote is lost."""
    from jupyter_sysdesign.curriculum.unpacking import unpack  # noqa: PLC0415 (rarely used)

    plane = asking.plane
    unpacked = await asyncio.to_thread(
        unpack,
        asking.folder(request.file, ""),
        asking.folder(request.folder, ""),
        plane.catalogue,
        overwrite=request.overwrite,
        ask=lambda folder: _refuse_running(plane, folder),
    )
    for each in unpacked:
        await asyncio.to_thread(plane.workspaces.remember, each.workspace)
    return [
        ImportedWorkspace(
            id=each.workspace.id,
            lesson=each.workspace.lesson,
            folder=str(each.workspace.folder),
            path=asking.path(each.workspace.folder),
            notebook=NOTEBOOK,
            became=each.became,
            kept=None if each.kept is None else str(each.kept),
        )
        for each in unpacked
    ]


def _packed(folder: Path) -> BinaryIO:
    """Return the zip of a folder, open; nothing of it is left when it is closed."""
    from jupyter_sysdesign.curriculum.packing import pack  # noqa: PLC0415 (rarely used)

    with tempfile.TemporaryDirectory(prefix="sysdesign-export-") as made:
        target = Path(made) / "work.zip"
        pack(folder, target)
        return target.open("rb")


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(1 << 16):
            yield chunk


def _refuse_running(plane: ControlPlane, folder: Path) -> None:
    for environment in plane.environments.in_use():
        if environment.source.workspace == folder:
            raise ConflictError(
                f"The environment of {folder} is running", hint="Stop it, and import again."
            )
