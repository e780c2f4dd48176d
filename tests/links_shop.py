"""A running ``tiny-links`` with the faults that are put on it."""

from __future__ import annotations

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

    async def fastest_ms(self, path: str, times: int = 5) -> float:
        """Return how long an answer takes at least."""
        took = []
        for _ in range(times):
            began = time.perf_counter()
            (await self.get(path)).raise_for_status()
            took.append((time.perf_counter() - began) * 1000)
        return min(took)

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
    shop.http = httpx.AsyncClient(base_url=f"http://{target.host}:{target.port}", timeout=30)
    return shop


async def close_shop(shop: Shop) -> None:
    """Stop it."""
    await shop.http.aclose()
    await shop.injector.close()
    await shop.instance.stop()
