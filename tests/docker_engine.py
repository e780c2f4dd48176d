"""The Docker engine that tests run on: whether there is one, and what a test left in it."""

from __future__ import annotations

import functools
import time

import docker

from jupyter_sysdesign.environment.runtimes.docker import engine, images, labels, reaping
from jupyter_sysdesign.errors import SysdesignError

#: The one that tests run on, whatever a test makes of the variable that names it.
URL = engine.url()
#: How long what was told to end may take. No test asserts on less.
_END_S = 60.0


@functools.cache
def missing() -> str:
    """Return why nothing can run on Docker here; empty: it can."""
    try:
        images.require(images.TARGETS)
    except SysdesignError as error:
        return f"{error.message}. {error.hint}"
    return ""


def version() -> str:
    """Return what answers."""
    with docker.APIClient(base_url=URL) as client:
        found = client.version()
    return f"engine {found['Version']}, API {found['ApiVersion']}"


def left(home: str) -> list[str]:
    """Return, and remove, what still belongs to a home after it had time to end."""
    if missing():
        return []
    until = time.monotonic() + _END_S
    with docker.APIClient(base_url=URL) as client:
        while found := _belonging(client, home):
            if time.monotonic() > until:
                break
            time.sleep(0.05)
    for instance in reaping.instances(URL, home):
        reaping.reap(URL, home, instance)
    return found


def _belonging(client: object, home: str) -> list[str]:
    filters = {"label": f"{labels.HOME}={home}"}
    containers = client.containers(all=True, filters=filters)
    networks = client.networks(filters=filters)
    return [each["Names"][0] for each in containers] + [each["Name"] for each in networks]
