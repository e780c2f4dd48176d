"""What the network does to messages: delays, loses, doubles, reorders."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Literal

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.simulation.units import MS

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Network:
    """The conditions every message travels under.

    Attributes:
        low_us: no message is faster.
        high_us: upper end of ``uniform``; the mean of ``exponential`` lies half-way to it, and it
            has no upper end.
        shape: how delays between them are distributed.
        loss: share of messages that are lost.
        duplicate: share that arrives twice.
        reorder: share that is held back by up to ``reorder_us`` more.
        reorder_us: see there.
        fifo: messages on one link keep their order, as in a TCP connection.

    Raises:
        InvalidRequestError: a share outside 0 to 1, or delays that make no sense.
    """

    low_us: int = 1 * MS
    high_us: int = 10 * MS
    shape: Literal["uniform", "exponential"] = "uniform"
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    reorder_us: int = 200 * MS
    fifo: bool = False

    def __post_init__(self) -> None:
        for name in ("loss", "duplicate", "reorder"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InvalidRequestError(f"{name} is {getattr(self, name)}, not a share (0 to 1)")
        if not 0 <= self.low_us <= self.high_us or self.reorder_us < 0:
            raise InvalidRequestError(f"delays of {self.low_us} to {self.high_us} µs make no sense")
        if self.shape not in ("uniform", "exponential"):
            raise InvalidRequestError(f"delays are uniform or exponential, not {self.shape!r}")

    @property
    def simple(self) -> bool:
        """Whether a message needs nothing but a uniform delay: the quick path."""
        return self.shape == "uniform" and not (
            self.loss or self.duplicate or self.reorder or self.fifo
        )

    def delay(self, draw: Callable[[], float]) -> int:
        """Return one delay in µs; ``draw`` gives numbers in [0, 1)."""
        span = self.high_us - self.low_us
        if self.shape == "uniform":
            delay = self.low_us + int(draw() * span)
        else:
            delay = self.low_us + int(-log(1.0 - draw()) * span / 2)
        if self.reorder and draw() < self.reorder:
            delay += int(draw() * self.reorder_us)
        return delay

    def arrivals(self, draw: Callable[[], float]) -> list[int]:
        """Return the delays of all copies of one message; none if it is lost.

        A lost message draws its delay too, so that loss alone moves no later message.
        """
        delays = [self.delay(draw)]
        if self.duplicate and draw() < self.duplicate:
            delays.append(self.delay(draw))
        if self.loss and draw() < self.loss:
            return []
        return delays
