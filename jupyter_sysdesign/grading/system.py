"""A running copy of the lesson's system, as a check sees it: from outside."""

from __future__ import annotations

import contextlib
import hashlib
import time
from typing import TYPE_CHECKING, Any

import httpx

from jupyter_sysdesign.environment.status import ServiceState, State
from jupyter_sysdesign.errors import ConflictError, StartFailedError
from jupyter_sysdesign.grading import reasons
from jupyter_sysdesign.grading.deadline import held
from jupyter_sysdesign.grading.outcome import CannotTell, Crowded, Failed
from jupyter_sysdesign.grading.told import Loaded, Told
from jupyter_sysdesign.unencrypted import NO_CERTIFICATES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jupyter_sysdesign.control.client import ControlClient
    from jupyter_sysdesign.environment.status import EnvironmentStatus, ServiceStatus

#: Of one request a check makes itself (runs of load have the profile's own).
REQUEST_TIMEOUT_S = 10.0
READY_S = 60.0
MAX_ROWS = 10_000
#: Answers of a load that a check can compare with the tables.
TOLD = 100
_POLL_S = 0.1

# Counted per statement and at once, while pg_stat_database lags behind a pooled connection by up to
# ten seconds; and only what the application's role did, so that no vacuum is in it.
_BLOCKS = """
SELECT coalesce(sum(s.shared_blks_hit + s.shared_blks_read + s.local_blks_hit + s.local_blks_read
                    + s.temp_blks_read), 0)::bigint AS blocks,
       (SELECT dealloc FROM {schema}.pg_stat_statements_info) AS forgotten
FROM {schema}.pg_stat_statements AS s
JOIN pg_catalog.pg_database AS d ON d.oid = s.dbid
WHERE d.datname = pg_catalog.current_database() AND s.userid = d.datdba
"""
_STATISTICS_SCHEMA = """
SELECT pg_catalog.quote_ident(n.nspname) AS name
FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_stat_statements'
"""
_WAL = (
    "SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::bigint AS n"
)
_CONNECTIONS = """
SELECT count(*) AS n FROM pg_catalog.pg_stat_activity AS a
JOIN pg_catalog.pg_database AS d ON d.datname = pg_catalog.current_database()
WHERE a.backend_type = 'client backend' AND a.usesysid = d.datdba
"""


class System:
    """One instance under check.

    Attributes:
        id: the environment's id.
        http: client whose base URL is the published service; every request times out. What it
            sends looks like what a load sends, so that no header tells the two apart.
    """

    def __init__(
        self,
        client: ControlClient,
        status: EnvironmentStatus,
        *,
        seed: int,
        profiles: Mapping[str, Any],
    ) -> None:
        """Look at the ready environment ``status``; ``profiles`` are those of ``load.yaml``."""
        self.id = status.id
        self._client = client
        self._seed = seed
        self._profiles = profiles
        self._statistics = ""
        # Proxies of the machine are none of the system's business.
        self.http = httpx.Client(
            base_url=status.url or "",
            timeout=REQUEST_TIMEOUT_S,
            trust_env=False,
            verify=NO_CERTIFICATES,
            event_hooks={"request": [self._asked], "response": [self._answered]},
        )
        self.http.headers.clear()
        self._last: httpx.Response | None = None  # of this check
        self._asked_at: float | None = None
        self._waited_s = 0.0
        self._pids: dict[str, int | None] = {}
        self._disturbed: set[str] = set()
        self._lost: set[str] = set()  # those of them that did not come back
        self._unsettled = False
        self.note(status)

    def load(
        self,
        profile: str,
        *,
        seed: int | None = None,
        scale: float = 1.0,
        duration_s: float | None = None,
        keep: int = TOLD,
    ) -> Loaded:
        """Run a profile of ``load.yaml`` and return its summary, with some of the answers.

        The seed defaults to one derived from the held-out seed and the profile's name: the same
        for the learner's and the pristine system. Up to ``keep`` of the answers (at most 200) come
        with it, drawn by the seed.

        Raises:
            Failed: not one request succeeded.
            Crowded: the load generator was the bottleneck.
            CannotTell: the run did not finish, or its answers could not be kept.
        """
        wanted = dict(self._profiles[profile])
        if duration_s is not None:
            wanted["duration_s"] = duration_s
        seed = derive(self._seed, profile) if seed is None else seed
        run = self._client.start_run(self.id, wanted, seed=seed, scale=scale, keep=keep)
        while run.state == "running":
            time.sleep(_POLL_S)
            run = next(each for each in self._client.runs(self.id) if each.id == run.id)
        if run.summary is None or run.state != "done":
            raise CannotTell(f"The load {profile!r} did not finish. {run.reason}".strip())
        if run.summary.generator_limited:
            raise Crowded(
                "The load generator was the bottleneck: the figures say nothing about the system."
            )
        if run.summary.ok == 0:
            kinds = ", ".join(f"{count} x {kind}" for kind, count in run.summary.errors.items())
            raise Failed(f"Under the load {profile!r} not one request succeeded ({kinds}).")
        answers = self._client.run(self.id, run.id).answers
        if answers is None:
            raise CannotTell(f"What the load {profile!r} was answered could not be kept.")
        return Loaded(**dict(run.summary), told=[Told.read(each) for each in answers])

    def sql(self, query: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run one statement as the grader (reads everything, changes nothing).

        Parameters are ``%s``. At most 10,000 rows.
        """
        result = self._client.sql(
            self.id, query, parameters=list(params), role="grader", max_rows=MAX_ROWS
        )
        if result.truncated:
            raise CannotTell(f"A check asked for more than {MAX_ROWS:,} rows.")
        return [dict(zip(result.columns, row, strict=True)) for row in result.rows]

    def change(self, statement: str, params: Sequence[Any] = ()) -> None:
        """Run one statement as the application's role, past the application.

        As a nightly job or a second application does that shares the database: a system whose
        answers come from a copy of its own does not notice.
        """
        self._client.sql(self.id, statement, parameters=list(params), role="app")

    def blocks(self) -> int:
        """Return the 8 KiB blocks that the application's own statements have touched so far."""
        if not self._statistics:
            self._statistics = str(self.sql(_STATISTICS_SCHEMA)[0]["name"])
        (row,) = self.sql(_BLOCKS.format(schema=self._statistics))
        if row["forgotten"]:
            raise CannotTell(
                "So many different statements were sent that PostgreSQL forgot some of them."
            )
        return int(row["blocks"])

    def wal_bytes(self) -> int:
        """Return the write-ahead log written so far, in bytes."""
        return int(self.sql(_WAL)[0]["n"])

    def used_s(self, since: float) -> dict[str, float]:
        """Return the CPU seconds each service has used since then (seconds since the epoch).

        Of the samples taken since, one a second: wait that long before and after what is measured.
        """
        found = self._client.metrics(self.id, since=since)
        used: dict[str, float] = {}
        for name, values in found.values.items():
            service, _, metric = name.partition(".")
            if metric == "cpu_cores":
                steps = zip(found.ts, found.ts[1:], values[1:], strict=False)
                used[service] = sum((now - then) * (cores or 0) for then, now, cores in steps)
        return used

    def connections(self) -> int:
        """Return the application's open connections to the database."""
        return int(self.sql(_CONNECTIONS)[0]["n"])

    def status(self) -> EnvironmentStatus:
        """Return the environment's state now."""
        return self._client.environment(self.id)

    def kill(self, service: str) -> None:
        """Kill a service without warning (SIGKILL)."""
        self._disturbed.add(service)
        self._client.service(self.id, service, "kill")

    def restart(self, service: str) -> None:
        """Start a service again, stopped before if it runs, and wait until it answers.

        Raises:
            CannotTell: it does not come back; whose fault that is, ``fallen`` lets be found out.
        """
        self._disturbed.add(service)
        if self._service(service).state not in (ServiceState.STOPPED, ServiceState.FAILED):
            self._client.service(self.id, service, "stop")
        try:
            self._client.service(self.id, service, "start")
        except StartFailedError as error:
            self._lost.add(service)
            why = f"The service {service} does not come back: {reasons.parted(error.message)}"
            raise CannotTell(why) from error
        self.note(self.status())
        self._lost.discard(service)
        self._disturbed.discard(service)

    def heal(self) -> None:
        """End what a check left going and bring back what it killed: the next one begins anew."""
        for run in self._client.runs(self.id):
            if run.state == "running":
                with contextlib.suppress(ConflictError):  # it has just ended by itself
                    self._client.stop_run(self.id, run.id)
        for service in sorted(self._disturbed):
            self.restart(service)

    def reset(self) -> None:
        """Restore the pristine data and apply the migrations again."""
        self._unsettled = True
        with held():  # it would go on without us, and change what runs under the next check
            self._client.reset(self.id)
            self.note(self._client.wait(self.id, [State.READY, State.FAILED], timeout_s=READY_S))
        self._client.apply(self.id)
        self.note(self.status())
        self._unsettled = False

    def settle(self) -> None:
        """Do the rest of a reset that a check had no time for."""
        while self._unsettled:
            try:
                self._client.apply(self.id)
                self.note(self.status())
                self._unsettled = False
            except ConflictError:  # noqa: PERF203 (still being applied, or it did not come up)
                if self.status().state in (State.FAILED, State.STOPPED):
                    return
                time.sleep(_POLL_S)

    def note(self, status: EnvironmentStatus) -> None:
        """Remember which processes run now: another one later means that it died."""
        self._pids = {each.name: each.pid for each in status.services}

    def fallen(self, status: EnvironmentStatus) -> list[str]:
        """Return the services that died, or do not run, and no check is to blame for it."""
        return [
            each.name
            for each in status.services
            if (each.name not in self._disturbed or each.name in self._lost)
            and (each.state is not ServiceState.READY or each.pid != self._pids.get(each.name))
        ]

    def begin(self) -> None:
        """Forget the requests of the check before, and what became of a reset."""
        self._unsettled = False
        self._last, self._asked_at, self._waited_s = None, None, 0.0

    def waited_s(self) -> float:
        """Return how long this system has kept the check's own requests waiting, in seconds."""
        pending = 0.0 if self._asked_at is None else time.monotonic() - self._asked_at
        return self._waited_s + pending

    def last_refused(self) -> str:
        """Return what was refused, if the last request was; else an empty string."""
        last = self._last
        if last is None or not last.is_error:
            return ""
        return f"{last.request.method} {last.request.url.path} answered {last.status_code}."

    def close(self) -> None:
        """Close the connections to it."""
        self.http.close()

    def _asked(self, request: httpx.Request) -> None:
        length = request.headers.pop("Content-Length", None)
        if length is not None:
            request.headers["Content-Length"] = length  # after its type, where a load has it
        self._asked_at = time.monotonic()

    def _answered(self, response: httpx.Response) -> None:
        self._waited_s = self.waited_s()
        self._asked_at = None
        self._last = response

    def _service(self, name: str) -> ServiceStatus:
        return next(each for each in self.status().services if each.name == name)


def derive(seed: int, label: str) -> int:
    """Return the seed for one use: the same for the same ``seed`` and ``label``, below 2**63."""
    digest = hashlib.sha256(f"{seed}:{label}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
