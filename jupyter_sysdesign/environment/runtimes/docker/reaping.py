"""Removes what a crash left in the engine, by its labels; without the SDK, as a guard is small."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import socket
import time
from typing import Any
from urllib.parse import quote

from jupyter_sysdesign.environment.runtimes.docker.labels import HOME, INSTANCE

_TIMEOUT_S = 60.0
_OK = range(200, 300)
#: A busy engine gives a removal up, or is still at an earlier one.
_PATIENCE_S = 30.0
_AGAIN_S = 0.1
#: Who dies does it in its own share of the processor, which may be next to nothing.
_UNLIMITED = {"CpuQuota": -1}


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
    found = [*_containers(engine, HOME, home), *_networks(engine, HOME, home)]
    return {str(each["Labels"].get(INSTANCE, "")) for each in found}


def reap(
    engine: str,
    home: str,
    instance: str,
    *,
    networks: bool = True,
    patience_s: float = _PATIENCE_S,
) -> int:
    """Remove the containers of an instance, and its network; return how many containers.

    Returns once the engine has none of them any more, whoever removes them. What comes meanwhile is
    another's.

    Raises:
        OSError: the engine does not answer, or does not let go of them.
    """

    def found() -> tuple[list[str], list[str]]:
        nets = _networks(engine, INSTANCE, instance) if networks else []
        return _ids(_containers(engine, INSTANCE, instance), home), _ids(nets, home)

    containers, nets = found()
    for each in containers:
        _ask(engine, "POST", f"containers/{each}/update", _UNLIMITED)
    until = time.monotonic() + patience_s
    left = {*containers, *nets}
    while left:
        for each in containers:
            if each in left:
                _ask(engine, "DELETE", f"containers/{each}?force=1&v=1")
        for each in nets:
            if each in left:
                _ask(engine, "DELETE", f"networks/{each}")
        left.intersection_update(itertools.chain(*found()))
        if left:
            if time.monotonic() > until:
                raise TimeoutError(f"{engine} does not remove what {instance} left")
            time.sleep(_AGAIN_S)
    return len(containers)


def _containers(engine: str, label: str, value: str) -> list[dict[str, Any]]:
    return _list(engine, "containers/json?all=1", label, value)


def _networks(engine: str, label: str, value: str) -> list[dict[str, Any]]:
    return _list(engine, "networks?", label, value)


def _ids(found: list[dict[str, Any]], home: str) -> list[str]:
    return [str(each["Id"]) for each in found if each["Labels"].get(HOME) == home]


def _list(engine: str, path: str, label: str, value: str) -> list[dict[str, Any]]:
    filters = quote(json.dumps({"label": [f"{label}={value}"]}))
    found: list[dict[str, Any]] = _ask(engine, "GET", f"{path}&filters={filters}") or []
    return found


def _ask(engine: str, method: str, path: str, said: dict[str, Any] | None = None) -> Any:
    """Return the answer; nothing where it refuses: whoever asks looks what is there."""
    content = None if said is None else json.dumps(said)
    with contextlib.closing(_Connection(engine)) as connection:
        try:
            connection.request(method, f"/{path}", content, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
        except http.client.HTTPException as error:
            raise ConnectionError(f"{engine} hung up") from error
    return json.loads(body) if answer.status in _OK and body else None
