"""A prompt for Valkey: redis-py speaks to it, prompt_toolkit edits the line.

What there is to complete, and the help under the line, the server tells itself (COMMAND DOCS).
"""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING, Any

from redis import ConnectionPool
from redis.exceptions import RedisError, ResponseError

from jupyter_sysdesign import paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: After these the server goes on talking until one hangs up.
_STREAMS = frozenset({"monitor", "subscribe", "psubscribe", "ssubscribe"})
_LEAVE = frozenset({"exit", "quit"})


def talk_to(url: str, name: str) -> None:
    """Read commands from the terminal (or from a pipe) and print the answers until the end."""
    pool = ConnectionPool.from_url(
        url, decode_responses=True, encoding_errors="replace", protocol=2
    )
    connection: Any = pool.make_connection()  # its methods carry no types
    try:
        for line in _lines(connection, name):
            try:
                words = shlex.split(line)
            except ValueError as error:  # a quote that is not closed
                _say(f"(error) {error}")
                continue
            if words and words[0].lower() in _LEAVE:
                return
            if words:
                _answer(connection, words)
    finally:
        connection.disconnect()


def _answer(connection: Any, words: list[str]) -> None:
    streaming = words[0].lower() in _STREAMS
    try:
        connection.send_command(*words)
        _say(shown(_read(connection)))
        while streaming:
            _say(shown(_read(connection)))
    except KeyboardInterrupt:
        connection.disconnect()  # the next command takes a fresh one
        _say("")
    except (RedisError, OSError) as error:
        connection.disconnect()
        _say(f"(error) {error or 'the server is gone'}")


def _read(connection: Any) -> Any:
    try:
        # A stream may be silent for hours, and so may BLPOP.
        return connection.read_response(timeout=None)
    except ResponseError as refusal:
        return refusal


def shown(value: Any, indent: str = "") -> str:
    """Return an answer as text, one line per element, as redis-cli lays it out."""
    if value is None:
        return "(nil)"
    if isinstance(value, Exception):
        return f"(error) {value}"
    if isinstance(value, int):
        return f"(integer) {value}"
    if isinstance(value, (list, tuple)):
        if not value:
            return "(empty list)"
        lines = []
        for number, each in enumerate(value, 1):
            head = f"{number}) ".rjust(len(str(len(value))) + 2)
            text = json.dumps(each, ensure_ascii=False) if isinstance(each, str) else None
            lines.append(head + (text or shown(each, indent + " " * len(head))))
        return f"\n{indent}".join(lines)
    return str(value)


def _lines(connection: Any, name: str) -> Iterator[str]:
    if not sys.stdin.isatty():
        yield from sys.stdin
        return
    from prompt_toolkit import PromptSession
    from prompt_toolkit.application import get_app
    from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.history import FileHistory

    commands = _commands(connection)

    def help_line() -> str:
        typed = get_app().current_buffer.text.lower().split()
        found = commands.get(" ".join(typed[:2])) or commands.get(" ".join(typed[:1]))
        return found or "Tab completes · Ctrl-D leaves"

    session: PromptSession[str] = PromptSession(
        f"{name}> ",
        history=FileHistory(str(paths.home() / "valkey-history")),
        auto_suggest=AutoSuggestFromHistory(),
        completer=WordCompleter(
            list(commands), meta_dict=commands, ignore_case=True, sentence=True
        ),
        complete_while_typing=False,
        bottom_toolbar=help_line,
    )
    while True:
        try:
            yield session.prompt()
        except KeyboardInterrupt:  # noqa: PERF203 (once a line that a person types)
            continue
        except EOFError:
            return


def _commands(connection: Any) -> Mapping[str, str]:
    """Return every command, and every subcommand, with what it does."""
    try:
        connection.send_command("COMMAND", "DOCS")
        answer = connection.read_response()
    except (RedisError, OSError):
        return {}
    found: dict[str, str] = {}
    _collect(answer, found)
    return found


def _collect(answer: Any, found: dict[str, str]) -> None:
    for name, facts in _pairs(answer):
        known = dict(_pairs(facts))
        found[str(name).replace("|", " ")] = str(known.get("summary", ""))
        _collect(known.get("subcommands", []), found)


def _pairs(flat: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(flat, list):
        yield from zip(flat[::2], flat[1::2], strict=False)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 (this is the terminal)
