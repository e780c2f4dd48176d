"""Request and response bodies of the ``/v1`` API (OpenAPI and TypeScript types come from these)."""

from __future__ import annotations

import json
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from jupyter_sysdesign.environment.status import (
    Applied,
    Drift,
    EnvironmentStatus,
    ServiceStatus,
    SqlResult,
)

__all__ = ["Applied", "Drift", "EnvironmentStatus", "ServiceStatus", "SqlResult"]

#: What a run of load can be multiplied with.
MAX_SCALE = 100


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ControlPlaneInfo(BaseModel):
    """Who answers."""

    version: str
    pid: int
    started_at: float = Field(description="seconds since the epoch")
    command: list[str] = Field(
        description="argv that `sysdesign` of this installation is called by, e.g. in a terminal"
    )


class Machine(BaseModel):
    """What the machine (or the container this runs in) has, and what environments take of it."""

    cpus: int
    memory_bytes: int
    available_bytes: int = Field(description="what can still be used before it runs out")
    environments: dict[str, int] = Field(
        description="memory in bytes that each running environment takes, by id"
    )


class Problem(BaseModel):
    """Every error response."""

    code: str
    message: str
    hint: str = ""


class EventType(str, Enum):
    """What an environment's event stream carries."""

    ENVIRONMENT_STATE = "environment.state"  # data: EnvironmentStatus
    SERVICE_STATE = "service.state"  # data: ServiceStatus
    METRIC_SAMPLE = "metric.sample"  # data: {values: {"app.cpu_cores": 0.2, ...}}
    RUN_TICK = "run.tick"  # data: RunTick
    RUN_DONE = "run.done"  # data: Run
    FILE_SAVED = "file.saved"  # data: {path}
    FAULT_STARTED = "fault.started"  # data: ActiveFault
    FAULT_ENDED = "fault.ended"  # data: ActiveFault
    LOG_LINE = "log.line"  # data: {ts, service, line}; ts as in LogPage
    CHECK_WAITS = "check.waits"  # data: {check}: until another one on this machine has measured
    CHECK_RESULT = "check.result"  # data: CheckResult
    VERDICT = "verdict"  # data: Verdict
    GAP = "gap"  # data: {missed_from, missed_to}: history was bounded, said openly


class Event(BaseModel):
    """One entry of the stream; ``seq`` starts at 1 and has no holes except said ones."""

    seq: int
    ts: float = Field(description="seconds since the epoch")
    type: EventType
    data: dict[str, Any]


# --- lessons and workspaces -------------------------------------------------------------------


class LessonSummary(BaseModel):
    """One line of the catalogue."""

    id: str
    title: str
    track: int
    tier: str
    minutes: int
    concepts: list[str]
    summary: str = ""
    has_services: bool = Field(
        default=True, description="there is something to start; else it takes place in the notebook"
    )


class LessonDetail(LessonSummary):
    """A lesson without its answers."""

    objectives: list[str]
    recap: str
    bridge: str
    editable: list[str]
    charts: list[str] = Field(description="metric names a dashboard shows first")
    profiles: list[str]
    questions: list[dict[str, Any]] = Field(description="without solutions and model answers")
    steps: list[str]
    step_titles: dict[str, str] = {}
    hints: list[dict[str, Any]] = Field(
        [], description="{id, step, title, rungs, has_solution}; solutions: WorkspaceDetail"
    )


class WorkspaceRequest(_Request):
    """Create (or find) the workspace of a lesson."""

    lesson: str
    folder: str | None = Field(None, description="default: <root>/sysdesign/<lesson>")


class ImportRequest(_Request):
    """Take up work from a zip that `GET /v1/work` or `sysdesign export` made."""

    file: str = Field(description="absolute, or relative to the root")
    folder: str | None = Field(None, description="what it is unpacked below; default: the root")
    overwrite: bool = Field(
        default=False, description="replace other work too; it is kept beside the new one"
    )


class ImportedWorkspace(BaseModel):
    """What became of one workspace in a zip."""

    id: str
    lesson: str
    folder: str
    path: str | None = Field(None, description="as in WorkspaceDetail")
    notebook: str
    became: Literal["new", "same", "replaced"] = Field(
        description="same: it was there already, to the byte"
    )
    kept: str | None = Field(None, description="where what it replaced lies now")


class FactMark(BaseModel):
    """Whether what a learner stated in a field holds; a rule decides that."""

    holds: bool
    why: str = Field("", description="what is wrong; empty when it holds")


class CriterionMark(BaseModel):
    """What was found in prose for one criterion of its rubric. Provisional: a person decides."""

    id: str
    text: str
    found: Literal["yes", "perhaps", "no", "not_looked"]
    quote: str = Field("", description="words of the answer")
    points: float | None = Field(None, ge=0, description="what a language model would give")
    max_points: float = Field(gt=0)
    why: str = ""


class Marking(BaseModel):
    """What rule and rubric make of a reflection."""

    by: str = Field(description="what looked at the prose, e.g. sentences; empty: nothing did")
    facts: list[FactMark] = []
    criteria: list[CriterionMark] = []
    points: float | None = Field(None, ge=0, description="suggested sum; None: nothing suggested")
    max_points: float = Field(0, ge=0)
    for_a_person: list[str] = Field([], description="why somebody has to look at it")


class Answer(BaseModel):
    """A learner's answer as kept in ``answers.json``."""

    value: Any
    answered_at: float
    skipped: bool = False
    correct: bool | None = Field(None, description="None: not decidable by rule (prose)")
    score: float | None = Field(None, ge=0, le=1)
    feedback: str = ""
    model_answer: str | None = Field(None, description="shown only after one's own answer")
    attempts: int = Field(1, ge=0, description="answers given so far; a skip is none")
    first_score: float | None = Field(None, ge=0, le=1, description="of the first decided attempt")
    marking: Marking | None = Field(None, description="of a reflection")


class AnswerRequest(_Request):
    """Answer or openly skip one question."""

    value: Any = None
    skip: bool = False


class WorkspaceDetail(BaseModel):
    """A learner's copy of a lesson."""

    id: str
    lesson: str
    folder: str
    path: str | None = Field(
        None, description="folder as the file browser shows it: relative to the Jupyter root"
    )
    notebook: str
    has_services: bool = Field(default=True, description="as in LessonSummary")
    files: list[str] = Field(description="relative paths of the learner's files")
    editable: list[str]
    answers: dict[str, Answer]
    open_steps: list[str] = Field(
        description="steps whose earlier questions are answered or skipped"
    )
    checks_passed: int = 0
    checks_total: int = 0
    questions_total: int = 0
    finished: bool = Field(default=False, description="a verdict was passed once")
    solutions: dict[str, str] = Field({}, description="by hint id; only after a check was tried")
    notices: list[str] = Field(
        [], description="what the learner should be told, e.g. a damaged file"
    )


# --- environments -----------------------------------------------------------------------------


class EnvironmentRequest(_Request):
    """Prepare and start the environment of a workspace.

    One that exists already is returned when nothing is to be started, or with ``reuse``.
    """

    workspace: str = Field(description="workspace id, or absolute path of its folder")
    runtime: Literal["embedded", "docker"] | None = Field(
        None, description="what runs it; null: what it runs on now, else the configured one"
    )
    start: bool = True
    reuse: bool = Field(
        default=False, description="one that is starting or running already will do"
    )
    purpose: Literal["lesson", "check"] = Field(
        "lesson", description="'check': hidden from lists and removed with its lease"
    )
    sample_interval_s: float | None = Field(
        None, ge=0.2, le=10, description="a sample this often, from the next start on; default 1"
    )


class Console(BaseModel):
    """How a terminal's client reaches a database or a cache; never told to a browser."""

    service: str
    kind: Literal["postgres", "valkey"]
    url: str = Field(description="for libpq or redis-py, with the learner's password")


class DetachRequest(_Request):
    """Keep the environment for a while without any connection."""

    ttl_s: float = Field(7200.0, gt=0, le=7 * 86_400)


def _bindable(values: list[Any]) -> list[Any]:
    """Refuse what JSON can write and no database could take: half of a surrogate pair."""
    json.dumps(values, ensure_ascii=False).encode()
    return values


class SqlRequest(_Request):
    """One statement against the environment's database, in a session of its own."""

    statement: str = Field(min_length=1, max_length=100_000)
    service: str | None = None
    max_rows: int = Field(200, ge=1, le=10_000)
    explain: bool = Field(
        default=False, description="run EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) of it, rolled back"
    )
    parameters: Annotated[list[Any], AfterValidator(_bindable)] = Field(
        [], description="values for %s, bound by the server"
    )
    role: Literal["app", "grader"] = Field(
        "app", description="grader: reads everything, changes nothing"
    )


class LogPage(BaseModel):
    """Log lines of one or all services, oldest first."""

    lines: list[dict[str, Any]] = Field(description="{ts, service, line}")


class MetricSeries(BaseModel):
    """Ring-buffered samples: one shared time axis, one list per metric (null where missing)."""

    ts: list[float]
    values: dict[str, list[float | None]]


# --- load -------------------------------------------------------------------------------------


class ProfilePage(BaseModel):
    """The profiles of the environment's ``load.yaml``, in full."""

    profiles: dict[str, dict[str, Any]] = Field(
        description="by name; each as RunRequest.custom takes it"
    )


class RunRequest(_Request):
    """Start a run of a named profile, or of one given in full."""

    profile: str | None = None
    custom: dict[str, Any] | None = Field(None, description="same form as one profile of load.yaml")
    seed: int = Field(1, ge=0, lt=2**63)
    scale: float = Field(1.0, gt=0, le=MAX_SCALE, description="multiplies rates and connections")
    keep: int | None = Field(None, ge=1, le=200, description="how many answers to keep whole")


class EndpointStats(BaseModel):
    """One endpoint of the mix."""

    requests: int
    errors: dict[str, int] = {}
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None
    distribution: list[tuple[float, int]] = Field([], description="see RunSummary")


class RunTick(BaseModel):
    """The last 100 ms of a run (``t_s`` since its start)."""

    run: str
    t_s: float
    sent: int = Field(description="requests sent in this tick")
    done: int = Field(description="requests that ended in this tick, well or not")
    rps: float = Field(description="responses as expected, per second")
    in_flight: int = Field(description="sent or due, and not ended")
    errors: dict[str, int] = {}
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    lag_p99_ms: float = Field(0.0, description="the generator's own scheduling lag")


class RunSummary(BaseModel):
    """A finished run."""

    duration_s: float
    requests: int = Field(description="requests that ended, well or not")
    ok: int = Field(description="responses as expected")
    rps: float = Field(description="responses as expected, per second of duration_s")
    errors: dict[str, int] = Field(description="by kind: timeout, refused, reset, http_500, …")
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    distribution: list[tuple[float, int]] = Field(
        [],
        description="latencies as [upper bound in ms, count]; timed-out ones with what they waited",
    )
    endpoints: dict[str, EndpointStats]
    lag_p99_ms: float
    generator_cpu: float = Field(description="share of one core the generator used")
    generator_limited: bool = Field(description="the generator was the bottleneck")
    warning: str = ""


class KeptAnswer(BaseModel):
    """An answer of a run that was as expected and kept whole, and what it answers."""

    name: str = Field(description="the endpoint's")
    method: str
    path: str
    sent: str = Field(description="the body of the request")
    status: int
    said: str = Field(description="the body of the answer, its first 32 KiB")
    asked_s: float = Field(
        description="when the request was due, by this machine's clock (time.perf_counter)"
    )
    answered_s: float = Field(description="by the same clock")


class Run(BaseModel):
    """A run; ``ticks`` only when asked for by id."""

    id: str
    profile: str
    seed: int
    scale: float = 1.0
    traffic: str = Field("", description="with seed and scale: which requests, and in which order")
    state: Literal["running", "done", "stopped", "failed"]
    started_at: float
    summary: RunSummary | None = None
    ticks: list[RunTick] = []
    metrics: MetricSeries | None = Field(None, description="sampled meanwhile; only by id")
    answers: list[KeptAnswer] | None = Field(
        None, description="those to be kept, a sample of all; only by id"
    )
    reason: str = ""


# --- grading ----------------------------------------------------------------------------------


class Status(str, Enum):
    """Of a check and of a verdict; ``unknown``: it could not be checked, nobody's fault."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class CheckResult(BaseModel):
    """One check."""

    id: str
    title: str
    status: Status
    measured: str = Field(description="what was measured, with its unit")
    required: str
    why: str = Field(description="one sentence a beginner understands")
    points: float = 0
    max_points: float = 0
    kind: str = Field("", description="slo, correctness, cost, blast_radius or recovery")
    evidence: dict[str, Any] = {}


class Verdict(BaseModel):
    """The whole result."""

    lesson: str
    status: Status
    checks: list[CheckResult]
    points: float
    max_points: float
    seed: int
    started_at: float
    duration_s: float
    drift: Drift | None = None
    reason: str = Field("", description="why unknown")
    whole: bool = Field(default=True, description="every check of the lesson was made")


class ChecksRequest(_Request):
    """Check the workspace's fix on a fresh system."""

    seed: int | None = Field(None, ge=0, lt=2**63, description="default: random; held-out traffic")
    only: list[str] | None = Field(None, min_length=1, description="check ids; default all")


class ChecksState(BaseModel):
    """How far checking is: what is under way, and what was decided last."""

    declared: list[str] = Field(description="check ids of the lesson, in order")
    going: bool = Field(description="a check is under way; results are its")
    results: list[CheckResult] = []
    verdict: Verdict | None = Field(None, description="the last one since the control plane began")
