"""A Jupyter server with the extension at the base URL ``/user/x/``, in this process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403 (its fixtures, only for this folder)

from jupyter_sysdesign import paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE_S = 60.0


@dataclass
class Answer:
    """What came back."""

    status: int
    body: Any
    headers: Any


@dataclass
class Jupyter:
    """The server as a page in a browser uses it."""

    app: Any
    fetch: Callable[..., Any]
    ws_fetch: Callable[..., Any]
    root: Path

    async def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        """Send one request to the control plane through the server."""
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        options.setdefault("request_timeout", PATIENCE_S)
        options["headers"] = {"Content-Type": "application/json", **options.get("headers", {})}
        sent = {"method": method, "body": body, "allow_nonstandard_methods": True, **options}
        response = await self.fetch("sysdesign", path, raise_error=False, **sent)
        text = response.body.decode()
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        return Answer(
            response.code, json.loads(text) if is_json and text else text, response.headers
        )

    async def workspace(self, lesson: str = "tiny") -> dict[str, Any]:
        """Make a workspace below the root folder."""
        answer = await self.ask("POST", "v1/workspaces", {"lesson": lesson})
        assert answer.status in (200, 201), answer
        return answer.body

    async def environment(self, *states: str) -> dict[str, Any]:
        """Make an environment and start it; return it in one of ``states``."""
        workspace = await self.workspace()
        answer = await self.ask("POST", "v1/environments", {"workspace": workspace["id"]})
        assert answer.status in (200, 201), answer
        return await self.become(answer.body["id"], *states or ("ready",))

    async def become(self, environment: str, *states: str) -> dict[str, Any]:
        """Wait until an environment is in one of ``states``."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            status = (await self.ask("GET", f"v1/environments/{environment}")).body
            if status["state"] in states:
                return status
            assert time.monotonic() < deadline, status
            time.sleep(0.02)  # noqa: ASYNC251 (nothing else happens on this loop)

    async def events(self, environment: str, after: Any = 0, **options: Any) -> Any:
        """Open an event stream."""
        path = f"v1/environments/{environment}/events"
        return await self.ws_fetch("sysdesign", path, params={"after": after}, **options)


def control_pid() -> int | None:
    """Return the pid of the control plane that runs now."""
    try:
        pid = int(paths.control_socket().with_suffix(".lock").read_text())
        return pid if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE else None
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return None


def end_control(how: signal.Signals = signal.SIGTERM) -> None:
    """End the control plane and wait until it is gone."""
    pid = control_pid()
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)
    deadline = time.monotonic() + PATIENCE_S
    while control_pid() is not None:
        assert time.monotonic() < deadline, "the control plane did not end"
        time.sleep(0.02)


@pytest.fixture
def jp_base_url() -> str:
    return "/user/x/"


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    return {
        "ServerApp": {
            "jpserver_extensions": {
                "jupyter_sysdesign": True,
                "jupyter_server_terminals": False,
            },
            "allow_unauthenticated_access": False,
        }
    }


@pytest.fixture
def jupyter(  # noqa: PLR0917 (fixtures)
    home: Path,  # before the server, and until after it
    curriculum: Path,
    jp_serverapp: Any,
    jp_fetch: Any,
    jp_ws_fetch: Any,
    jp_root_dir: Path,
    jp_asyncio_loop: Any,
) -> Iterator[Jupyter]:
    """Return the server; what it started ends with the test."""
    yield Jupyter(jp_serverapp, jp_fetch, jp_ws_fetch, jp_root_dir)
    jp_asyncio_loop.run_until_complete(jp_serverapp.cleanup_extensions())
    end_control()


@pytest.fixture
def control_plane() -> Any:
    """Return functions that look at the control plane and end it."""
    return _ControlPlane()


class _ControlPlane:
    pid = staticmethod(control_pid)
    end = staticmethod(end_control)
