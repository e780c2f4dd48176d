"""Valkey, through its INFO command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.metrics.counters import Counters

if TYPE_CHECKING:
    from jupyter_sysdesign.metrics.sources import ValkeySource

TIMEOUT_S = 5.0
_SECTIONS = ("stats", "memory", "clients", "keyspace")
_COUNTED = (
    "total_commands_processed",
    "keyspace_hits",
    "keyspace_misses",
    "evicted_keys",
    "expired_keys",
)


class ValkeyCollector:
    """One server."""

    def __init__(self, source: ValkeySource) -> None:
        """Prepare; connects at the first sample."""
        # Imported here: environments without a cache do without its 6 MiB.
        from redis.asyncio import Redis  # noqa: PLC0415
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415

        self._service = source.service
        self._client: Redis = Redis.from_url(
            source.url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            max_connections=1,
            decode_responses=True,
        )
        self._counters: Counters[str] = Counters()

    async def sample(self) -> dict[str, float]:
        """Return operations, hits, memory, clients and keys."""
        info: dict[str, Any] = await self._client.info(*_SECTIONS)
        increases = self._counters.update({name: float(info[name]) for name in _COUNTED})
        databases = [each for name, each in info.items() if name.startswith("db")]
        found = {
            "memory_used_bytes": float(info["used_memory"]),
            "clients": float(info["connected_clients"] - 1),  # but not this one
            "clients_blocked": float(info["blocked_clients"]),
            "keys": float(sum(each["keys"] for each in databases if isinstance(each, dict))),
        }
        if info.get("maxmemory"):
            found["memory_limit_bytes"] = float(info["maxmemory"])
        if increases is not None:
            own = 1 / increases.seconds  # this INFO
            found["ops_per_s"] = max(increases.rate("total_commands_processed") - own, 0.0)
            found["evictions_per_s"] = increases.rate("evicted_keys")
            found["expirations_per_s"] = increases.rate("expired_keys")
            asked = increases.total(("keyspace_hits", "keyspace_misses"))
            if asked > 0:
                found["hit_ratio"] = increases.by["keyspace_hits"] / asked
        return {f"{self._service}.{name}": value for name, value in found.items()}

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()
