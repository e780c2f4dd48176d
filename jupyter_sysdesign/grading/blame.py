"""Whose fault it is that something could not be measured: decided by cause, not by symptom.

What the learner's files can do is failed. What they cannot do (a database killed from outside, a
full disk, a missing program, a control plane that went away) is unknown.
"""

from __future__ import annotations

import shutil
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from jupyter_sysdesign import paths
from jupyter_sysdesign.control.models import Status
from jupyter_sysdesign.environment import proctree
from jupyter_sysdesign.environment.spec import FILE
from jupyter_sysdesign.environment.status import ServiceState
from jupyter_sysdesign.errors import (
    InvalidFileError,
    SqlError,
    SysdesignError,
)
from jupyter_sysdesign.grading import reasons
from jupyter_sysdesign.grading.outcome import CannotTell, Failed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from jupyter_sysdesign.environment.spec import Spec
    from jupyter_sysdesign.environment.status import EnvironmentStatus, ServiceStatus
    from jupyter_sysdesign.grading.system import System

#: A service's end is noticed a moment after those who talk to it notice it; where we see that a
#: process is gone, we wait longer for the control plane to say so.
_SETTLE_S, _NOTICED_S = 0.7, 10.0
_LOOK_EVERY_S = 0.1
_NAMES = {
    "postgres": "The database",
    "valkey": "The cache",
    "haproxy": "The load balancer",
    "python": "The service",
}
#: What an edited compose.yaml reaches: there may be more of them, set up in another way.
_COPIED = ("python", "haproxy")
_OUT_OF_MEMORY = "out of memory"
#: What PostgreSQL says when the application, or a migration, leaves nobody else in: it holds all
#: connections, or has changed who gets one.
_SHUT_OUT = (
    "too many clients",
    "connection slots are reserved",
    "too many connections for database",
    "permission denied for database",
    "password authentication failed",
    'could not access file "$libdir/plugins/',
)
_ROOM_BYTES = 16 << 20
#: What a check's own code raises when an answer has not the form it works with.
SHAPE_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True)
class Finding:
    """What happened, and whether it counts against the learner."""

    status: Status
    why: str
    evidence: dict[str, Any] = field(default_factory=dict)


def owners(spec: Spec, edited: Collection[str]) -> Mapping[str, list[str]]:
    """Return which services the learner's edited files reach: service → files."""
    reached: dict[str, list[str]] = {}
    for name, service in spec.services.items():
        roots = [mount.source.removeprefix("./") for mount in (*service.volumes, *service.configs)]
        files = [
            each
            for each in edited
            if any(each == root or each.startswith(f"{root.rstrip('/')}/") for root in roots)
        ]
        if FILE in edited and service.kind in _COPIED:
            files.append(FILE)
        if files:
            reached[name] = files
    return reached


def fallen(system: System, reached: Mapping[str, list[str]]) -> Finding | None:
    """Return why services of ``system`` do not run any more; None if all do."""
    try:
        status = system.status()
    except SysdesignError as error:
        return Finding(Status.UNKNOWN, f"The control plane does not answer: {error.message}")
    # By now it may have heard what stays hidden: what it says is kept apart (``marks.of_check``).
    down = _down(system, status)
    found = [_end(service, reached, reasons.parted(service.reason)) for service in down]
    # A dead database explains a dead app, not the other way round.
    return next((each for each in found if each.status is Status.UNKNOWN), next(iter(found), None))


def behind(system: System, reached: Mapping[str, list[str]]) -> Finding | None:
    """Return what lies behind a failure that has just been seen; None: the failure itself."""
    began = time.monotonic()
    while True:
        unnoticed = ends_unnoticed(system)  # first: what is noticed in between is found then
        found = fallen(system, reached)
        waited_s = time.monotonic() - began
        over = waited_s > _NOTICED_S or (waited_s > _SETTLE_S and not unnoticed)
        if found is not None or over:
            break
        time.sleep(_LOOK_EVERY_S)
    if found is None and shutil.disk_usage(paths.home()).free < _ROOM_BYTES:
        return Finding(Status.UNKNOWN, "There is no room left on the disk.")
    return found


def not_started(status: EnvironmentStatus, reached: Mapping[str, list[str]]) -> Finding:
    """Return why an environment did not get ready."""
    broken = [each for each in status.services if each.state is ServiceState.FAILED]
    found = [_end(each, reached, reasons.condensed(each.reason)) for each in broken]
    if not found:
        said = status.reason or f"it is {status.state.value}"
        return Finding(Status.UNKNOWN, f"The system could not be started: {said}")
    return next((each for each in found if each.status is Status.UNKNOWN), found[0])


def of_error(error: Exception) -> Finding | None:  # noqa: PLR0911 (one return per cause)
    """Return what an error says by itself; None when it may be the check's own mistake."""
    if isinstance(error, CannotTell):
        return Finding(Status.UNKNOWN, str(error))
    if isinstance(error, Failed):
        return Finding(Status.FAILED, str(error))
    if isinstance(error, httpx.TimeoutException):
        return Finding(Status.FAILED, f"{_request(error)} was not answered in time.")
    if isinstance(error, httpx.HTTPStatusError):
        return Finding(Status.FAILED, f"{_request(error)} answered {error.response.status_code}.")
    if isinstance(error, httpx.RequestError):
        return Finding(Status.FAILED, f"{_request(error)} got no answer: {error}.")
    if isinstance(error, SqlError):  # in words that a program in the database may have chosen
        return Finding(Status.FAILED, f"PostgreSQL: {error.message}")
    if isinstance(error, InvalidFileError):
        return Finding(Status.FAILED, error.message)
    if isinstance(error, SysdesignError):
        shut_out = any(words in error.message for words in _SHUT_OUT)
        return Finding(Status.FAILED if shut_out else Status.UNKNOWN, error.message)
    return None


def ends_unnoticed(system: System) -> bool:
    """Tell whether a process is gone that the control plane takes for running."""
    try:
        status = system.status()
    except SysdesignError:
        return False
    pids = [each.pid for each in status.services if each.pid is not None]
    return status.runtime == "embedded" and None in map(proctree.started, pids)


def _down(system: System, status: EnvironmentStatus) -> list[ServiceStatus]:
    names = system.fallen(status)
    return [each for each in status.services if each.name in names]


def _end(service: ServiceStatus, reached: Mapping[str, list[str]], reason: str) -> Finding:
    name = f"{_NAMES.get(service.kind, 'The service')} ({service.name})"
    if _OUT_OF_MEMORY in reason.casefold():
        return Finding(Status.FAILED, f"{name} was ended: {reason}.")
    if service.state is ServiceState.PAUSED:
        return Finding(Status.UNKNOWN, f"{name} was paused from outside.")
    if service.exit_code == -signal.SIGKILL:
        return Finding(Status.UNKNOWN, f"{name} was killed from outside during the check.")
    if service.name in reached:
        files = ", ".join(reached[service.name])
        said = reason or "it ended without a word"
        why = f"{name} does not run with your {files}: {said}"
        return Finding(Status.FAILED, why, {"log": service.reason})
    said = f": {reason}" if reason else ""
    return Finding(Status.UNKNOWN, f"{name} ended, though none of your files could do that{said}.")


def _request(error: httpx.RequestError | httpx.HTTPStatusError) -> str:
    try:
        return f"{error.request.method} {error.request.url.path}"
    except RuntimeError:  # raised before there was a request
        return "A request"
