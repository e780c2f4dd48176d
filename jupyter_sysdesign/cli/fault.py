"""``sysdesign fault list|inject|recover|status|play``: failures of a lesson's environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from jupyter_sysdesign.cli.output import JsonFlag, Sentence, command, emit, out
from jupyter_sysdesign.cli.place import LessonArgument, WorkspaceOption, environment
from jupyter_sysdesign.errors import InvalidRequestError, NotFoundError

if TYPE_CHECKING:
    from jupyter_sysdesign.faults.models import ActiveFault, FaultDescription, PlayedSchedule

app = typer.Typer(
    help="Put failures on a lesson's environment, and take them back.", no_args_is_help=True
)

_INDENT = (0, 0, 0, 4)
_LINK = ":"
_ARGUMENT = "="


@app.command("list")
@command
def list_faults(*, as_json: JsonFlag = False) -> None:
    """List the faults there are and what each can be told."""
    from jupyter_sysdesign.faults.library import describe

    library = describe()
    if as_json:
        emit(library)
        return
    for each in library.faults:
        out.print(Text.assemble((each.id, "bold"), f"  on a {each.target}"))
        out.print(Padding(Text(each.description), _INDENT))
        table = Table.grid(padding=(0, 2))
        for row in _arguments(each):
            table.add_row(*map(Text, row))
        if table.row_count:
            out.print(Padding(table, _INDENT))


@app.command(cls=Sentence)
@command
def inject(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[LESSON] FAULT ON [NAME=VALUE]...",
            help="ON is a service, or a link as SOURCE:TARGET.",
        ),
    ],
    *,
    for_s: Annotated[
        float | None, typer.Option("--for", help="Recover by itself after so many seconds.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Put a fault on; returns once it was seen to have taken effect."""
    from jupyter_sysdesign.control.client import ControlClient

    places = [word for word in words if _ARGUMENT not in word]
    given = dict(_argument(word) for word in words if _ARGUMENT in word)
    if len(places) not in (2, 3):
        raise InvalidRequestError(
            "Name a fault and what to put it on",
            hint="For example `sysdesign fault inject LESSON cpu-quota app cpus=0.1`.",
        )
    lesson = places.pop(0) if len(places) == 3 else None  # noqa: PLR2004
    fault, on = places
    source, is_link, target = on.partition(_LINK)
    with ControlClient() as client:
        found = environment(client, lesson, workspace)
        active = client.inject_fault(
            found.id,
            fault,
            service=None if is_link else on,
            link=(source, target) if is_link else None,
            arguments=given,
            for_s=for_s,
        )
    if as_json:
        emit({"environment": found.id, "fault": active})
    else:
        _show(active)


@app.command()
@command
def recover(
    lesson: LessonArgument = None,
    *,
    fault: Annotated[
        str | None, typer.Option("--fault", help="Id as `status` shows it; default: all.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Bring back what was before; the last fault first."""
    from jupyter_sysdesign.control.client import ControlClient

    with ControlClient() as client:
        found = environment(client, lesson, workspace)
        active = client.active_faults(found.id).faults
        chosen = [each for each in active if fault in (None, each.id, each.fault)]
        if fault is not None and not chosen:
            raise NotFoundError(
                f"There is no fault {fault!r} in force", hint="`sysdesign fault status` lists them."
            )
        recovery = client.recover_faults(found.id, chosen)
    if not as_json:
        for each in recovery.faults:
            out.print(f"Recovered: {each.name} on {_spot(each)}.")
    if recovery.error is not None:
        raise recovery.error
    if as_json:
        emit({"environment": found.id, "recovered": [each.id for each in recovery.faults]})
    elif not chosen:
        out.print("No fault is in force.")


@app.command()
@command
def status(
    lesson: LessonArgument = None, *, workspace: WorkspaceOption = None, as_json: JsonFlag = False
) -> None:
    """Show the faults in force, and the schedules that are played."""
    from jupyter_sysdesign.control.client import ControlClient

    with ControlClient() as client:
        found = environment(client, lesson, workspace)
        active = client.active_faults(found.id).faults
        played = client.fault_schedules(found.id).schedules
    if as_json:
        emit({"environment": found.id, "faults": active, "schedules": played})
        return
    if not active:
        out.print("No fault is in force.")
    for each in active:
        _show(each)
    for schedule in played:
        _show_schedule(schedule)


@app.command(cls=Sentence)
@command
def play(
    words: Annotated[
        list[str], typer.Argument(metavar="[LESSON] FILE", help="A schedule, as YAML or JSON.")
    ],
    *,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Other draws than those of the file's own seed.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Play a failure story: faults at given moments, the same every time."""
    from jupyter_sysdesign.control.client import ControlClient

    if len(words) > 2:  # noqa: PLR2004
        raise InvalidRequestError("Give a lesson and a file, or only a file")
    schedule = _read(Path(words[-1]))
    if seed is not None:
        schedule["seed"] = seed
    with ControlClient() as client:
        lesson = words[0] if len(words) == 2 else None  # noqa: PLR2004
        found = environment(client, lesson, workspace)
        played = client.play_faults(found.id, schedule)
    if as_json:
        emit({"environment": found.id, "schedule": played})
    else:
        _show_schedule(played)


def _read(path: Path) -> dict[str, Any]:
    from jupyter_sysdesign import yaml_file
    from jupyter_sysdesign.faults.models import FaultSchedule

    document = yaml_file.read(path, str(path))
    return document.validate(FaultSchedule).model_dump(mode="json")


def _argument(word: str) -> tuple[str, Any]:
    """Return ``name=value`` as it goes into JSON; what is no JSON is text (NaN, too)."""
    name, _, value = word.partition(_ARGUMENT)
    try:
        return name, json.loads(value, parse_constant=str)
    except (ValueError, RecursionError):
        return name, value


def _arguments(fault: FaultDescription) -> list[tuple[str, str]]:
    """Return each argument's name, and what it means with its default, if it has one to name."""
    return [
        (name, schema.get("description", "") + _default(schema))
        for name, schema in fault.arguments["properties"].items()
    ]


def _default(schema: dict[str, Any]) -> str:
    default = schema.get("default")
    return "" if default is None else f" (default {json.dumps(default)})"


def _spot(fault: ActiveFault) -> str:
    return str(fault.link) if fault.link else str(fault.service)


def _show(fault: ActiveFault) -> None:
    given = "  ".join(f"{name}={value}" for name, value in fault.told())
    told = f" {fault.name} on {_spot(fault)}  {given}".rstrip()
    out.print(Text.assemble((fault.id, "bold"), told))
    out.print(Padding(Text(fault.evidence), _INDENT))


def _show_schedule(schedule: PlayedSchedule) -> None:
    named = f" {schedule.name}" if schedule.name else ""
    out.print(f"Schedule {schedule.id}{named} ({schedule.state})")
    for step in schedule.steps:
        why = f"  {step.message}" if step.message else ""
        out.print(f"    {step.at_s:8.1f} s  {step.fault:<20} {step.state}{why}")
