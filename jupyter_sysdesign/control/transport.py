"""What both clients share below the operations: addresses, headers, errors."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

import httpx
from pydantic import ValidationError
from websockets.exceptions import InvalidStatus, WebSocketException

from jupyter_sysdesign.control.models import Problem
from jupyter_sysdesign.errors import (
    InvalidFileError,
    InvalidRequestError,
    SysdesignError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jupyter_sysdesign.control.calls import Call

T = TypeVar("T")

#: Where a Jupyter server tells its kernels whose lease theirs depend on.
PARENT_VARIABLE = "SYSDESIGN_PARENT_LEASE"
BASE_URL = "http://control"
HINT = "Run it again; `sysdesign doctor` names the log that says more."

#: How long opening a socket may take.
OPEN_S = 20.0
#: How often a state is asked for while waiting for it.
POLL_S = 0.05

_CONNECT_S = 10.0
_PLACE = re.compile(r"(?P<file>[^:\n]+)(?::(?P<line>\d+))?: (?P<message>.*)", re.DOTALL)


def lease_path(holder: str, parent: str | None) -> str:
    """Return the path of the lease socket; ``parent`` defaults to the Jupyter server's."""
    query = {"holder": holder}
    parent = parent or os.environ.get(PARENT_VARIABLE)
    if parent:
        query["parent"] = parent
    return f"/v1/leases?{urlencode(query)}"


def events_path(environment_id: str, after: int) -> str:
    """Return the path of an environment's event stream."""
    return f"/v1/environments/{quote(environment_id, safe='')}/events?after={after}"


def request(call: Call[Any], headers: dict[str, str]) -> dict[str, Any]:
    """Return the arguments of httpx's ``request`` for a call.

    Raises:
        InvalidRequestError: something in it cannot be sent.
    """
    if call.body is not None:
        headers = {**headers, "Content-Type": "application/json"}
    return {
        "method": call.method,
        "url": call.path,
        "content": _encoded(call.body),
        "headers": headers,
        "timeout": httpx.Timeout(call.timeout_s, connect=_CONNECT_S),
    }


def _encoded(body: object) -> bytes | None:
    if body is None:
        return None
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequestError(
            f"This cannot be sent: {error}",
            hint="Give words, finite numbers and lists of them; a date as '2024-05-01'.",
        ) from error


def socket_options(headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments of websockets' ``unix_connect``."""
    return {
        "additional_headers": headers,
        "compression": None,
        # A unix socket says by itself when its peer is gone; a busy kernel answers no pings.
        "ping_interval": None,
        "max_size": None,
        "open_timeout": OPEN_S,
    }


def read(call: Call[T], response: httpx.Response) -> T:
    """Return what was answered, or raise what was refused."""
    if response.is_success:
        return call.read(response.content)
    raise failure(response.status_code, response.content)


class GoneError(Exception):
    """The control plane went away while it was being spoken to.

    Attributes:
        asked: it may have done what it was asked; only reading may be repeated.
    """

    def __init__(self, *, asked: bool) -> None:
        super().__init__()
        self.asked = asked

    @property
    def final(self) -> UnavailableError:
        """Return the error to raise when it is not tried again."""
        what = "ended before it answered" if self.asked else "cannot be reached"
        return UnavailableError(f"The control plane {what}", hint=HINT)


@contextlib.contextmanager
def asking(timeout_s: float = 0.0) -> Iterator[None]:
    """Translate what goes wrong with a request.

    Raises:
        GoneError: nobody was there, or not until the answer.
        UnavailableError: it took too long.
    """
    try:
        yield
    except httpx.ConnectError as error:
        raise GoneError(asked=False) from error
    except httpx.TimeoutException as error:
        raise UnavailableError(
            f"The control plane took longer than {timeout_s:g} s", hint=HINT
        ) from error
    except httpx.TransportError as error:
        raise GoneError(asked=True) from error


@contextlib.contextmanager
def connecting() -> Iterator[None]:
    """Translate what goes wrong with opening a socket.

    Raises:
        GoneError: nobody was there, or not long enough.
        SysdesignError: what the handshake was refused with.
    """
    try:
        yield
    except InvalidStatus as error:
        status = error.response.status_code
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:  # what a handshake gets as the server leaves
            raise GoneError(asked=False) from error
        raise failure(status, bytes(error.response.body or b"")) from None
    except (OSError, WebSocketException, asyncio.TimeoutError) as error:
        raise GoneError(asked=False) from error


def nobody() -> UnavailableError:
    """Return the error for there being no control plane."""
    return UnavailableError("No control plane answers", hint=HINT)


def failure(status: int, content: bytes) -> SysdesignError:
    """Return the error that a refusal stands for, of the same class as where it was raised."""
    try:
        problem = Problem.model_validate_json(content)
    except ValidationError:
        return UnavailableError(f"The control plane answered {status}", hint=HINT)
    kind = _by_code().get(problem.code)
    if kind is InvalidFileError:
        place = _PLACE.fullmatch(problem.message)
        if place is not None:
            line = int(place["line"]) if place["line"] else None
            return InvalidFileError(
                place["message"], file=place["file"], line=line, hint=problem.hint
            )
        kind = SysdesignError
    if kind is None:
        kind = SysdesignError
    return kind(problem.message, hint=problem.hint)


def _by_code() -> dict[str, type[SysdesignError]]:
    def family(kind: type[SysdesignError]) -> Iterable[type[SysdesignError]]:
        yield kind
        for child in kind.__subclasses__():
            yield from family(child)

    return {kind.code: kind for kind in family(SysdesignError)}
