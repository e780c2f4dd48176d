"""Splits SQL files into statements and knows the line each begins on, as psql would split them."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<comment>--[^\n]*)
  | (?P<block>/\*)
  | (?P<escape>(?<![\w$])[eE]'(?:[^'\\]|''|\\.)*(?P<escape_end>')?)
  | (?P<string>'(?:[^']|'')*(?P<string_end>')?)
  | (?P<name>"(?:[^"]|"")*(?P<name_end>")?)
  | (?P<dollar>(?<![\w$])\$(?:[^\W\d]\w*)?\$)
  | (?P<word>[^\W\d][\w$]*)
  | (?P<open>\()
  | (?P<close>\))
  | (?P<end>;)
  | (?P<meta>\\)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")
_TRANSACTION = {"begin", "start", "commit", "end", "abort", "rollback"}
_TEMPORARY = frozenset({"temp", "temporary"})
#: What may stand between CREATE and the kind of thing it makes.
_BEFORE_KIND = _TEMPORARY | {"or", "replace", "local", "global"}
_ROUTINE = re.compile(r"create( or replace)? (function|procedure)\b")


class ScriptError(ValueError):
    """A script that cannot be split.

    Attributes:
        line: 1-based line of what is wrong.
    """

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Statement:
    """One statement without its semicolon.

    Attributes:
        line: 1-based line of its first word.
        words: those outside of quotes and comments, lower case.
    """

    text: str
    line: int
    words: tuple[str, ...]

    def line_at(self, position: int | None) -> int:
        """Return the line of PostgreSQL's 1-based character ``position``, else the first line."""
        return self.line + self.text[: position - 1].count("\n") if position else self.line

    @property
    def controls_transaction(self) -> bool:
        """Tell whether it begins or ends a transaction (savepoints do not)."""
        if not self.words or self.words[0] not in _TRANSACTION:
            return self.words[:2] == ("prepare", "transaction")
        return not (self.words[0] == "rollback" and "to" in self.words[1:3])

    @property
    def lasts_a_session(self) -> bool:
        """Tell whether what it does, at most, is over when its session or transaction is."""
        first, rest = self.words[:1], self.words[1:]
        if first == ("create",):
            return not _TEMPORARY.isdisjoint(itertools.takewhile(_BEFORE_KIND.__contains__, rest))
        return first in (("set",), ("reset",), ("discard",)) or self.controls_transaction

    @property
    def shuts_out(self) -> str:
        """Return what it is, in short, if it may keep others out of the database; else nothing."""
        first, rest = " ".join(self.words[:2]), self.words[2:]
        given = [*itertools.takewhile(lambda each: each not in ("set", "reset"), rest)]
        if first in ("alter role", "alter user") and rest[:1] != ("mapping",):
            return f"{first.upper()} … PASSWORD" if "password" in given else ""
        if first == "alter database":
            return "ALTER DATABASE … CONNECTION LIMIT" if "connection" in given else ""
        before, on, after = " ".join(self.words).partition(" on database ")
        if first.startswith("revoke") and on and after and {"connect", "all"} & {*before.split()}:
            return "REVOKE … ON DATABASE"
        return ""


def split(text: str) -> list[Statement]:
    r"""Return the statements of ``text`` in order.

    Knows comments, all kinds of quotes, dollar quotes, and bodies of BEGIN ATOMIC functions.

    Raises:
        ScriptError: an unfinished quote or comment, or a psql command (``\copy``).
    """
    return _Splitter(text).split()


class _Splitter:
    def __init__(self, text: str) -> None:
        self.text = text
        self.found: list[Statement] = []
        self.counted = 0, 1  # up to where lines were counted, and how many: a file may be long
        self.reset()

    def reset(self) -> None:
        self.start: int | None = None
        self.words: list[str] = []
        self.parens = 0
        self.depth = 0  # of BEGIN ATOMIC … END and CASE … END inside it

    def split(self) -> list[Statement]:
        at = 0
        while at < len(self.text):
            token = _TOKEN.match(self.text, at)
            if token is None:
                if not self.text[at].isspace():
                    self.begin(at)
                at += 1
            else:
                at = self.take(token)
        self.finish(len(self.text))
        return self.found

    def take(self, token: re.Match[str]) -> int:
        kind, at = token.lastgroup or "", token.start()
        kind = kind.removesuffix("_end")
        if kind == "block":
            return self.block_comment(at)
        if kind == "meta":
            raise ScriptError(
                "psql commands (a backslash) do not work here, only SQL", self.line(at)
            )
        if kind == "end" and not self.parens and not self.depth:
            self.finish(at)
            return token.end()
        if kind == "comment":
            return token.end()
        self.begin(at)
        if kind in ("escape", "string", "name") and not token.group(f"{kind}_end"):
            raise ScriptError("this quote is never closed", self.line(at))
        if kind == "dollar":
            return self.dollar_quote(token)
        if kind == "word":
            self.word(token.group().lower())
        elif kind in ("open", "close"):
            self.parens = max(0, self.parens + (1 if kind == "open" else -1))
        return token.end()

    def begin(self, at: int) -> None:
        if self.start is None:
            self.start = at

    def finish(self, end: int) -> None:
        if self.start is not None:
            text = self.text[self.start : end].rstrip()
            self.found.append(Statement(text, self.line(self.start), tuple(self.words)))
        self.reset()

    def word(self, word: str) -> None:
        self.words.append(word)
        if self.parens or not _ROUTINE.match(" ".join(self.words[:4])):
            return
        if word == "begin" or (word == "case" and self.depth):
            self.depth += 1
        elif word == "end" and self.depth:
            self.depth -= 1

    def block_comment(self, at: int) -> int:
        depth, place = 1, at + 2
        while depth:
            edge = _BLOCK_EDGE.search(self.text, place)
            if edge is None:
                raise ScriptError("this comment is never closed", self.line(at))
            depth += 1 if edge.group() == "/*" else -1
            place = edge.end()
        return place

    def dollar_quote(self, token: re.Match[str]) -> int:
        end = self.text.find(token.group(), token.end())
        if end < 0:
            raise ScriptError(f"{token.group()} is never closed", self.line(token.start()))
        return end + len(token.group())

    def line(self, at: int) -> int:
        """Return the line of a place that does not come before the last one asked for."""
        before, lines = self.counted
        self.counted = at, lines + self.text.count("\n", before, at)
        return self.counted[1]
