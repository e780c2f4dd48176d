"""Making one readable sentence of what a service printed before it failed."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_FRAME = re.compile(r'File "([^"]+)", line (\d+)')
#: The last line of a traceback: ``ModuleNotFoundError: No module named 'x'``.
_RAISED = re.compile(r"[A-Za-z_][\w.]*: \S.*")
_OUT_OF_MEMORY = re.compile(r"out of memory: [^:\n]+")
#: What the runtime says of a service that ended or did not answer, and then the service itself.
_ENDING = re.compile(
    r"(?:[a-z][a-z0-9_-]* )?"
    r"(?P<how>(?:ended with code \d+|was killed by (?:signal )?\w+|out of memory: [^:\n]+?"
    r"|did not answer within \d+ s)(?: before it answered)?)"
    r"(?:(?:: |\n)(?P<said>.*))?",
    re.DOTALL,
)


def condensed(reason: str) -> str:
    """Return the essence of a service's reason: of a traceback, what was raised and where."""
    lines = [each.rstrip() for each in reason.strip().splitlines() if each.strip()]
    if not lines:
        return ""
    memory = _OUT_OF_MEMORY.search(reason)
    if memory is not None:
        return memory[0].strip()
    if len(lines) == 1:
        return lines[0]
    frames = [match for each in lines if (match := _FRAME.search(each))]
    where = f" ({frames[-1][1]}, line {frames[-1][2]})" if frames else ""
    return f"{lines[-1].strip()}{where}"


def parted(reason: str) -> str:
    """Return how a service ended, in our words, and apart from them what it said itself."""
    found = _ENDING.fullmatch(reason.strip())
    how, said = (found["how"], found["said"] or "") if found else ("ended", reason)
    said = condensed(said)
    return f"{how}. The log says: {said}" if said else how


def last_exception(lines: Sequence[str]) -> str:
    """Return what the last traceback in a log ends with; empty when there is none."""
    found = ""
    for before, line in pairwise(lines):
        if before.startswith((" ", "Traceback")) and _RAISED.fullmatch(line):
            found = line
    return found
