"""``sysdesign load``: one run of a profile, with a line that tells how it goes."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from jupyter_sysdesign.cli.output import COULD_NOT, JsonFlag, command, console, emit, out
from jupyter_sysdesign.cli.place import WorkspaceOption, resolve
from jupyter_sysdesign.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_sysdesign.control.client import ControlClient
    from jupyter_sysdesign.control.models import EnvironmentStatus, RunSummary, RunTick


@command
def load(
    words: Annotated[
        list[str], typer.Argument(metavar="[LESSON] PROFILE", help="Profile of load.yaml.")
    ],
    *,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same requests.")] = 1,
    scale: Annotated[float, typer.Option(help="Multiplies rates and connections.")] = 1.0,
    workspace: WorkspaceOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Put load on a lesson's environment (started if needed) and show what came back."""
    from jupyter_sysdesign.control.client import ControlClient
    from jupyter_sysdesign.control.models import MAX_SCALE

    if len(words) > 2:  # noqa: PLR2004
        raise InvalidRequestError("Give a lesson and a profile, or only a profile")
    if not 0 < scale <= MAX_SCALE:
        raise InvalidRequestError(f"--scale is above 0 and at most {MAX_SCALE}, not {scale:g}")
    lesson, profile = (words[0], words[1]) if len(words) == 2 else (None, words[0])  # noqa: PLR2004
    with ControlClient(holder=f"cli:{time.time_ns()}") as client:
        status = _ready(client, resolve(client, lesson, workspace), profile)
        run = client.start_run(status.id, profile=profile, seed=seed, scale=scale)
        with contextlib.ExitStack() as shown:
            waiting = Text(f"Running {profile} …")
            spinner = None if as_json else shown.enter_context(console.status(waiting))
            try:
                while run.state == "running":
                    time.sleep(0.25)
                    run = client.run(status.id, run.id)
                    if spinner is not None and run.ticks:
                        spinner.update(_line(run.ticks[-1]))
            except NotFoundError:
                raise UnavailableError(
                    "The run was lost: the control plane that ran it has ended",
                    hint="Run it again; files and answers are where they were.",
                ) from None
            except KeyboardInterrupt:
                with contextlib.suppress(ConflictError):  # it ended in this very moment
                    client.stop_run(status.id, run.id)
                run = client.run(status.id, run.id)
        environment = status.id
    if as_json:
        emit({"environment": environment, "run": run.model_dump(mode="json", exclude={"ticks"})})
    elif run.summary is not None:
        _show(run.summary)
    if run.state == "failed":
        console.print(run.reason)
        raise typer.Exit(COULD_NOT)


def _ready(client: ControlClient, folder: Path, profile: str) -> EnvironmentStatus:
    """Return the environment, started if needed; not for a profile that it does not have."""
    from jupyter_sysdesign.load.profile import FILE

    status = client.create_environment(str(folder), start=False)
    known = client.profiles(status.id).profiles
    if profile not in known:
        there = ", ".join(known)
        raise NotFoundError(f"There is no profile {profile!r}", hint=f"{FILE} has {there}.")
    if status.state.value in ("stopped", "failed"):
        client.start(status.id)
    return client.wait(status.id, ("ready", "degraded"), timeout_s=120)


def _line(tick: RunTick) -> Text:
    """Return what comes back in this moment."""
    return Text(
        f"{tick.t_s:5.1f} s  {tick.rps:8.0f} req/s  p95 {tick.p95_ms or 0:8.1f} ms"
        f"  errors {sum(tick.errors.values())}"
    )


def _show(summary: RunSummary) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("Endpoint", "Requests", "p50 ms", "p95 ms", "p99 ms", "Errors"):
        table.add_column(heading, justify="left" if heading == "Endpoint" else "right")
    for name, stats in summary.endpoints.items():
        quantiles = (stats.p50_ms, stats.p95_ms, stats.p99_ms)
        table.add_row(
            name,
            str(stats.requests),
            *("-" if value is None else f"{value:.1f}" for value in quantiles),
            str(sum(stats.errors.values())),
        )
    out.print(table)
    out.print(f"{summary.rps:.0f} requests per second, {sum(summary.errors.values())} errors")
    if summary.warning:
        out.print(summary.warning)
