"""Faults of a link: what the proxy that it goes through does to the bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from jupyter_sysdesign.errors import UnavailableError
from jupyter_sysdesign.faults.fault import Arguments, Fault

if TYPE_CHECKING:
    from jupyter_sysdesign.environment.status import EnvironmentStatus

_MS = 60_000
#: How long an echo through the link is waited for, at most.
_PATIENCE_MS = 1000.0
#: Nothing came back within this: nothing will.
_SILENCE_MS = 150.0
#: A thin line is measured with as many bytes as it takes it this long to carry.
_PROBE_S = 0.1
_PROBE_BYTES = (64, 65_536)
#: Clocks and rounding.
_TOLERANCE = 0.98

Direction = Literal["both", "to_target", "to_source"]


class _LinkFault(Fault[Any]):
    """A fault that the proxy carries out."""

    target = "link"

    async def inject(self) -> None:
        """Tell the proxy."""
        await self.spot.system.proxy.put(self._link, self.identity, self.id, self._parameters())

    async def recover(self) -> None:
        """Tell the proxy that it is over."""
        await self.spot.system.proxy.take_back(self._link, self.identity)

    def over(self, status: EnvironmentStatus) -> str:
        """It is over when the proxy is another one."""
        return "" if status.proxy is None or status.proxy.pid else "the link proxy ended"

    @property
    def _link(self) -> tuple[str, str]:
        link = self.spot.link
        assert link is not None  # noqa: S101 (the injector has looked)
        return link.source, link.target

    def _parameters(self) -> dict[str, Any]:
        return dict(self.arguments.model_dump())

    async def _echo_ms(self, *, count: int = 1, patience_ms: float = _PATIENCE_MS) -> float | None:
        """Send bytes through the link's own delays to an echo; return the time they took."""
        return await self.spot.system.proxy.echo_ms(self._link, count, patience_ms)

    async def _slower_than(self, least_ms: float, count: int = 1) -> str:
        took_ms = await self._echo_ms(count=count)
        if took_ms is None:
            return f"an echo did not come back within {_PATIENCE_MS:g} ms"
        if took_ms < least_ms * _TOLERANCE:
            raise UnavailableError(f"An echo took only {took_ms:.1f} ms on {self.spot}")
        return f"an echo took {took_ms:.1f} ms"

    async def _is_silent(self) -> str:
        took_ms = await self._echo_ms(patience_ms=_SILENCE_MS)
        if took_ms is not None:
            raise UnavailableError(f"An echo came back on {self.spot}, after {took_ms:.1f} ms")
        return f"no echo within {_SILENCE_MS:g} ms"


class LatencyArguments(Arguments):
    """Arguments of ``latency``."""

    latency_ms: float = Field(200, gt=0, le=_MS, description="added to each round trip")


class Latency(_LinkFault):
    """A longer way."""

    id = "latency"
    name = "Latency"
    description = "Everything that the source sends arrives later, so each round trip takes longer."
    expect = (
        "Each exchange of question and answer takes that much longer. One request that asks the "
        "other side ten times waits ten times."
    )
    takes = LatencyArguments

    async def verify(self) -> str:
        """Measure an echo."""
        return await self._slower_than(self.arguments.latency_ms)


class JitterArguments(Arguments):
    """Arguments of ``jitter``."""

    jitter_ms: float = Field(
        100, gt=0, le=_MS, description="each message is delayed by 0 to this, drawn evenly"
    )
    seed: int = Field(1, ge=0, lt=2**53, description="decides the draws: same seed, same draws")


class Jitter(_LinkFault):
    """A way of changing length."""

    id = "jitter"
    name = "Jitter"
    description = (
        "Each message of the source is delayed by a time drawn anew, between none and the given. "
        "Bytes of one connection keep their order."
    )
    expect = "The median rises by about half of it, high quantiles by nearly all of it."
    takes = JitterArguments

    async def verify(self) -> str:
        """See that an echo still passes, and what it takes."""
        return await self._slower_than(0.0)


class PartitionArguments(Arguments):
    """Arguments of ``partition``."""

    direction: Direction = Field(
        "both", description="which way nothing passes; to_target: what the source sends"
    )


class Partition(_LinkFault):
    """A cut cable."""

    id = "partition"
    name = "Partition"
    description = (
        "Nothing passes in the given direction, and no new connection is made. What was sent "
        "meanwhile arrives when the link heals, as TCP would send it again."
    )
    expect = (
        "Nobody is told: open connections stay open and silent, new ones hang. Only timeouts "
        "notice. One-way, requests still arrive and are carried out, but the answers do not."
    )
    excludes = frozenset({"blackhole"})
    takes = PartitionArguments

    async def verify(self) -> str:
        """See that no echo comes back."""
        return await self._is_silent()


class ResetArguments(Arguments):
    """Arguments of ``reset``."""

    share: float = Field(0.1, gt=0, le=1, description="0.1: one of ten")
    of: Literal["requests", "connections"] = Field(
        "requests",
        description=(
            "requests: what the source sends after an answer, or first; connections: new ones, "
            "reset when the source first sends something"
        ),
    )
    seed: int = Field(1, ge=0, lt=2**53, description="decides the draws: same seed, same draws")


class Reset(_LinkFault):
    """Connections that break."""

    id = "reset"
    name = "Reset"
    description = "A share of requests, or of new connections, ends with a reset connection."
    expect = (
        "The source gets “connection reset by peer” instead of an answer; the request has not "
        "reached the target. Whoever tries again usually gets through."
    )
    takes = ResetArguments

    async def verify(self) -> str:
        """See that the proxy draws as asked."""
        known = await self.spot.system.proxy.in_force(self._link)
        if self.identity not in known:
            raise UnavailableError(f"The proxy of {self.spot} knows nothing of it")
        share, seed = self.arguments.share, self.arguments.seed
        return f"the proxy resets {share:.4g} of {self.arguments.of}, drawn with seed {seed}"


class Blackhole(_LinkFault):
    """Bytes that vanish."""

    id = "blackhole"
    name = "Blackhole"
    description = (
        "Everything sent is accepted and thrown away, in both directions, and new connections "
        "lead nowhere. At the end the connections that lost bytes are closed."
    )
    expect = "Connecting works, sending works, and no answer ever comes: callers wait for timeouts."
    excludes = frozenset({"partition"})

    async def verify(self) -> str:
        """See that no echo comes back."""
        return await self._is_silent()


class BandwidthArguments(Arguments):
    """Arguments of ``bandwidth``."""

    kib_per_s: float = Field(
        64, ge=0.1, le=1e7, description="KiB per second in each direction, for all connections"
    )


class Bandwidth(_LinkFault):
    """A thin line."""

    id = "bandwidth"
    name = "Bandwidth"
    description = "The link carries only so many bytes per second each way; connections share it."
    expect = (
        "Small answers pass as before, large ones take their size divided by the rate, and under "
        "load everybody queues."
    )
    takes = BandwidthArguments

    async def verify(self) -> str:
        """Measure how long an echo of some size takes; it comes back as it arrives."""
        rate = self.arguments.kib_per_s * 1024
        least, most = _PROBE_BYTES
        count = int(min(max(rate * _PROBE_S, least), most))
        seen = await self._slower_than(count / rate * 1000, count)
        return f"{seen}, of {count} bytes"
