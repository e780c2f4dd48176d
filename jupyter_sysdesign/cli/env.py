"""``sysdesign env up|down|reset|apply|status|logs``: a lesson's environment without a browser."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from jupyter_sysdesign.cli.output import JsonFlag, command, console, emit, out
from jupyter_sysdesign.cli.place import (
    LessonArgument,
    RuntimeOption,
    WorkspaceOption,
    environment,
    environments,
    resolve,
)
from jupyter_sysdesign.errors import StartFailedError

if TYPE_CHECKING:
    from jupyter_sysdesign.control.client import ControlClient
    from jupyter_sysdesign.environment.status import EnvironmentStatus

app = typer.Typer(help="Start, stop and look at a lesson's environment.", no_args_is_help=True)

_DEFAULT_TTL_S = 2 * 3600
_MAX_TTL_S = 7 * 24 * 3600


@app.command()
@command
def up(
    lesson: LessonArgument = None,
    *,
    workspace: WorkspaceOption = None,
    runtime: RuntimeOption = None,
    ttl: Annotated[
        int,
        typer.Option(min=1, max=_MAX_TTL_S, help="Seconds it stays up without a client."),
    ] = _DEFAULT_TTL_S,
    as_json: JsonFlag = False,
) -> None:
    """Start the environment and leave it running for a while."""
    from jupyter_sysdesign.control.client import ControlClient

    with ControlClient(holder=f"cli:{time.time_ns()}") as client:
        folder = resolve(client, lesson, workspace)
        status = client.create_environment(str(folder), runtime=runtime)
        status = _wait(client, status, quiet=as_json)
        client.detach(status.id, ttl_s=ttl)  # not before: who interrupts this leaves nothing up
    if as_json:
        emit({"environment": status, "ttl_s": ttl})
        return
    _show(status)
    console.print(
        f"It stops by itself in {ttl / 3600:g} h; `sysdesign env down` stops it now.",
    )


@app.command()
@command
def down(
    lesson: LessonArgument = None, *, workspace: WorkspaceOption = None, as_json: JsonFlag = False
) -> None:
    """Stop the environment; its data stays."""
    from jupyter_sysdesign.control.client import ControlClient

    with ControlClient() as client:
        found = environment(client, lesson, workspace)
        status = client.stop(found.id)
    if as_json:
        emit({"environment": status})
    else:
        _show(status)


@app.command()
@command
def reset(
    lesson: LessonArgument = None, *, workspace: WorkspaceOption = None, as_json: JsonFlag = False
) -> None:
    """Restore the pristine data; what the learner wrote in files stays."""
    from jupyter_sysdesign.control.client import ControlClient

    with ControlClient() as client:
        found = environment(client, lesson, workspace)
        status = client.reset(found.id)
    if as_json:
        emit({"environment": status})
    else:
        _show(status)


@app.command()
@command
def apply(
    lesson: LessonArgument = None, *, workspace: WorkspaceOption = None, as_json: JsonFlag = False
) -> None:
    """Let saved files take effect: an edited compose.yaml, new migrations. The rest runs on."""
    from jupyter_sysdesign.control.client import ControlClient

    with ControlClient() as client:
        found = environment(client, lesson, workspace)
        done = client.apply(found.id)
        status = client.environment(found.id)
    if as_json:
        emit({"applied": done, "environment": status})
        return
    _show(status)
    out.print(done.message)


@app.command()
@command
def status(
    lesson: LessonArgument = None, *, workspace: WorkspaceOption = None, as_json: JsonFlag = False
) -> None:
    """Show the environment of a workspace or of a lesson, or all that are known."""
    from jupyter_sysdesign.control.client import ControlClient
    from jupyter_sysdesign.curriculum import workspace as workspaces

    with ControlClient() as client:
        if lesson is not None or workspace is not None or workspaces.find(Path.cwd()):
            known = environments(client, lesson, workspace)
        else:
            known = client.environments()
    if as_json:
        emit({"environments": known})
        return
    if not known:
        out.print("No environment is running.")
    for each in known:
        _show(each)


@app.command()
@command
def logs(
    lesson: LessonArgument = None,
    *,
    service: Annotated[str | None, typer.Option(help="Only this service.")] = None,
    tail: Annotated[int, typer.Option(min=1, max=10_000, help="How many lines.")] = 100,
    workspace: WorkspaceOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Print the last log lines."""
    from jupyter_sysdesign.control.client import ControlClient

    with ControlClient() as client:
        found = environment(client, lesson, workspace)
        page = client.logs(found.id, service=service, tail=tail)
    if as_json:
        emit(page)
        return
    for line in page.lines:
        out.print(f"{line['service']:>8}  {line['line']}", soft_wrap=True)


def _wait(client: ControlClient, status: EnvironmentStatus, *, quiet: bool) -> EnvironmentStatus:
    shown = ""
    while status.state.value in ("preparing", "starting"):
        step = status.progress.step if status.progress else status.state.value.capitalize()
        if not quiet and step != shown:
            console.print(step)
            shown = step
        time.sleep(0.05)
        status = client.environment(status.id)
    if status.state.value not in ("ready", "degraded"):
        raise StartFailedError(
            status.reason or "It was stopped while it was starting",
            hint="`sysdesign doctor` tells what this machine has.",
        )
    return status


def _show(status: EnvironmentStatus) -> None:
    reason = f" ({status.reason})" if status.reason else ""
    on = "" if status.runtime == "embedded" else f" on {status.runtime}"
    out.print(Text.assemble((status.lesson, "bold"), f" {status.state.value}{on}{reason}"))
    for service in status.services:
        where = f"  {service.url}" if service.url else ""
        why = f"  {service.reason}" if service.reason else ""
        out.print(f"  {service.name:<8} {service.state.value:<10}{where}{why}")
