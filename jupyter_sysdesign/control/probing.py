"""Does a service know the paths of a profile? Asked before load is put on it."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx

from jupyter_sysdesign.load.template import TextTemplate
from jupyter_sysdesign.unencrypted import NO_CERTIFICATES

if TYPE_CHECKING:
    from jupyter_sysdesign.load.parameter import Parameter
    from jupyter_sysdesign.load.profile import Profile, Request
    from jupyter_sysdesign.load.target import Target

_TIMEOUT_S = 2.0


async def unknown_paths(profile: Profile, target: Target) -> list[str]:
    """Return the paths of the mix that the service answers 404 to.

    ``HEAD`` changes nothing, and a path that only knows other methods answers 405 to it. A service
    that does not answer in time is given the benefit of the doubt.
    """
    values = {name: _some(parameter) for name, parameter in profile.parameters.items()}
    transport = httpx.AsyncHTTPTransport(uds=target.unix_path, verify=NO_CERTIFICATES)
    base_url = f"http://{target.authority}"
    async with httpx.AsyncClient(
        transport=transport, base_url=base_url, timeout=_TIMEOUT_S
    ) as client:
        asked = [each for each in profile.mix if HTTPStatus.NOT_FOUND not in (each.expect or ())]
        paths = [TextTemplate(each.path, url=True).render(values) for each in asked]
        missing = await asyncio.gather(*(_is_missing(client, path) for path in paths))
    return [_shown(each) for each, is_missing in zip(asked, missing, strict=True) if is_missing]


async def _is_missing(client: httpx.AsyncClient, path: str) -> bool:
    try:
        answer = await client.head(path)
    except httpx.HTTPError:
        return False
    return answer.status_code == HTTPStatus.NOT_FOUND


def _some(parameter: Parameter) -> Any:
    """Return one value that the parameter takes."""
    if parameter.choice is not None:
        return parameter.choice[0]
    first = parameter.integer or parameter.zipf or parameter.sequence
    return first.first if first is not None else ""


def _shown(request: Request) -> str:
    return f"{request.method} {request.path.partition('?')[0]}"
