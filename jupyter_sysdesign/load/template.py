"""Templates: text and JSON with ``{parameter}`` in it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
# Characters a path or query may hold as they are (RFC 3986), and [] which servers accept.
_PATH = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,;=:@/%?\[\]]*")


@lru_cache(maxsize=65536, typed=True)  # 1, 1.0 and true are equal
def _quoted(value: object) -> str:
    return quote(as_text(value), safe="")


def as_text(value: object) -> str:
    """Return a parameter's value as text; truth values as JSON writes them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class TextTemplate:
    """One line of text.

    Attributes:
        names: the parameters in it, each once.
    """

    def __init__(self, text: str, *, url: bool = False) -> None:
        """Compile ``text``; with ``url`` every value is percent-encoded."""
        parts = _PARAMETER.split(text)
        self._literals = parts[0::2]
        self._holes = parts[1::2]
        self._format = _quoted if url else as_text
        self.names = tuple(dict.fromkeys(self._holes))

    def render(self, values: Mapping[str, Any]) -> str:
        """Return the text with each parameter's value in its place."""
        pieces = [self._literals[0]]
        for hole, literal in zip(self._holes, self._literals[1:], strict=True):
            pieces.append(self._format(values[hole]))
            pieces.append(literal)
        return "".join(pieces)


class JsonTemplate:
    """A JSON document.

    A string that is nothing but ``{parameter}`` becomes the value itself, so numbers stay numbers;
    within a longer string the value becomes text. Keys are left alone.
    """

    def __init__(self, document: Any) -> None:
        self._document = document
        self.names = tuple(dict.fromkeys(_names(document)))

    def render(self, values: Mapping[str, Any]) -> Any:
        """Return the document with each parameter's value in its place."""
        return _fill(self._document, values)


def path_problem(path: str) -> str | None:
    """Say what is wrong with a templated path and query, or return None."""
    if not path.startswith("/"):
        return "a path starts with /"
    if "#" in path:
        return "a request has no fragment: leave out # and what follows"
    plain = _PARAMETER.sub("x", path)
    match = _PATH.match(plain)
    end = match.end() if match else 0
    if end == len(plain):
        return None
    if plain[end] in "{}":
        return "a parameter is written {name}, with a name of letters, digits and _"
    return f"{plain[end]!r} cannot stand in a path: write it percent-encoded"


def _names(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield from _PARAMETER.findall(node)
    elif isinstance(node, dict):
        for value in node.values():
            yield from _names(value)
    elif isinstance(node, list):
        for value in node:
            yield from _names(value)


def _fill(node: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(node, str):
        whole = _PARAMETER.fullmatch(node)
        if whole:
            return values[whole[1]]
        return _PARAMETER.sub(lambda found: as_text(values[found[1]]), node)
    if isinstance(node, dict):
        return {key: _fill(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_fill(value, values) for value in node]
    return node
