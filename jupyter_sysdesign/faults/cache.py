"""Faults of a cache: it forgets, or has too little room."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field
from redis.asyncio import Redis
from redis.exceptions import RedisError

from jupyter_sysdesign.errors import ConflictError, UnavailableError
from jupyter_sysdesign.faults.database import require_awake, server_gone
from jupyter_sysdesign.faults.fault import Arguments, Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jupyter_sysdesign.environment.status import EnvironmentStatus

_TIMEOUT_S = 5.0
_MIB = 1 << 20


class _CacheFault(Fault[Any]):
    """What the faults of caches have in common."""

    target = "cache"
    kinds = ("valkey",)

    def over(self, status: EnvironmentStatus) -> str:
        """It is over when the server is gone."""
        return server_gone(status, self.spot.service)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[Any]:
        require_awake(self.spot.system.status, self.spot.service)
        url = self.spot.system.cache_url(self.spot.service)
        client = Redis.from_url(url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S)
        try:
            yield client
        except RedisError as error:
            raise ConflictError(f"{self.spot.service}: {error}") from error
        finally:
            await client.aclose()


class Flush(_CacheFault):
    """An empty cache."""

    id = "flush"
    name = "Flush"
    description = "Removes everything from the cache (FLUSHALL). Nothing brings it back."
    expect = (
        "Every reader misses at once and asks the database: its load jumps until the cache is "
        "warm again."
    )
    one_shot = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._keys = 0
        self._left = -1

    async def inject(self) -> None:
        """Count, empty and count again, with nobody in between."""
        async with self._client() as client:
            self._keys, _, self._left = (
                await client.pipeline(transaction=True).dbsize().flushall().dbsize().execute()
            )

    async def verify(self) -> str:
        """See that nothing was left."""
        if self._left != 0:
            raise UnavailableError(f"{self._left} keys are left")
        return f"removed {self._keys} keys"


class MemoryArguments(Arguments):
    """Arguments of ``memory-limit``."""

    mib: float = Field(1, ge=0.001, le=1_000_000, description="maxmemory, its own needs included")
    policy: Literal["noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random"] | None = Field(
        None, description="what it does when full; by default what is set already"
    )


class MemoryLimit(_CacheFault):
    """A cache that is too small."""

    id = "memory-limit"
    name = "Memory limit"
    description = "Lowers the cache's maxmemory, and sets what it does when that is reached."
    expect = (
        "With an eviction policy the hit rate falls, as what was just written is thrown out again. "
        "With noeviction writes fail with “OOM command not allowed”, reads go on."
    )
    takes = MemoryArguments

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._before: dict[str, str] = {}

    async def inject(self) -> None:
        """Set the limit."""
        wanted = {"maxmemory": str(int(self.arguments.mib * _MIB))}
        if self.arguments.policy:
            wanted["maxmemory-policy"] = self.arguments.policy
        async with self._client() as client:
            before = {name: await _setting(client, name) for name in wanted}
            self._before = before
            for name, value in wanted.items():
                await client.config_set(name, value)

    async def verify(self) -> str:
        """Read the limit back, and how much is used."""
        async with self._client() as client:
            limit = int(await _setting(client, "maxmemory"))
            policy = await _setting(client, "maxmemory-policy")
            used = int((await client.info("memory"))["used_memory"])
        if limit != int(self.arguments.mib * _MIB):
            raise UnavailableError(f"maxmemory is {limit}")
        return f"maxmemory is {limit} bytes ({policy}), {used} are used"

    async def recover(self) -> None:
        """Set what was before."""
        async with self._client() as client:
            for name, value in self._before.items():
                await client.config_set(name, value)
        self._before = {}


async def _setting(client: Any, name: str) -> str:
    return str((await client.config_get(name))[name])
