"""The one exception hierarchy: every expected failure has a status, a code, a message and a hint.

The message says what happened; the hint says what to do next. ``control/app.py`` maps these to
HTTP responses, ``cli`` to exit codes, ``notebook`` to a readable box. Anything else is a bug.
"""

from __future__ import annotations

from typing import ClassVar


class SysdesignError(Exception):
    """Base of all expected failures.

    Attributes:
        status: HTTP status the control plane answers with.
        code: stable machine-readable name.
        hint: what the user can do next; may be empty.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidRequestError(SysdesignError):
    """The request itself is wrong: a negative rate, an unknown path, a bad cursor."""

    status = 400
    code = "invalid_request"


class OutsideRootError(SysdesignError):
    """A path leads outside the folder it must stay in."""

    status = 403
    code = "outside_root"


class NotFoundError(SysdesignError):
    """No lesson, workspace, environment, service, run or question of that name."""

    status = 404
    code = "not_found"


class ConflictError(SysdesignError):
    """The state does not allow it now: a second start, a stop of a stopped environment."""

    status = 409
    code = "conflict"


class WorkThereError(ConflictError):
    """What is to be imported would replace other work; by leave, that is kept beside it."""

    code = "work_there"


class LeaseEndedError(SysdesignError):
    """The request names a lease that is gone; nothing was done, so take another and retry."""

    status = 409
    code = "lease_ended"


class InvalidFileError(SysdesignError):
    """A file that a person wrote is wrong: compose.yaml, load.yaml, lesson.yaml, a migration.

    Attributes:
        file: the file as the person knows it (relative to the workspace or lesson).
        line: 1-based line, or None when the whole file is meant.
    """

    status = 422
    code = "invalid_file"

    def __init__(self, message: str, *, file: str, line: int | None = None, hint: str = "") -> None:
        where = f"{file}:{line}" if line is not None else file
        super().__init__(f"{where}: {message}", hint=hint)
        self.file = file
        self.line = line


def not_utf8(error: UnicodeDecodeError, file: str) -> InvalidFileError:
    """Return what to raise for a file that is no text, with the line where it ceases to be."""
    line = error.object[: error.start].count(b"\n") + 1
    return InvalidFileError("not UTF-8 text", file=file, line=line, hint="Save it as UTF-8.")


class SqlError(SysdesignError):
    """PostgreSQL refused a statement; the message is PostgreSQL's own."""

    status = 422
    code = "sql_error"


class StartFailedError(SysdesignError):
    """A service did not come up; the message carries its last log lines."""

    status = 424
    code = "start_failed"


class MissingBinaryError(SysdesignError):
    """A server program is not on this machine; the hint says what to install."""

    status = 424
    code = "missing_binary"


class ResourceError(SysdesignError):
    """The machine has no room: disk, memory, ports, file descriptors."""

    status = 507
    code = "no_room"


class UnavailableError(SysdesignError):
    """The control plane (or the service asked for) cannot be reached."""

    status = 503
    code = "unavailable"
