"""HAProxy, through ``show stat`` on its stats socket."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
from typing import TYPE_CHECKING

from jupyter_sysdesign.metrics.counters import Counters

if TYPE_CHECKING:
    from jupyter_sysdesign.metrics.sources import HaproxySource

TIMEOUT_S = 5.0
#: A frontend for people to look at statistics is no traffic.
_NOT_TRAFFIC = ("stats",)
#: Type of the row of a listener, which counts what its frontend does.
_LISTENER = "3"

Row = dict[str, str]


class HaproxyCollector:
    """One load balancer."""

    def __init__(self, source: HaproxySource) -> None:
        """Prepare; connects at each sample, as HAProxy closes after each answer."""
        self._service = source.service
        self._socket = source.socket
        self._counters: Counters[tuple[str, str]] = Counters()

    async def sample(self) -> dict[str, float]:
        """Return sessions, requests, errors and queues, in all and for each server."""
        rows = parse(await asyncio.wait_for(self._ask(), TIMEOUT_S))
        names = _server_names(rows)
        increases = self._counters.update(
            {(_place(row), name): count for row in rows for name, count in _counted(row).items()}
        )
        frontends = [row for row in rows if row["svname"] == "FRONTEND"]
        backends = [row for row in rows if row["svname"] == "BACKEND"]
        servers = [row for row in rows if _place(row) in names]
        found = {
            "sessions": sum(_number(row, "scur") for row in frontends),
            "queued": sum(_number(row, "qcur") for row in backends),
            "servers_up": float(sum(_is_up(row) for row in servers)),
            "servers_down": float(sum(not _is_up(row) for row in servers)),
        }
        for row in servers:
            prefix = f"server.{names[_place(row)]}"
            found[f"{prefix}.up"] = float(_is_up(row))
            found[f"{prefix}.sessions"] = _number(row, "scur")
            found[f"{prefix}.queued"] = _number(row, "qcur")
        if increases is not None:

            def rate(what: str, of: list[Row]) -> float:
                return increases.rate(*((_place(row), what) for row in of))

            found["requests_per_s"] = rate("requests", frontends)
            found["errors_per_s"] = rate("errors", frontends)
            found["retries_per_s"] = rate("retries", backends)
            for row in servers:
                prefix = f"server.{names[_place(row)]}"
                found[f"{prefix}.requests_per_s"] = rate("requests", [row])
                found[f"{prefix}.errors_per_s"] = rate("errors", [row])
        return {f"{self._service}.{name}": value for name, value in found.items()}

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _ask(self) -> str:
        reader, writer = await asyncio.open_unix_connection(self._socket)
        try:
            writer.write(b"show stat\n")
            await writer.drain()
            return (await reader.read(-1)).decode(errors="replace")
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def parse(text: str) -> list[Row]:
    """Return the rows of traffic, by column name."""
    table = csv.DictReader(io.StringIO(text.removeprefix("# ")))
    return [
        row
        for row in table
        if row.get("svname") and row["pxname"] not in _NOT_TRAFFIC and row.get("type") != _LISTENER
    ]


def _counted(row: Row) -> dict[str, float]:
    http = row.get("mode") == "http"
    return {
        "requests": _number(row, "req_tot" if http and row["req_tot"] else "stot"),
        "errors": _number(row, "hrsp_5xx")
        if http
        else _number(row, "econ") + _number(row, "eresp"),
        "retries": _number(row, "wretr"),
    }


def _server_names(rows: list[Row]) -> dict[str, str]:
    """Return what each server is called: its name, with its backend's where two have the same."""
    servers = [row for row in rows if row["svname"] not in ("FRONTEND", "BACKEND")]
    names = [row["svname"] for row in servers]
    return {
        _place(row): row["svname"] if names.count(row["svname"]) == 1 else _place(row)
        for row in servers
    }


def _place(row: Row) -> str:
    return f"{row['pxname']}_{row['svname']}"


def _is_up(row: Row) -> bool:
    return row["status"].startswith(("UP", "no check"))


def _number(row: Row, column: str) -> float:
    return float(row.get(column) or 0)
