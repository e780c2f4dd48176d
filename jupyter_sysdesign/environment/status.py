"""States of environments and services, as every client sees them."""

from __future__ import annotations

from enum import Enum

from pydantic import BaseModel, Field


class State(str, Enum):
    """``preparing → starting → ready ⇄ degraded → stopping → stopped``, or ``failed``."""

    PREPARING = "preparing"
    STARTING = "starting"
    READY = "ready"
    DEGRADED = "degraded"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class ServiceState(str, Enum):
    """One service; ``paused`` is deliberate, ``failed`` carries the reason."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    PAUSED = "paused"
    RESTARTING = "restarting"
    FAILED = "failed"


class ServiceStatus(BaseModel):
    """One service of an instance."""

    name: str
    kind: str = Field(description="postgres, valkey, haproxy or python")
    replica_of: str | None = Field(None, description="the primary of a database's replica")
    state: ServiceState
    reason: str = Field("", description="why it failed or restarts; for a syntax error file:line")
    url: str | None = Field(None, description="http://127.0.0.1:PORT if published, else null")
    cpus: float | None = Field(None, description="CPU quota in cores")
    memory_bytes: int | None = None
    pid: int | None = None
    exit_code: int | None = Field(
        None, description="how it last ended without being told; negative: the signal"
    )


class Link(BaseModel):
    """A connection between two services, from ``depends_on`` and addresses in the environment."""

    source: str
    target: str
    marked: bool = Field(default=False, description="faults can be put on it")


class ProxyStatus(BaseModel):
    """The process that marked links go through."""

    pid: int | None = Field(None, description="null while it does not run")


class Progress(BaseModel):
    """How far a slow preparation is (building a template the first time)."""

    step: str = Field(description="one sentence, e.g. 'Seeding the database (first time only)'")
    done: float = Field(0.0, ge=0, le=1)
    bytes: int | None = None


class EnvironmentStatus(BaseModel):
    """An instance as the API shows it."""

    id: str
    lesson: str
    workspace: str
    runtime: str = "embedded"
    state: State
    reason: str = ""
    progress: Progress | None = None
    services: list[ServiceStatus] = []
    links: list[Link] = []
    proxy: ProxyStatus | None = Field(None, description="null where no link is marked")
    url: str | None = Field(None, description="where load goes: the published service's address")
    migrations: list[Migration] = []
    pending: list[str] = Field(
        [], description="files saved that take effect together, with the next apply"
    )
    started_at: float | None = Field(None, description="seconds since the epoch")
    last_seq: int = Field(
        0,
        ge=0,
        description="newest event that this state includes: the `after` that misses nothing",
    )


class Migration(BaseModel):
    """One file of ``migrations/``."""

    name: str
    state: str = Field(
        description="pending, applied, changed (edited since), removed (applied, its file is gone)"
    )


class Applied(BaseModel):
    """What ``apply`` did."""

    applied: list[str] = Field(description="files of migrations/ applied now, in order")
    replayed: bool = Field(
        description="the pristine data was restored first: an applied file changed"
    )
    started: list[str] = Field([], description="services that compose.yaml has anew")
    restarted: list[str] = Field([], description="services that are described differently now")
    stopped: list[str] = Field([], description="services that compose.yaml has no more")
    kept: list[str] = Field(
        [], description="services that went on running; empty if none had to change"
    )
    message: str


class Drift(BaseModel):
    """Where the live schema differs from pristine plus migrations."""

    drifted: bool
    differences: list[str] = Field(
        description="one line each, e.g. '+ CREATE INDEX … (not in migrations/)'"
    )


class SqlResult(BaseModel):
    """One statement's result; cells are JSON values."""

    columns: list[str]
    rows: list[list[object]]
    row_count: int
    truncated: bool = False
    plan: dict[str, object] | None = Field(None, description="EXPLAIN (FORMAT JSON) document")
    duration_ms: float


EnvironmentStatus.model_rebuild()
