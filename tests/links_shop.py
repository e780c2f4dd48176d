"""A running ``tiny-links`` with the faults that are put on it."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from jupyter_sysdesign.environment.instance import Instance
from jupyter_sysdesign.faults.injector import Injector
from jupyter_sysdesign.faults.models import ActiveFault, FaultLink, FaultRequest

if TYPE_CHECKING:
    from jupyter_sysdesign.environment.source import Source


@dataclass
class Shop:
    """A running ``tiny-links``, its faults, and all that was said about them."""

    instance: Instance
    injector: Injector
    http: httpx.AsyncClient
    told: list[tuple[str, ActiveFault]] = field(default_factory=list)

    async def inject(
        self,
        fault: str,
        on: str | tuple[str, str],
        for_s: float | None = None,
        **arguments: Any,
    ) -> ActiveFault:
        """Put a fault on a service or on a link."""
        where: dict[str, Any] = (
            {"service": on}
            if isinstance(on, str)
            else {"link": FaultLink(source=on[0], target=on[1])}
        )
        request = FaultRequest(fault=fault, arguments=arguments, for_s=for_s, **where)
        return await self.injector.inject(request)

    async def recover(self, fault: ActiveFault) -> None:
        """Bring back what was before."""
        await self.injector.recover(fault.id)

    async def recover_all(self) -> None:
        """Bring back everything."""
        for fault in reversed(self.injector.active):
            await self.injector.recover(fault.id)

    async def get(self, path: str) -> httpx.Response:
        """Ask the shop, through its load balancer."""
        return await self.http.get(path)

    async def took_ms(self, path: str, at_once: int = 1) -> float:
        """Return how long some answers take that are asked for at once."""
        began = time.perf_counter()
        for answer in await asyncio.gather(*(self.get(path) for _ in range(at_once))):
            answer.raise_for_status()
        return (time.perf_counter() - began) * 1000

    async def fastest_ms(
        self, path: str, times: int = 5, *, at_once: int = 1, below: float = math.inf
    ) -> float:
        """Return how long it takes at least.

        A busy machine adds to any single answer, to all of them hardly: while none was ``below``
        that, it is asked again, up to ten times as often.
        """
        fastest = math.inf
        for asked in range(10 * times):
            if asked >= times and fastest < below:
                break
            fastest = min(fastest, await self.took_ms(path, at_once))
        return fastest

    def ended(self, fault: ActiveFault) -> str:
        """Return why a fault ended."""
        return next(
            said.reason for kind, said in self.told if kind == "fault.ended" and said.id == fault.id
        )


async def open_shop(source: Source, runs_on: str | None = None) -> Shop:
    """Start a shop of one's own."""

    def hear(kind: str, _data: dict[str, Any]) -> None:
        if kind in ("environment.state", "service.state"):
            shop.injector.follow()

    instance = Instance(source, emit=hear, runs_on=runs_on)
    injector = Injector(instance, lambda kind, said: shop.told.append((kind, said)))
    shop = Shop(instance, injector, httpx.AsyncClient())
    await instance.start()
    target = instance.target
    # Each question has a connection of its own: one that was idle for five seconds is closed by the
    # app, perhaps just as the next question is on its way.
    shop.http = httpx.AsyncClient(
        base_url=f"http://{target.host}:{target.port}",
        timeout=30,
        limits=httpx.Limits(max_keepalive_connections=0),
    )
    return shop


async def close_shop(shop: Shop) -> None:
    """Stop it."""
    await shop.http.aclose()
    await shop.injector.close()
    await shop.instance.stop()
