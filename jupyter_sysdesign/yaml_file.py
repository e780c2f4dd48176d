"""YAML files that people write, read strictly, with the line of whatever is wrong in them."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError
from yaml import (
    CBaseLoader,
    MappingNode,
    MarkedYAMLError,
    ScalarNode,
    SequenceNode,
    YAMLError,
)

from jupyter_sysdesign.errors import InvalidFileError, not_utf8

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from yaml import Node

M = TypeVar("M", bound=BaseModel)

#: What a file may come to with its aliases written out: in 300 bytes there is room for gigabytes.
MOST_BYTES = 4 << 20

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"


class Document:
    """One parsed file: plain Python values, and where each of them stands.

    Attributes:
        name: the file as its author knows it, e.g. ``environments/t1-02-indexes/load.yaml``.
        data: dicts, lists, strings and numbers.
    """

    def __init__(self, name: str, text: str) -> None:
        """Parse ``text`` (YAML 1.2, core schema, and merge keys).

        Raises:
            InvalidFileError: no YAML, a key that stands twice, or more than ``MOST_BYTES``.
        """
        self.name = name
        self._found: dict[int, dict[Any, tuple[Node, Node | None]]] = {}
        try:
            self._root: Node | None = _Parser(text).get_single_node()
            self.data: Any = None if self._root is None else _Values().of(self._root)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            said = error.problem or error.context or "not valid YAML"
            last = text.rstrip().count("\n")  # what is not closed is missed behind the last line
            line = min(mark.line, last) + 1 if mark else None
            raise InvalidFileError(said, file=name, line=line) from error
        except YAMLError as error:
            raise InvalidFileError("not valid YAML", file=name) from error
        except RecursionError:
            raise InvalidFileError("nested too deeply", file=name) from None

    def line(self, location: Sequence[str | int]) -> int:
        """Return the 1-based line of the deepest part of ``location`` that is in the file."""
        node, line = self._root, 0
        for part in location:
            if isinstance(node, MappingNode):
                if part in (entries := self._entries(node)):
                    node, key = entries[part]
                    line = key.start_mark.line if key is not None else line
            elif (
                isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value)
            ):
                node = node.value[part]
                line = node.start_mark.line
            # else: pydantic names union members and validators in between
        return int(line) + 1

    def _entries(self, node: MappingNode) -> dict[Any, tuple[Node, Node | None]]:
        """Return what stands in a mapping, by key; gone through once, however many mistakes."""
        if id(node) not in self._found:
            found: dict[Any, tuple[Node, Node | None]] = {}
            for key, value, place in _Values().entries(node):
                found.setdefault(key, (value, place))
            self._found[id(node)] = found
        return self._found[id(node)]

    def validate(self, model: type[M]) -> M:
        """Return the document as ``model``.

        Raises:
            InvalidFileError: with the line of the first mistake; the hint lists the others.
        """
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            found = sorted((self.line(each["loc"]), _say(each)) for each in error.errors())
            rest = [f"line {line}: {message}" for line, message in found[1:]]
            raise InvalidFileError(
                found[0][1], file=self.name, line=found[0][0], hint="\n".join(rest)
            ) from None


def read(path: Path, name: str | None = None) -> Document:
    """Read and parse ``path``; ``name`` is what errors call it.

    Raises:
        InvalidFileError: missing, unreadable, more than ``MOST_BYTES``, not UTF-8, or not YAML.
    """
    shown = name or path.name
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise InvalidFileError("the file is missing", file=shown) from None
    except OSError as error:
        raise InvalidFileError(error.strerror or str(error), file=shown) from error
    if len(content) > MOST_BYTES:
        raise InvalidFileError(f"more than {MOST_BYTES >> 20} MiB", file=shown)
    return parse(content, shown)


def parse(content: bytes, name: str) -> Document:
    """Parse what a file holds; ``name`` is what errors call it.

    Raises:
        InvalidFileError: not UTF-8, or not YAML.
    """
    try:
        return Document(name, content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise not_utf8(error, name) from None


def _say(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{where}: this key is not known"
    if error["type"] == "missing":
        return f"{where}: this key is missing"
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{where}: {message}" if where else message


class _Parser(CBaseLoader):
    """Makes nodes of a text; what a plain word is, the core schema says."""


for _kind, _words, _first in (
    ("null", r"~|null|Null|NULL|", [*"~nN", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", [*"-+0123456789"]),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        [*"-+.0123456789"],
    ),
    ("merge", "<<", ["<"]),
):
    _Parser.add_implicit_resolver(_TAG + _kind, re.compile(f"^(?:{_words})$"), _first)


class _Values:
    """Plain values of nodes, as many as ``MOST_BYTES`` hold."""

    def __init__(self) -> None:
        self._left = MOST_BYTES

    def of(self, node: Node) -> Any:
        """Return what a node says.

        Raises:
            MarkedYAMLError: it says nothing that is known here, or too much.
        """
        self._count(node)
        if isinstance(node, MappingNode):
            found: dict[Any, Any] = {}
            for key, value, place in self.entries(node):
                if place is None:
                    found.setdefault(key, self.of(value))
                elif key in found:
                    raise _wrong(f'duplicate key "{key}"', place)
                else:
                    found[key] = self.of(value)
            return found
        if isinstance(node, SequenceNode):
            return [self.of(each) for each in node.value]
        return _scalar(node)

    def entries(self, node: MappingNode) -> Iterator[tuple[Any, Node, Node | None]]:
        """Yield keys, values, and where a key stands (None: it came in by a merge key), last."""
        for key, value in node.value:
            if key.tag != _MERGE:
                yield self._key(key), value, key
        for key, value in node.value:
            if key.tag == _MERGE:
                for each in value.value if isinstance(value, SequenceNode) else [value]:
                    if not isinstance(each, MappingNode):
                        raise _wrong("only a mapping can be merged", each)
                    self._count(each)
                    for name, inner, _ in self.entries(each):
                        yield name, inner, None

    def _count(self, node: Node) -> None:
        self._left -= sys.getsizeof(node.value)
        if self._left < 0:
            raise _wrong(f"with its aliases it is more than {MOST_BYTES >> 20} MB", node)

    def _key(self, node: Node) -> Any:
        if not isinstance(node, ScalarNode):
            raise _wrong("a key is a word or a number", node)
        return self.of(node)


def _scalar(node: Node) -> Any:
    kind = _SCALARS.get(node.tag)
    if kind is None:
        raise _wrong(f"{node.tag}: this tag is not known", node)
    try:
        return kind(node.value)
    except ValueError as error:  # a number of 5,000 digits, `!!bool maybe`
        raise _wrong(f"cannot be read ({error})", node) from error


def _wrong(problem: str, node: Node) -> MarkedYAMLError:
    return MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def _bool(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return text.lower() == "true"


def _int(text: str) -> int:
    return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))


def _float(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


_SCALARS: dict[str, Callable[[str], Any]] = {
    f"{_TAG}str": str,
    f"{_TAG}null": lambda _: None,
    f"{_TAG}bool": _bool,
    f"{_TAG}int": _int,
    f"{_TAG}float": _float,
}
