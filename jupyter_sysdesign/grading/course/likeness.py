"""Which submissions are suspiciously alike: what learners wrote themselves, compared."""

from __future__ import annotations

import re
from itertools import combinations, islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOKEN = re.compile(r"[A-Za-z_]\w*|\d+|\S")
_COMMENT = re.compile(r"(#|--)[^\n]*")
_WORDS = 6
#: Below so many tokens of their own, two people write the same without having met.
_LEAST_TOKENS = 60
#: What is beyond is not compared: nobody writes so much by hand.
_MOST_TOKENS = 20_000
_ALIKE = 0.8


class Pair(NamedTuple):
    """Two students whose files are alike.

    Attributes:
        share: of their runs of six tokens that both have, 0 to 1.
        tokens: how much the shorter of both wrote.
        identical: byte for byte, comments and spaces too.
    """

    first: str
    second: str
    share: float
    tokens: int
    identical: bool


def pairs(
    submissions: Mapping[str, Mapping[str, bytes]], pristine: Mapping[str, bytes]
) -> list[Pair]:
    """Return the pairs that are alike, the most alike first.

    Lines that the lesson gave are not counted, nor are comments, spaces and the names of files.
    """
    given = {line.strip() for content in pristine.values() for line in _lines(content)}
    tokens: dict[str, int] = {}
    runs: dict[str, set[tuple[str, ...]]] = {}
    for student, files in sorted(submissions.items()):
        written = _tokens(files, given)
        if len(written) >= _LEAST_TOKENS:
            tokens[student], runs[student] = len(written), _runs(written)
    found = []
    for first, second in combinations(runs, 2):
        common = len(runs[first] & runs[second])
        share = common / (len(runs[first]) + len(runs[second]) - common)
        if share >= _ALIKE:
            same = submissions[first] == submissions[second]
            least = min(tokens[first], tokens[second])
            found.append(Pair(first, second, share, least, same))
    return sorted(found, key=lambda each: (-each.share, -each.tokens))


def _tokens(files: Mapping[str, bytes], given: set[str]) -> list[str]:
    own = [
        _COMMENT.sub("", line)
        for _, content in sorted(files.items())
        for line in _lines(content)
        if line.strip() not in given
    ]
    found = _TOKEN.finditer("\n".join(own))
    return [each[0] for each in islice(found, _MOST_TOKENS)]


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", "replace").splitlines()


def _runs(tokens: list[str]) -> set[tuple[str, ...]]:
    return {tuple(tokens[at : at + _WORDS]) for at in range(len(tokens) - _WORDS + 1)}
