"""Some answers of a run, kept whole, for whoever has to know what the load was told.

Which ones is drawn from the run's seed over all of its requests, each as likely as any other (a
reservoir: the number of requests need not be known before). A service sees nothing of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.load.connection import Endpoint
from jupyter_sysdesign.load.plan import NS
from jupyter_sysdesign.load.randomness import SAMPLE, uniforms

if TYPE_CHECKING:
    from jupyter_sysdesign.load.http1 import Response

#: What is longer is kept up to here.
MOST_BYTES = 32768
_BLOCK = 1024


class Kept(Endpoint):
    """One request whose answer is kept; in all figures it is one of its endpoint's.

    Attributes:
        document: request and answer as plain values (``KeptAnswer``); None before there is one.
    """

    __slots__ = ("_payload", "document")

    def __init__(self, endpoint: Endpoint, payload: bytes) -> None:
        """Keep the answer to ``payload``, a request of ``endpoint``."""
        super().__init__(endpoint.name)
        self.answers_head, self._expect = endpoint.answers_head, endpoint._expect  # noqa: SLF001 (its own kind)
        self.latencies, self.add = endpoint.latencies, endpoint.add
        self.waits, self.errors = endpoint.waits, endpoint.errors
        self._payload = payload
        self.document: dict[str, Any] | None = None

    def remember(self, head: bytes, body_bytes: int) -> None:
        """Remember nothing: this answer is looked at in full, whatever came before."""

    def keep(self, response: Response, asked_ns: int, answered_ns: int) -> None:
        """Keep an answer with the times of question and answer."""
        head, _, sent = self._payload.partition(b"\r\n\r\n")
        method, path, _ = head.decode("latin-1").split(" ", 2)
        self.document = {
            "name": self.name,
            "method": method,
            "path": path,
            "sent": sent.decode(errors="replace"),
            "status": response.status,
            "said": response.body.decode(errors="replace"),
            "asked_s": asked_ns / NS,
            "answered_s": answered_ns / NS,
        }


class Sample:
    """The sample of one run: at most ``size`` of its answers."""

    def __init__(self, size: int, seed: int) -> None:
        self._seed = seed
        self._places: list[Kept | None] = [None] * size
        self._numbers: list[float] = []

    def draw(self, first: int, requests: list[tuple[bytes, Endpoint]]) -> None:
        """Choose among the requests, of which ``first`` is the number of the first one."""
        for offset, (payload, endpoint) in enumerate(requests):
            number = first + offset
            if number % _BLOCK == 0:
                block = uniforms(self._seed, SAMPLE, number // _BLOCK, _BLOCK)
                self._numbers = block.tolist()
            place = number
            if number >= len(self._places):
                place = int(self._numbers[number % _BLOCK] * (number + 1))
            if place < len(self._places):
                self._places[place] = kept = Kept(endpoint, payload)
                requests[offset] = (payload, kept)

    def documents(self) -> list[dict[str, Any]]:
        """Return what was answered as expected, in the order of the answers."""
        kept = [each.document for each in self._places if each and each.document]
        return sorted(kept, key=lambda each: each["answered_s"])
