"""``…/checks``: is it fixed?"""

from __future__ import annotations

from fastapi import APIRouter

from jupyter_sysdesign.control.caller import Asking
from jupyter_sysdesign.control.models import ChecksRequest, Verdict
from jupyter_sysdesign.control.problems import documented

router = APIRouter(prefix="/v1/environments/{environment}/checks", tags=["checks"])


@router.post("", operation_id="check", responses=documented(400, 403, 404, 409, 413, 422, 507))
async def check(environment: str, request: ChecksRequest, asking: Asking) -> Verdict:
    """Rebuild the system from the learner's editable files and decide; answers when decided.

    The environment itself need not run. Events tell of each check as it is decided.
    """
    found = await asking.held(environment)
    return await asking.plane.checks.run(found, request)
