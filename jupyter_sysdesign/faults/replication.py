"""The fault of a replica: it goes on receiving, and shows nothing of it."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg

from jupyter_sysdesign.environment.status import ServiceState
from jupyter_sysdesign.errors import UnavailableError
from jupyter_sysdesign.faults.database import DatabaseFault

_LOOKS, _LOOK_EVERY_S = 250, 0.02

_PAUSED = "SELECT pg_catalog.pg_get_wal_replay_pause_state() = 'paused'"
#: Whether the log was received up to there, and where replay stands.
_STANDS = """
SELECT pg_catalog.pg_last_wal_receive_lsn() >= %(end)s, pg_catalog.pg_last_wal_replay_lsn()::text,
       pg_catalog.pg_wal_lsn_diff(%(end)s, pg_catalog.pg_last_wal_replay_lsn())
"""
_WRITE = "SELECT pg_catalog.pg_logical_emit_message(false, 'sysdesign', 'fault', true)::text"
_RESUME = "SELECT pg_catalog.pg_wal_replay_resume() WHERE pg_catalog.pg_is_in_recovery()"


class PauseReplication(DatabaseFault):
    """A replica that falls behind."""

    id = "pause-replication"
    name = "Pause replication"
    description = (
        "The replica goes on receiving its primary's log and applies none of it until recovery."
    )
    expect = (
        "Who writes to the primary and reads from the replica gets old answers, without any error; "
        "replication_lag_s and replication_lag_bytes of the replica grow with every write."
    )
    replica = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._paused = False

    async def inject(self) -> None:
        """Ask for the pause, and wait until replay stands still."""
        self._paused = True
        async with self._asked(), await self._connect("admin") as admin:
            await admin.execute("SELECT pg_catalog.pg_wal_replay_pause()")
            for _ in range(_LOOKS):
                row = await (await admin.execute(_PAUSED)).fetchone()
                if row is not None and row[0]:
                    return
                await asyncio.sleep(_LOOK_EVERY_S)
        raise UnavailableError(f"{self.spot.service} did not stop replaying")

    async def verify(self) -> str:
        """Write a record into the primary's log, and see it arrive and not be applied."""
        end = await self._written()
        async with self._asked(), await self._connect("admin") as admin:
            if not end:
                return "replay is paused; its primary does not run"
            for _ in range(_LOOKS):
                row = await (await admin.execute(_STANDS, {"end": end})).fetchone()
                if row is not None and row[0]:
                    break
                await asyncio.sleep(_LOOK_EVERY_S)
            else:
                return f"replay is paused; it receives nothing from {self._primary}"
        if row[2] <= 0:
            raise UnavailableError(f"{self.spot.service} has replayed what was written just now")
        return f"replay stands at {row[1]}; {row[2]} bytes were received and not applied"

    async def recover(self) -> None:
        """Let replay go on."""
        if not self._paused:
            return
        async with self._asked(), await self._connect("admin") as admin:
            await admin.execute(_RESUME)
        self._paused = False

    @property
    def _primary(self) -> str:
        services = self.spot.system.status.services
        found = next(each for each in services if each.name == self.spot.service)
        assert found.replica_of is not None  # noqa: S101 (it is put on nothing else)
        return found.replica_of

    async def _written(self) -> str:
        """Return where the primary's log ends after a new record; empty: it does not answer."""
        primary = next(
            each for each in self.spot.system.status.services if each.name == self._primary
        )
        if primary.state is not ServiceState.READY:
            return ""
        try:
            async with await self._connect("admin", primary.name) as admin:
                row = await (await admin.execute(_WRITE)).fetchone()
        except psycopg.OperationalError:
            return ""
        return str(row[0]) if row is not None else ""
