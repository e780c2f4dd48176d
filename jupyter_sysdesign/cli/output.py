"""How every command speaks: one JSON document with ``--json``, else plain words; one exit code.

Exit codes: 0 done or passed, 1 a verdict or gate that failed (or what is needed is missing: doctor,
images), 2 wrong use, 3 could not be done or checked.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console
from typer.core import TyperArgument, TyperCommand, TyperGroup
from typer.exceptions import TyperException

from jupyter_sysdesign.errors import InvalidRequestError, ResourceError, SysdesignError

if TYPE_CHECKING:
    from collections.abc import Callable

DONE = 0
FAILED = 1
WRONG_USE = 2
COULD_NOT = 3

_JSON = "--json"
JsonFlag = Annotated[
    bool, typer.Option(_JSON, help="Print one JSON document on stdout and nothing else.")
]


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """End quietly: whoever read has enough. Rich's own exit code is a failed verdict here."""
        _let_go(self.file)
        if not self.stderr:  # without what is said beside it, the result is still one
            raise typer.Exit(COULD_NOT)


#: What is printed comes from learners' files and services: no bracket or colon of it is a command.
_plain_console = functools.partial(_Console, highlight=False, markup=False, emoji=False)
#: People read this; stdout stays free for the result.
console = _plain_console(stderr=True)
out = _plain_console()

_Command = TypeVar("_Command", bound="Callable[..., None]")


class _InterruptedError(SysdesignError):
    """Somebody pressed Ctrl-C."""

    code = "interrupted"


class Commands(TyperGroup):
    """All commands; with ``--json`` wrong use is told as every other failure is."""

    def main(self, *args: Any, **settings: Any) -> Any:
        """Run the command that the words (``args``, default: this process's) name."""
        words = args[0] if args else settings.get("args")
        for_people = _JSON not in (sys.argv[1:] if words is None else words)
        try:
            code = super().main(*args, **{**settings, "standalone_mode": for_people})
        except OSError as error:
            code = _unprinted(error)
        except SystemExit as end:
            cause = end.__context__
            code = _unprinted(cause) if isinstance(cause, OSError) else end.code
        except TyperException as error:
            context = getattr(error, "ctx", None)
            hint = f"`{context.command_path} -h` tells how it is used." if context else ""
            wrong = InvalidRequestError(error.format_message(), hint=hint)
            try:
                raise _refusal(wrong, as_json=True) from None
            except typer.Exit as refused:
                code = refused.exit_code
        sys.exit(code)


class Sentence(TyperCommand):
    """A command whose usage line has its words as they are; typer would put brackets around."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what stands in the usage line behind the command."""
        words = [each.metavar for each in self.get_params(ctx) if isinstance(each, TyperArgument)]
        return [self.options_metavar or "", *(each for each in words if each)]


def emit(document: Any) -> None:
    """Print the one JSON document; in ASCII, which every script and every terminal can read."""
    try:
        typer.echo(json.dumps(document, default=_plain))
    except OSError as error:
        _end_stdout(error)
        raise typer.Exit(COULD_NOT) from None


def command(function: _Command) -> _Command:
    """Turn expected failures into a message, a hint and an exit code."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        as_json = bool(kwargs.get("as_json"))
        try:
            function(*args, **kwargs)
        except SysdesignError as error:
            raise _refusal(error, as_json=as_json) from None
        except OSError as error:
            raise _refusal(ResourceError(_named(error)), as_json=as_json) from None
        except KeyboardInterrupt:
            raise _refusal(_InterruptedError("Interrupted."), as_json=as_json) from None

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
        _complain(error.message, error.hint)
    return typer.Exit(exit_code(error))


def _complain(message: str, hint: str = "") -> None:
    """Say what went wrong; where that cannot be said either, the exit code says it."""
    try:
        console.print(message, style="red")
        if hint:
            console.print(hint)
    except OSError:
        _let_go(console.file)


def _unprinted(error: OSError) -> int:
    """Return the exit code where typer could not print help (its own says 1) or wrong use."""
    _end_stdout(error)
    told = error.__context__
    return told.exit_code if isinstance(told, TyperException) else COULD_NOT


def _end_stdout(error: OSError) -> None:
    """Print no more; say why, unless whoever read has enough."""
    if not isinstance(error, BrokenPipeError):
        _complain(f"stdout: {_named(error)}")
    _let_go(sys.stdout)


def _let_go(stream: IO[str]) -> None:
    """Let go of a stream that takes no more, so that Python does not try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _named(error: OSError) -> str:
    reason = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {reason}" if error.filename else reason


def _plain(value: object) -> object:
    from pydantic import BaseModel

    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return str(value)
