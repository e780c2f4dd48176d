"""How every command speaks: one JSON document with ``--json``, else plain words; one exit code.

Exit codes: 0 done or passed, 1 a verdict or gate that failed (or what is needed is missing: doctor,
images), 2 wrong use, 3 could not be done or checked.
"""

from __future__ import annotations

import functools
import json
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from pydantic import BaseModel
from rich.console import Console

from jupyter_sysdesign.errors import ResourceError, SysdesignError

if TYPE_CHECKING:
    from collections.abc import Callable

DONE = 0
FAILED = 1
WRONG_USE = 2
COULD_NOT = 3

JsonFlag = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else.")
]

#: What is printed comes from learners' files and services: no bracket or colon of it is a command.
_plain_console = functools.partial(Console, highlight=False, markup=False, emoji=False)
#: People read this; stdout stays free for the result.
console = _plain_console(stderr=True)
out = _plain_console()

_Command = TypeVar("_Command", bound="Callable[..., None]")


def emit(document: Any) -> None:
    """Print the one JSON document."""
    sys.stdout.write(json.dumps(document, default=_plain, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def command(function: _Command) -> _Command:
    """Turn expected failures into a message, a hint and an exit code."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except SysdesignError as error:
            raise _refusal(error, as_json=bool(kwargs.get("as_json"))) from None
        except BrokenPipeError:
            raise  # whoever read has enough: the command ends quietly
        except OSError as error:
            failed = ResourceError(_named(error))
            raise _refusal(failed, as_json=bool(kwargs.get("as_json"))) from None
        except KeyboardInterrupt:
            console.print("Interrupted.")
            raise typer.Exit(COULD_NOT) from None

    return wrapped  # type: ignore[return-value]  # wraps keeps the signature typer reads


def exit_code(error: SysdesignError) -> int:
    """Tell a mistake in the request (2) from a machine that could not do it (3)."""
    wrong = {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
    return WRONG_USE if error.status in wrong else COULD_NOT


def _refusal(error: SysdesignError, *, as_json: bool) -> typer.Exit:
    """Print what went wrong; return the exit to raise."""
    if as_json:
        emit({"error": {"code": error.code, "message": error.message, "hint": error.hint}})
    else:
        console.print(error.message, style="red")
        if error.hint:
            console.print(error.hint)
    return typer.Exit(exit_code(error))


def _named(error: OSError) -> str:
    reason = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {reason}" if error.filename else reason


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return str(value)
