"""``/v1/consoles``: credentials for the terminal client of a database or a cache.

The Jupyter server does not forward these: a password has no business in a browser.
"""

from __future__ import annotations

from fastapi import APIRouter

from jupyter_sysdesign.control.caller import Asking
from jupyter_sysdesign.control.models import Console
from jupyter_sysdesign.control.problems import documented
from jupyter_sysdesign.errors import NotFoundError

router = APIRouter(prefix="/v1/consoles", tags=["consoles"])


@router.get("/{environment}", operation_id="console", responses=documented(403, 404, 409, 422))
async def console(environment: str, asking: Asking, service: str | None = None) -> Console:
    """Say how a client reaches ``service`` (default: the first database or cache)."""
    instance = (await asking.held(environment)).instance
    services = {each.name: each.kind for each in instance.status.services}
    talking = [
        name for kind in ("postgres", "valkey") for name in services if services[name] == kind
    ]
    name = service if service is not None else next(iter(talking), None)
    if name is None:
        raise NotFoundError("This lesson has neither a database nor a cache to talk to")
    if name not in talking:
        raise NotFoundError(
            f"There is nothing to talk to at {name!r}", hint=f"There are: {', '.join(talking)}."
        )
    if services[name] == "postgres":
        return Console(service=name, kind="postgres", url=instance.dsn("app", name))
    return Console(service=name, kind="valkey", url=instance.cache_url(name))
