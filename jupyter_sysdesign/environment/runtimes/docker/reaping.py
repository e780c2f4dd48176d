"""Removes what a crash left in the engine, by its labels; without the SDK, as a guard is small."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from typing import Any
from urllib.parse import quote

from jupyter_sysdesign.environment.runtimes.docker.labels import HOME, INSTANCE

_TIMEOUT_S = 60.0
_OK = range(200, 300)


class _Connection(http.client.HTTPConnection):
    """HTTP over the engine's unix socket."""

    def __init__(self, engine: str) -> None:
        super().__init__("docker", timeout=_TIMEOUT_S)
        self._engine = engine.removeprefix("unix://")

    def connect(self) -> None:
        """Connect."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_TIMEOUT_S)
        self.sock.connect(self._engine)


def instances(engine: str, home: str) -> set[str]:
    """Return the instances of ``home`` that have a container or a network.

    Raises:
        OSError: the engine does not answer.
    """
    found = [*_list(engine, "containers/json?all=1", HOME, home), *_networks(engine, HOME, home)]
    return {str(each["Labels"].get(INSTANCE, "")) for each in found}


def reap(engine: str, home: str, instance: str, *, networks: bool = True) -> int:
    """Remove the containers of an instance, and its network; return how many containers.

    Raises:
        OSError: the engine does not answer.
    """
    removed = 0
    for each in _list(engine, "containers/json?all=1", INSTANCE, instance):
        if each["Labels"].get(HOME) == home:
            _ask(engine, "DELETE", f"containers/{each['Id']}?force=1&v=1")
            removed += 1
    for each in _networks(engine, INSTANCE, instance) if networks else ():
        if each["Labels"].get(HOME) == home:
            _ask(engine, "DELETE", f"networks/{each['Id']}")
    return removed


def _networks(engine: str, label: str, value: str) -> list[dict[str, Any]]:
    return _list(engine, "networks?", label, value)


def _list(engine: str, path: str, label: str, value: str) -> list[dict[str, Any]]:
    filters = quote(json.dumps({"label": [f"{label}={value}"]}))
    found: list[dict[str, Any]] = _ask(engine, "GET", f"{path}&filters={filters}") or []
    return found


def _ask(engine: str, method: str, path: str) -> Any:
    with contextlib.closing(_Connection(engine)) as connection:
        try:
            connection.request(method, f"/{path}")
            answer = connection.getresponse()
            body = answer.read()
        except http.client.HTTPException as error:
            raise ConnectionError(f"{engine} hung up") from error
    # What is gone by now, or being removed, is as good as removed.
    return json.loads(body) if answer.status in _OK and body else None
