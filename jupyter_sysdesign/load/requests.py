"""The requests of a run: request ``i`` is a pure function of (seed, i), whatever the timing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from jupyter_sysdesign.load.randomness import REQUESTS, uniforms
from jupyter_sysdesign.load.template import JsonTemplate, TextTemplate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

Tag = TypeVar("Tag")

#: Requests are drawn by the thousand, which is cheap, and rendered by few, which is not: a run
#: must not be late because a thousand bodies were being written.
DRAWN = 1024
RENDERED = 32

#: In so many requests each endpoint has its share, to within one or two: a rare and dear request
#: must not be asked for half as often, or twice, in a run of some hundred by the luck of the draw.
DEALT = 32


class Draw:
    """One parameter's distribution: from a number in [0, 1) to a value."""

    def __init__(self, form: Mapping[str, Any]) -> None:
        """Take one of the plain forms of ``parameter.Parameter.draw``."""
        self._values: list[Any] | None = form.get("choice")
        self._shares: NDArray[np.float64] | None = None
        self._first = 0
        self._count = 0
        self._sequence = "sequence" in form
        self._hot: tuple[float, int] | None = tuple(form["hot"]) if "hot" in form else None
        if self._values is not None:
            self._count = len(self._values)
            if form.get("weights"):
                self._shares = _shares(np.array(form["weights"], dtype=np.float64))
        elif "integer" in form:
            self._first, last = form["integer"]
            self._count = last - self._first + 1
        elif "zipf" in form:
            self._first, last, exponent = form["zipf"]
            ranks = np.arange(1, last - self._first + 2, dtype=np.float64)
            self._shares = _shares(ranks**-exponent)
        else:
            self._first = form["sequence"]

    def values(self, uniform: NDArray[np.float64], index: int) -> list[Any]:
        """Return a value for each number; ``index`` is the first request's."""
        if self._sequence:
            return list(range(self._first + index, self._first + index + len(uniform)))
        if self._hot is not None:
            return self._favoured(uniform, *self._hot)
        return self._drawn(uniform)

    def _favoured(self, uniform: NDArray[np.float64], share: float, key: int) -> list[Any]:
        rest = self._drawn(np.maximum(uniform - share, 0.0) / (1.0 - share))
        hot = (uniform < share).tolist()
        return [key if favoured else value for favoured, value in zip(hot, rest, strict=True)]

    def _drawn(self, uniform: NDArray[np.float64]) -> list[Any]:
        if self._shares is not None:
            places = np.searchsorted(self._shares, uniform, side="right")
        else:
            # The product may round up to the count itself.
            places = np.minimum((uniform * self._count).astype(np.int64), self._count - 1)
        if self._values is not None:
            return [self._values[place] for place in places.tolist()]
        numbers: list[Any] = (places + self._first).tolist()
        return numbers


class Render:
    """One request of the mix, rendered to bytes."""

    def __init__(self, request: Mapping[str, Any], *, authority: str, keep_alive: bool) -> None:
        """Take the plain form of ``profile.Request``; ``authority`` is the ``Host`` header."""
        self._method = request["method"]
        self._path = TextTemplate(request["path"], url=True)
        headers = dict(request["headers"])
        body = request["body"]
        if body is not None and not any(name.lower() == "content-type" for name in headers):
            kind = "text/plain; charset=utf-8" if isinstance(body, str) else "application/json"
            headers["Content-Type"] = kind
        if not keep_alive:
            headers["Connection"] = "close"
        lines = [f"Host: {authority}", *(f"{name}: {value}" for name, value in headers.items())]
        self._headers = TextTemplate("\r\n".join(lines))
        self._text = TextTemplate(body) if isinstance(body, str) else None
        self._json = None if body is None or self._text else JsonTemplate(body)
        self._needs_length = self._method in {"POST", "PUT", "PATCH"}
        used = (self._path, self._headers, self._text, self._json)
        self.names = {name for template in used if template for name in template.names}

    def render(self, values: Mapping[str, Any]) -> bytes:
        """Return the whole request."""
        head = (
            f"{self._method} {self._path.render(values)} HTTP/1.1\r\n{self._headers.render(values)}"
        )
        if self._text:
            body = self._text.render(values).encode()
        elif self._json:
            body = json.dumps(self._json.render(values), separators=(",", ":")).encode()
        elif self._needs_length:
            body = b""
        else:
            return f"{head}\r\n\r\n".encode("latin-1")
        return f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode("latin-1") + body


class RequestStream(Generic[Tag]):
    """All requests of a run, in order.

    Each comes with what its endpoint was tagged with.
    """

    def __init__(
        self,
        mix: Sequence[Mapping[str, Any]],
        parameters: Mapping[str, Mapping[str, Any]],
        tags: Sequence[Tag],
        *,
        seed: int,
        authority: str,
        keep_alive: bool = True,
        few: bool = False,
    ) -> None:
        """Prepare the templates; requests without parameters are rendered here, once.

        ``few``: return few at a time even where many would cost nothing.
        """
        self._seed = seed
        self._shares = _shares(np.array([request["weight"] for request in mix], dtype=np.float64))
        self._tags = tags
        self._renders = [
            Render(request, authority=authority, keep_alive=keep_alive) for request in mix
        ]
        self._ready = [
            None if each.names else (each.render({}), tag)
            for each, tag in zip(self._renders, tags, strict=True)
        ]
        used = {name for each in self._renders for name in each.names}
        # By name, not by where they stand in the file: moving a line changes no traffic.
        self._draws = {name: Draw(parameters[name]) for name in sorted(used)}
        self._step = RENDERED if used or few else DRAWN
        self._index = 0
        self._endpoints: list[int] = []
        self._columns: dict[str, list[Any]] = {}

    def next(self) -> list[tuple[bytes, Tag]]:
        """Return the next few requests: the bytes, and the endpoint's tag."""
        offset = self._index % DRAWN
        if offset == 0:
            self._draw(self._index // DRAWN)
        rows = range(offset, offset + self._step)
        self._index += self._step
        ready, endpoints = self._ready, self._endpoints
        return [ready[endpoints[row]] or self._render(row) for row in rows]

    def _render(self, row: int) -> tuple[bytes, Tag]:
        endpoint = self._endpoints[row]
        values = {name: column[row] for name, column in self._columns.items()}
        return self._renders[endpoint].render(values), self._tags[endpoint]

    def _draw(self, block: int) -> None:
        numbers = uniforms(self._seed, REQUESTS, block, DRAWN * (2 + len(self._draws)))
        within, order, *rows = numbers.reshape(2 + len(self._draws), DRAWN)
        strata = order.reshape(-1, DEALT).argsort(axis=1)  # one number in each 32nd of [0, 1)
        dealt = (strata.ravel() + within) / DEALT
        self._endpoints = np.searchsorted(self._shares, dealt, side="right").tolist()
        self._columns = {
            name: draw.values(row, block * DRAWN)
            for (name, draw), row in zip(self._draws.items(), rows, strict=True)
        }


def _shares(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the inner edges of the shares of [0, 1) that the weights give."""
    return np.cumsum(weights / weights.sum())[:-1]
