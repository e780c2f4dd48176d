"""``sysdesign grade``: an assignment's submissions, graded in isolation."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jupyter_sysdesign.cli.output import COULD_NOT, DONE, JsonFlag, command, console, emit, out
from jupyter_sysdesign.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_sysdesign.grading.course.executors import Executor
    from jupyter_sysdesign.grading.course.grader import Graded

_LOOK = {"passed": "green", "failed": "red", "unknown": ""}


@command
def grade(
    assignment: Annotated[str, typer.Argument(help="The assignment: a lesson id.")],
    *,
    students: Annotated[
        str, typer.Option(help="Student ids, with commas between (default: all who submitted).")
    ] = "",
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Submissions at a time (default: half the cores).")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep what is graded already, of the same files.")
    ] = False,
    course: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The course (default: the one we are in).")
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=1, help="Minutes after which a submission is given up.")
    ] = 30.0,
    trust: Annotated[
        bool,
        typer.Option(
            "--trust-submissions", help="Without isolation where the machine offers none."
        ),
    ] = False,
    scheduler: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Jobs go to this dask cluster: tls://host:8786.")
    ] = "",
    tls_ca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The cluster's CA (default: dask's configuration)."),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Your certificate of that CA (the same).")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its key (the same).")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Grade submissions: rebuilt, checked with traffic nobody has seen, into the gradebook."""
    from jupyter_sysdesign.grading.course import course as courses
    from jupyter_sysdesign.grading.course import grader, isolation, report
    from jupyter_sysdesign.grading.course.executors import LocalProcesses

    if scheduler and jobs is not None:
        raise InvalidRequestError(
            "--jobs is for this machine", hint="A worker of a cluster does --nthreads at a time."
        )
    if not scheduler and (tls_ca or tls_cert or tls_key):
        raise InvalidRequestError("--tls-ca, --tls-cert and --tls-key belong to --scheduler")
    found = courses.find(course or Path.cwd())
    chosen = dict.fromkeys(each.strip() for each in students.split(",") if each.strip())
    made = grader.plan(found, assignment, [*chosen], resume=resume)
    executor: Executor | None = None
    if not made.todo:
        if not as_json:
            out.print("Nothing is to be graded: all of it was before.")
    elif scheduler:
        from jupyter_sysdesign.grading.course.cluster import Cluster

        executor = Cluster(
            scheduler,
            ca=tls_ca,
            certificate=tls_cert,
            key=tls_key,
            trust=trust,
            timeout_s=timeout * 60,
        )
    else:
        executor = LocalProcesses(jobs, trust=trust, timeout_s=timeout * 60)
        if not as_json:
            told = f"Isolation: {isolation.described(executor.isolation)}"
            out.print(told, soft_wrap=True)
    with progress(len(made.todo) + len(made.kept), shown=not as_json) as tell:
        done = grader.run(made, executor, tell)
    written = report.write(found, made.lesson)
    if as_json:
        emit(
            {"assignment": assignment, "report": written, "graded": [_line(each) for each in done]}
        )
    else:
        out.print(f"Report: {written}", soft_wrap=True)
    wanting = any(each.problem or not each.result.decided for each in done)
    raise typer.Exit(COULD_NOT if wanting else DONE)


@contextlib.contextmanager
def progress(count: int, *, shown: bool) -> Iterator[Callable[[Graded], None]]:
    """Give what is to be called for each submission that is done: a bar, and a line each."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("Grading"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    # Submissions come seldom: what was seen half an hour ago still tells how long the rest takes.
    bars = Progress(*columns, console=console, disable=not shown, speed_estimate_period=1800)
    with bars as bar:
        task = bar.add_task("", total=count)

        def tell(graded: Graded) -> None:
            bar.advance(task)
            if shown:
                _show(graded)

        yield tell


def _show(graded: Graded) -> None:
    from rich.text import Text

    verdict = graded.result.verdict
    points = f"{verdict.points:g} of {verdict.max_points:g}"
    kept = " (from before)" if graded.how == "kept" else ""
    status = (verdict.status.value, _LOOK[verdict.status.value])
    console.print(Text.assemble(status, f"  {graded.order.student}  {points}{kept}"))
    if graded.result.undecided:
        console.print(f"    not decided: {', '.join(graded.result.undecided)}")
    if graded.problem:
        console.print(f"    not in the gradebook: {graded.problem}")


def _line(graded: Graded) -> dict[str, object]:
    verdict = graded.result.verdict
    return {
        "student": graded.order.student,
        "status": verdict.status.value,
        "points": verdict.points,
        "max_points": verdict.max_points,
        "undecided": graded.result.undecided,
        "how": graded.how,
        "duration_s": round(verdict.duration_s, 3),
        "isolation": graded.result.isolation,
        "problem": graded.problem,
    }
