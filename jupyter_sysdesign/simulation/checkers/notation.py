"""Histories as a person writes them down: a line for each operation, in the order of time.

    ann writes x 1
    bob reads x 1
    bob reads y nothing
    carl writes y 2 [1 3]

Each line takes the moment of its number, from 1 on, unless it says from which moment to which. A
line in square brackets begins another history; ``#`` begins a remark.
"""

from __future__ import annotations

import re

from jupyter_sysdesign.errors import InvalidFileError, InvalidRequestError
from jupyter_sysdesign.simulation.checkers.history import History, Operation
from jupyter_sysdesign.simulation.checkers.models import classify

_LINE = re.compile(
    r"(?P<client>\w+) (?P<kind>reads|writes) (?P<key>\w+) (?P<value>-?\d{1,9}|nothing)"
    r"(?: \[(?P<begin>\d{1,6}) (?P<end>\d{1,6})\])?"
)
_SECTION = re.compile(r"\[(?P<name>[\w -]+)\]")
_MOMENT = 10
_LONG = _MOMENT // 2


def read(text: str, name: str = "history") -> History:
    """Return the history of some lines; ``name`` is what errors call them.

    Raises:
        InvalidFileError: with the line that is wrong.
    """
    found = read_sections(f"[all]\n{text}", name, skipped=1)
    if set(found) != {"all"}:
        raise InvalidFileError("there is more than one history", file=name)
    return found["all"]


def read_sections(text: str, name: str = "histories", *, skipped: int = 0) -> dict[str, History]:
    """Return the histories of a file by their names.

    Args:
        text: what is in it.
        name: what errors call it.
        skipped: lines that are not the file's own.

    Raises:
        InvalidFileError: with the line that is wrong.
    """
    sections: dict[str, list[Operation]] = {}
    current: list[Operation] | None = None
    for number, raw in enumerate(text.split("\n"), start=1 - skipped):
        line = " ".join(raw.partition("#")[0].split())
        if not line:
            continue
        if header := _SECTION.fullmatch(line):
            if header["name"] in sections:
                raise InvalidFileError(f"[{header['name']}] is there twice", file=name, line=number)
            current = sections[header["name"]] = []
            continue
        if current is None:
            raise InvalidFileError("this line belongs to no history", file=name, line=number)
        try:
            current.append(_operation(line, len(current) + 1))
        except InvalidRequestError as error:
            raise InvalidFileError(error.message, file=name, line=number, hint=error.hint) from None
    try:
        return {each: History(operations) for each, operations in sections.items()}
    except InvalidRequestError as error:
        raise InvalidFileError(error.message, file=name, hint=error.hint) from None


def _operation(line: str, moment: int) -> Operation:
    parts = _LINE.fullmatch(line)
    if parts is None:
        raise InvalidRequestError(
            f"{line!r:.80} is no operation",
            hint="Write: ann writes x 1, or: bob reads x 1, or: bob reads x nothing.",
        )
    begin = int(parts["begin"] or moment) * _MOMENT
    end = int(parts["end"] or moment) * _MOMENT + _LONG
    value = None if parts["value"] == "nothing" else int(parts["value"])
    writes = parts["kind"] == "writes"
    if writes and value is None:
        raise InvalidRequestError("nobody can write nothing", hint="Write a number.")
    kind, given, result = ("write", value, None) if writes else ("read", None, value)
    return Operation(parts["client"], kind, parts["key"], given, result, begin, end)


def verdicts(history: History) -> str:
    """Return what a history says of all models, as a table to be printed."""
    found = classify(history)
    weakest = {each.model for each in found.weakest_broken}
    words = {"passed": "kept", "failed": "broken", "unknown": "cannot be told"}
    widest = max(map(len, found.judgements))
    lines = [
        f"{model:{widest}}  {words[each.status]}{'   <- the weakest' if model in weakest else ''}"
        for model, each in found.judgements.items()
    ]
    return "\n".join(lines)
