"""``sysdesign course``: a cohort's course."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jupyter_sysdesign.cli.output import JsonFlag, command, emit, out

app = typer.Typer(help="A course for a cohort, with nbgrader.", no_args_is_help=True)


@app.command("init")
@command
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The course's folder; made anew.")],
    *,
    lessons: Annotated[
        str, typer.Option(help="Lesson ids, with commas between (default: all).")
    ] = "",
    students: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="Columns id, first_name, last_name, email, lms_user_id; id is needed.",
        ),
    ] = None,
    course_id: Annotated[str, typer.Option(help="Default: the folder's name.")] = "",
    exchange: Annotated[
        Path | None,
        typer.Option(help="Where learners fetch and submit (default: DIR-exchange, beside it)."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a course from lessons: nbgrader opens it at once."""
    from jupyter_sysdesign.curriculum.catalogue import Catalogue
    from jupyter_sysdesign.grading.course import course as courses
    from jupyter_sysdesign.grading.course import students as lists

    catalogue = Catalogue()
    wanted = dict.fromkeys(each.strip() for each in lessons.split(",") if each.strip())
    chosen = [catalogue.lesson(each) for each in wanted] or catalogue.lessons()
    enrolled = lists.read(students) if students else []
    made = courses.init(folder, chosen, course_id=course_id, exchange=exchange, students=enrolled)
    if as_json:
        facts = {"folder": made.folder, "id": made.id, "exchange": made.exchange}
        emit({"course": {**facts, "lessons": made.lessons, "students": len(enrolled)}})
        return
    out.print(f"The course {made.id} is in {made.folder}", soft_wrap=True)
    out.print(f"Assignments: {', '.join(made.lessons)}; students: {len(enrolled)}.")
    first = made.lessons[0]
    out.print("Next, in that folder:")
    out.print(f"  nbgrader generate_assignment {first}")
    out.print(f"  nbgrader release_assignment {first}")
    out.print(
        f"Learners need {made.folder}/{courses.LEARNER_CONFIG} in their Jupyter", soft_wrap=True
    )
    out.print("configuration (on a shared machine: /etc/jupyter). docs/grading.md tells the rest.")


@app.command("demo")
@command
def demo(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The course's folder; made anew.")
    ] = Path("demo-course"),
    *,
    as_json: JsonFlag = False,
) -> None:
    """Make a small course with ten invented submissions, and grade them."""
    import os

    from jupyter_sysdesign.cli.grade import progress
    from jupyter_sysdesign.grading.course import demonstration
    from jupyter_sysdesign.grading.course.executors import LocalProcesses

    # Its checks count, so that crowding spoils nothing; and its submissions were written by us.
    executor = LocalProcesses(os.cpu_count(), trust=True)
    with progress(demonstration.COUNT, shown=not as_json) as tell:
        made, report = demonstration.make(folder, executor, tell)
    if as_json:
        emit({"course": made.folder, "report": report})
        return
    out.print(f"Report: {report}", soft_wrap=True)
    out.print("Look around in it:")
    out.print(f"  cd {made.folder} && jupyter lab", soft_wrap=True)
    out.print("Formgrader is in the menu Nbgrader; instructor.ipynb shows the cohort.")
