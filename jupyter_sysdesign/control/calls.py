"""What to send for each operation of the API, and how to read the answer."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar
from urllib.parse import quote, urlencode

from pydantic import TypeAdapter

from jupyter_sysdesign.control.models import (
    Answer,
    Applied,
    ChecksState,
    Console,
    ControlPlaneInfo,
    Drift,
    EnvironmentStatus,
    ImportedWorkspace,
    LessonDetail,
    LessonSummary,
    LogPage,
    Machine,
    MetricSeries,
    ProfilePage,
    Run,
    ServiceStatus,
    SqlResult,
    Verdict,
    WorkspaceDetail,
)
from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.faults.models import (
    ActiveFault,
    ActiveFaults,
    FaultLibrary,
    PlayedSchedule,
    PlayedSchedules,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")

#: Where a Jupyter server tells its kernels which folder workspaces go under.
ROOT_VARIABLE = "SYSDESIGN_ROOT"

_TIMEOUT_S = 120.0
_CHECK_TIMEOUT_S = 1200.0


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request; ``answer`` is the type that its JSON answer is read as (None: there is none)."""

    answer: Any
    method: str
    path: str
    body: Mapping[str, Any] | None = None
    timeout_s: float = _TIMEOUT_S

    def read(self, content: bytes) -> T:
        """Return the answer's value."""
        if self.answer is None or not content:
            return None  # type: ignore[return-value]
        value: T = _adapter(self.answer).validate_json(content)
        return value


@lru_cache(maxsize=64)
def _adapter(answer: Any) -> TypeAdapter[Any]:
    return TypeAdapter(answer)


def info() -> Call[ControlPlaneInfo]:
    """Ask who answers."""
    return Call(ControlPlaneInfo, "GET", "/v1")


def machine() -> Call[Machine]:
    """Ask how much memory there is, and what environments take."""
    return Call(Machine, "GET", "/v1/machine")


def lessons() -> Call[list[LessonSummary]]:
    """List the lessons in their order."""
    return Call(list[LessonSummary], "GET", "/v1/lessons")


def lesson(lesson_id: str) -> Call[LessonDetail]:
    """Describe one lesson."""
    return Call(LessonDetail, "GET", f"/v1/lessons/{_part(lesson_id)}")


def workspaces() -> Call[list[WorkspaceDetail]]:
    """List the workspaces that are known, last opened first."""
    return Call(list[WorkspaceDetail], "GET", "/v1/workspaces")


def create_workspace(lesson: str, folder: str | Path | None = None) -> Call[WorkspaceDetail]:
    """Make the workspace of a lesson, or find it.

    Without ``folder`` it lies below the Jupyter root folder, or below the current one.
    """
    if folder is None:
        base = os.environ.get(ROOT_VARIABLE) or Path.cwd()
        folder = Path(base) / "sysdesign" / lesson
    body = {"lesson": lesson, "folder": str(Path(folder).absolute())}
    return Call(WorkspaceDetail, "POST", "/v1/workspaces", body)


def workspace(id_or_folder: str | Path) -> Call[WorkspaceDetail]:
    """Describe a workspace, by id or by the absolute path of its folder."""
    name = str(id_or_folder)
    if name.startswith("/"):
        return Call(WorkspaceDetail, "GET", f"/v1/workspaces/find?{urlencode({'folder': name})}")
    return Call(WorkspaceDetail, "GET", f"/v1/workspaces/{_part(name)}")


def answer(workspace: str, question: str, value: Any = None, *, skip: bool = False) -> Call[Answer]:
    """Answer a question, or skip it openly; ``workspace`` is an id."""
    path = f"/v1/workspaces/{_part(workspace)}/answers/{_part(question)}"
    return Call(Answer, "PUT", path, {"value": value, "skip": skip})


def import_work(
    file: str | Path, folder: str | Path, *, overwrite: bool = False
) -> Call[list[ImportedWorkspace]]:
    """Take up the work in a zip below ``folder``; both are absolute paths."""
    body = {"file": str(file), "folder": str(folder), "overwrite": overwrite}
    return Call(list[ImportedWorkspace], "POST", "/v1/work", body)


def environments() -> Call[list[EnvironmentStatus]]:
    """List the environments there are, running or not."""
    return Call(list[EnvironmentStatus], "GET", "/v1/environments")


def create_environment(
    workspace: str | Path,
    start: bool = True,
    purpose: Literal["lesson", "check"] = "lesson",
    *,
    reuse: bool = False,
    runtime: str | None = None,
) -> Call[EnvironmentStatus]:
    """Prepare the environment of a workspace (id or folder) and begin to start it.

    With ``reuse``, one that is starting or running already is as good. ``runtime``: by default the
    one this program is configured for, else the control plane's choice.
    """
    body = {"workspace": str(workspace), "start": start, "purpose": purpose, "reuse": reuse}
    wanted = runtime or os.environ.get("SYSDESIGN_RUNTIME")
    if wanted:
        body["runtime"] = wanted
    return Call(EnvironmentStatus, "POST", "/v1/environments", body)


def environment(environment_id: str) -> Call[EnvironmentStatus]:
    """Describe an environment."""
    return Call(EnvironmentStatus, "GET", _environment(environment_id))


def start(environment_id: str) -> Call[EnvironmentStatus]:
    """Begin to start it."""
    return Call(EnvironmentStatus, "POST", _environment(environment_id, "/start"))


def stop(environment_id: str) -> Call[EnvironmentStatus]:
    """Stop it; the data stays."""
    return Call(EnvironmentStatus, "POST", _environment(environment_id, "/stop"))


def reset(environment_id: str) -> Call[EnvironmentStatus]:
    """Restore the pristine data."""
    return Call(EnvironmentStatus, "POST", _environment(environment_id, "/reset"))


def apply(environment_id: str) -> Call[Applied]:
    """Apply pending migrations."""
    return Call(Applied, "POST", _environment(environment_id, "/apply"))


def delete(environment_id: str) -> Call[None]:
    """Stop it and delete its data."""
    return Call(None, "DELETE", _environment(environment_id))


def detach(environment_id: str, ttl_s: float = 7200) -> Call[None]:
    """Keep it running for a while without any client."""
    path = _environment(environment_id, "/leases")
    return Call(None, "POST", path, {"ttl_s": ttl_s})


def end_detached(environment_id: str) -> Call[None]:
    """End what ``detach`` began."""
    return Call(None, "DELETE", _environment(environment_id, "/leases"))


def end_lease(lease: str) -> Call[None]:
    """End a lease cleanly by its id, from outside of its connection."""
    return Call(None, "DELETE", f"/v1/leases/{_part(lease)}")


def service(environment_id: str, name: str, action: str) -> Call[ServiceStatus]:
    """Start, stop, kill, pause or resume one service."""
    path = _environment(environment_id, f"/services/{_part(name)}/{_part(action)}")
    return Call(ServiceStatus, "POST", path)


def logs(environment_id: str, service: str | None = None, tail: int = 200) -> Call[LogPage]:
    """Return the last log lines."""
    query: dict[str, Any] = {"tail": tail, **({"service": service} if service else {})}
    return Call(LogPage, "GET", _environment(environment_id, f"/logs?{urlencode(query)}"))


def metrics(environment_id: str, since: float = 0.0) -> Call[MetricSeries]:
    """Return the samples since a time (seconds since the epoch)."""
    return Call(MetricSeries, "GET", _environment(environment_id, f"/metrics?since={since}"))


def drift(environment_id: str) -> Call[Drift]:
    """Compare the live schema with the pristine one plus migrations."""
    return Call(Drift, "GET", _environment(environment_id, "/schema-drift"))


def sql(
    environment_id: str,
    statement: str,
    explain: bool = False,
    max_rows: int = 200,
    *,
    parameters: Sequence[Any] = (),
    role: Literal["app", "grader"] = "app",
    service: str | None = None,
) -> Call[SqlResult]:
    """Run one statement."""
    body = {
        "statement": statement,
        "explain": explain,
        "max_rows": max_rows,
        "parameters": listed("parameters", parameters),
        "role": role,
        "service": service,
    }
    return Call(SqlResult, "POST", _environment(environment_id, "/sql"), body)


def console(environment_id: str, service: str | None = None) -> Call[Console]:
    """Ask how a terminal reaches a database or a cache (default: the first there is)."""
    query = f"?{urlencode({'service': service})}" if service else ""
    return Call(Console, "GET", f"/v1/consoles/{_part(environment_id)}{query}")


def profiles(environment_id: str) -> Call[ProfilePage]:
    """Return the profiles of ``load.yaml`` in full; ``start_run`` takes each of them."""
    return Call(ProfilePage, "GET", _environment(environment_id, "/profiles"))


def checks(environment_id: str) -> Call[ChecksState]:
    """Tell what a check under way has decided so far, and the last verdict."""
    return Call(ChecksState, "GET", _environment(environment_id, "/checks"))


def runs(environment_id: str) -> Call[list[Run]]:
    """List the runs, oldest first."""
    return Call(list[Run], "GET", _environment(environment_id, "/runs"))


def start_run(
    environment_id: str,
    profile: str | Mapping[str, Any],
    seed: int = 1,
    scale: float = 1.0,
    *,
    keep: int | None = None,
) -> Call[Run]:
    """Begin a run of a named profile, or of one given in full; ``keep`` some answers whole."""
    which = "profile" if isinstance(profile, str) else "custom"
    body = {which: profile, "seed": seed, "scale": scale, "keep": keep}
    return Call(Run, "POST", _environment(environment_id, "/runs"), body)


def run(environment_id: str, run_id: str) -> Call[Run]:
    """Return one run with ticks, metrics, and the answers that were kept."""
    return Call(Run, "GET", _environment(environment_id, f"/runs/{_part(run_id)}"))


def stop_run(environment_id: str, run_id: str) -> Call[Run]:
    """End a run early."""
    return Call(Run, "DELETE", _environment(environment_id, f"/runs/{_part(run_id)}"))


def faults() -> Call[FaultLibrary]:
    """List all faults there are."""
    return Call(FaultLibrary, "GET", "/v1/faults")


def active_faults(environment_id: str) -> Call[ActiveFaults]:
    """List the faults in force, oldest first."""
    return Call(ActiveFaults, "GET", _environment(environment_id, "/faults"))


def inject_fault(
    environment_id: str,
    fault: str,
    *,
    service: str | None = None,
    link: tuple[str, str] | None = None,
    arguments: Mapping[str, Any] | None = None,
    for_s: float | None = None,
) -> Call[ActiveFault]:
    """Put a fault on a service or a link (source, target); it has taken effect on return."""
    body = {
        "fault": fault,
        "service": service,
        "link": None if link is None else {"source": link[0], "target": link[1]},
        "arguments": dict(arguments or {}),
        "for_s": for_s,
    }
    return Call(ActiveFault, "POST", _environment(environment_id, "/faults"), body)


def recover_fault(environment_id: str, fault_id: str) -> Call[None]:
    """Bring back what was before a fault; safe to repeat."""
    return Call(None, "DELETE", _environment(environment_id, f"/faults/{_part(fault_id)}"))


def fault_schedules(environment_id: str) -> Call[PlayedSchedules]:
    """List the schedules that were played, oldest first."""
    return Call(PlayedSchedules, "GET", _environment(environment_id, "/fault-schedules"))


def play_faults(environment_id: str, schedule: Mapping[str, Any]) -> Call[PlayedSchedule]:
    """Begin to play a schedule: ``{seed, steps: [{at_s, fault, …}]}``."""
    path = _environment(environment_id, "/fault-schedules")
    return Call(PlayedSchedule, "POST", path, schedule)


def stop_faults(environment_id: str, schedule_id: str) -> Call[None]:
    """Stop a schedule and recover its faults; safe to repeat."""
    path = _environment(environment_id, f"/fault-schedules/{_part(schedule_id)}")
    return Call(None, "DELETE", path)


def check(
    environment_id: str, seed: int | None = None, only: Sequence[str] | None = None
) -> Call[Verdict]:
    """Decide whether the workspace's fix holds; takes a minute or more."""
    body = {"seed": seed, "only": None if only is None else listed("only", only)}
    path = _environment(environment_id, "/checks")
    return Call(Verdict, "POST", path, body, _CHECK_TIMEOUT_S)


def listed(name: str, value: object) -> list[Any]:
    """Return an argument that holds several values as a list.

    Raises:
        InvalidRequestError: it is a single value; of a word, each letter would be one.
    """
    if not isinstance(value, (list, tuple)):
        raise InvalidRequestError(
            f"{name} must be a list, not {value!r}.", hint=f"For example [{value!r}]."
        )
    return list(value)


def _environment(environment_id: str, rest: str = "") -> str:
    return f"/v1/environments/{_part(environment_id)}{rest}"


def _part(name: str) -> str:
    return quote(name, safe="")
