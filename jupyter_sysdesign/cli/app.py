"""All commands in one tree."""

from __future__ import annotations

from typing import Annotated

import typer

from jupyter_sysdesign import __version__
from jupyter_sysdesign.cli import (
    bench,
    check,
    console,
    course,
    doctor,
    env,
    fault,
    grade,
    images,
    lab,
    lessons,
    load,
    new_lesson,
    seed,
    verify,
    work,
)
from jupyter_sysdesign.cli.output import Commands, Sentence

app = typer.Typer(
    name="sysdesign",
    cls=Commands,
    help="Learn system design on real systems that really break.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(
    *,
    _version_flag: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Learn system design on real systems that really break."""


app.command("lab", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
    lab.lab
)
app.command("doctor")(doctor.doctor)
app.command("lessons")(lessons.lessons)
app.command("open")(lessons.open_lesson)
app.add_typer(env.app, name="env")
app.command("console")(console.talk)
app.command("load", cls=Sentence)(load.load)
app.add_typer(fault.app, name="fault")
app.command("check")(check.check)
app.command("export")(work.export)
app.command("import")(work.import_)
app.command("verify")(verify.verify)
app.command("new-lesson")(new_lesson.new_lesson)
app.add_typer(course.app, name="course")
app.command("grade")(grade.grade)
app.add_typer(images.app, name="images")
app.command("seed")(seed.seed)
app.add_typer(bench.app, name="bench")
