"""The Docker engine of this machine: how it is reached, and its refusals in our words."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_sysdesign.environment.runtimes.docker.labels import SOCKET
from jupyter_sysdesign.environment.tasks import uninterrupted
from jupyter_sysdesign.errors import (
    ConflictError,
    MissingBinaryError,
    ResourceError,
    StartFailedError,
    SysdesignError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from docker import APIClient

T = TypeVar("T")

#: Longer than any service may take to stop.
_TIMEOUT_S = 120
_THREADS = 8
_NOT_FOUND, _CONFLICT = 404, 409
#: What it says, as an error of its own, of a container that ends in this moment.
_ENDING = ("is marked for removal", "not running")

_INSTALL = "pip install 'jupyter-sysdesign[docker]'"
_START = "Start Docker, or use the embedded runtime, which needs none."


def url() -> str:
    """Return where the engine listens: ``$DOCKER_HOST``, else its usual socket."""
    return os.environ.get("DOCKER_HOST") or f"unix://{SOCKET}"


def connect() -> APIClient:
    """Return a connection to the engine, for one thread.

    Raises:
        MissingBinaryError: there is no engine, none of this machine, or no SDK.
    """
    try:
        import docker  # noqa: PLC0415 (only who uses it pays for it)
        from docker.errors import DockerException  # noqa: PLC0415
    except ImportError as error:
        raise MissingBinaryError("Docker's Python SDK is not installed", hint=_INSTALL) from error
    knock()
    try:
        return docker.APIClient(base_url=url(), timeout=_TIMEOUT_S)
    except DockerException as error:
        raise MissingBinaryError(f"No Docker engine answers at {url()}", hint=_START) from error


def knock() -> None:
    """Check that somebody listens; the SDK would leave a socket open where nobody does.

    Raises:
        MissingBinaryError: as ``connect``.
    """
    where = url()
    if not where.startswith("unix://"):
        raise MissingBinaryError(
            f"DOCKER_HOST is {where}, and an engine elsewhere does not see the files here",
            hint="Unset DOCKER_HOST, or use the embedded runtime.",
        )
    try:
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(_TIMEOUT_S)
            door.connect(where.removeprefix("unix://"))
    except PermissionError as error:
        raise MissingBinaryError(
            f"You may not use the Docker engine at {where}",
            hint="Join the group docker (it is as good as root), or use the embedded runtime.",
        ) from error
    except OSError as error:
        raise MissingBinaryError(f"No Docker engine answers at {where}", hint=_START) from error


@contextlib.contextmanager
def asking(what: str) -> Iterator[None]:
    """Say in our words why the engine refuses ``what``.

    Raises:
        MissingBinaryError: the image is not there.
        ResourceError: its disk is full.
        ConflictError: a name is taken, or the container is in no state for it.
        UnavailableError: it does not answer any more.
        StartFailedError: any other refusal.
    """
    from docker.errors import APIError, DockerException, ImageNotFound  # noqa: PLC0415
    from requests.exceptions import RequestException  # noqa: PLC0415 (comes with the SDK)

    try:
        yield
    except ImageNotFound as error:
        raise MissingBinaryError(
            f"{what}: its image is not there", hint="`sysdesign images build` makes the images."
        ) from error
    except APIError as error:
        raise _refusal(what, error) from error
    except (DockerException, RequestException, ConnectionError, TimeoutError) as error:
        raise UnavailableError(
            f"The Docker engine does not answer ({what})", hint=_START
        ) from error


def _refusal(what: str, error: Any) -> SysdesignError:
    said = str(error.explanation or error)
    if "no space left on device" in said:
        return ResourceError(
            f"{what}: the Docker engine has no disk space left",
            hint="`docker system df` says what uses it.",
        )
    if "bind source path does not exist" in said:
        return StartFailedError(
            f"{what}: the Docker engine does not see the files of this machine",
            hint="It has to run here, and not in a container or virtual machine of its own.",
        )
    ending = any(words in said for words in _ENDING)
    if error.status_code in (_NOT_FOUND, _CONFLICT) or ending:
        return ConflictError(f"{what}: {said}")
    return StartFailedError(f"{what}: Docker says {said}")


class Engine:
    """The engine as an event loop asks it: in threads, each with a connection of its own.

    Args:
        name: what the threads are called by.
    """

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix=f"docker {name}")
        self._own = threading.local()
        self._clients: list[APIClient] = []

    async def ask(self, what: str, work: Callable[[APIClient], T]) -> T:
        """Run ``work`` in a thread; when cancelled, wait for its end first.

        Raises:
            SysdesignError: as ``connect`` and ``asking``.
        """

        def run() -> T:
            with asking(what):
                return work(self._client())

        async def running() -> T:
            return await asyncio.get_running_loop().run_in_executor(self._pool, run)

        return await uninterrupted(running())

    def close(self) -> None:
        """Let the threads end, and hang up."""
        self._pool.shutdown(wait=False)
        while self._clients:
            self._clients.pop().close()

    def _client(self) -> APIClient:
        if hasattr(self._own, "client"):
            knock()
        else:
            self._own.client = connect()
            self._clients.append(self._own.client)
        client: APIClient = self._own.client
        return client
