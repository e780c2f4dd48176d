"""``sysdesign images build|list``: what the Docker runtime runs services from."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.text import Text

from jupyter_sysdesign.cli.output import DONE, FAILED, JsonFlag, command, console, emit, out

app = typer.Typer(help="Make the images of the Docker runtime.", no_args_is_help=True)

_MB = 1_000_000
_COLOURS = {"ready": "green", "outdated": "yellow", "missing": "red"}


@app.command()
@command
def build(*, as_json: JsonFlag = False) -> None:
    """Make all images, with the versions of servers and libraries that are installed here."""
    from jupyter_sysdesign.environment.runtimes.docker import images

    images.build(lambda step: None if as_json else console.print(step))
    _show(as_json=as_json)


@app.command("list")
@command
def show(*, as_json: JsonFlag = False) -> None:
    """Show which images there are; exit code 1 if one is missing."""
    _show(as_json=as_json)


def _show(*, as_json: bool) -> None:
    from jupyter_sysdesign.environment.runtimes.docker import images

    found = images.report()
    if as_json:
        emit({"images": [asdict(each) for each in found]})
    else:
        for each in found:
            size = f"{each.size_bytes / _MB:5.0f} MB" if each.size_bytes else ""
            state = (f"{each.state:<8}", _COLOURS[each.state])
            out.print(Text.assemble(state, f" {each.name:<22} {size}"))
    raise typer.Exit(FAILED if any(each.state == "missing" for each in found) else DONE)
