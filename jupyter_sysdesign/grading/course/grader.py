"""Grading an assignment: who handed in what, what of it is to be done, and where it goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from jupyter_sysdesign.errors import NotFoundError, SysdesignError
from jupyter_sysdesign.grading.course import gradebook, orders, results
from jupyter_sysdesign.grading.course.executors import LocalProcesses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from jupyter_sysdesign.curriculum.catalogue import Lesson
    from jupyter_sysdesign.grading.course.course import Course
    from jupyter_sysdesign.grading.course.executors import Executor
    from jupyter_sysdesign.grading.course.orders import Order
    from jupyter_sysdesign.grading.course.results import Result


@dataclass
class Graded:
    """What came of one submission.

    Attributes:
        how: ``graded`` now, or ``kept`` from before.
        problem: why the marks are not in the gradebook; empty: they are.
    """

    order: Order
    result: Result
    how: Literal["graded", "kept"]
    problem: str = ""


@dataclass
class Plan:
    """What is to be done.

    Attributes:
        todo: to be graded.
        kept: graded already, of the very same files.
    """

    course: Course
    lesson: Lesson
    folders: dict[str, Path]
    todo: list[Order] = field(default_factory=list)
    kept: list[tuple[Order, Result]] = field(default_factory=list)


def plan(
    course: Course, assignment: str, students: Sequence[str] = (), *, resume: bool = False
) -> Plan:
    """Read what was handed in; with ``resume``, what is decided already is not done again.

    Raises:
        NotFoundError: no such assignment, or a student who handed in nothing.
        InvalidFileError: nbgrader could not file anything, for its configuration is wrong.
    """
    lesson = course.lesson(assignment)
    folders = course.submitted(assignment)
    missing = [each for each in students if each not in folders]
    if missing or not folders:
        who = ", ".join(missing) or "anybody"
        raise NotFoundError(
            f"There is no submission of {who} for {assignment}",
            hint=f"Collect them first: `nbgrader collect {assignment}` in {course.folder}.",
        )
    gradebook.try_config(course)
    key = course.key
    made = Plan(course, lesson, folders)
    for student in students or folders:
        order = orders.read(student, lesson, folders[student], key, course.curriculum)
        known = results.load(course, assignment, student) if resume else None
        if known is not None and known.is_of(order) and known.decided:
            made.kept.append((order, known))
        else:
            made.todo.append(order)
    return made


def run(made: Plan, executor: Executor | None, tell: Callable[[Graded], None]) -> list[Graded]:
    """Carry out a plan; ``tell`` hears of each submission as it is in the gradebook.

    Without an ``executor`` only what is kept gets there.
    """
    done: list[Graded] = []

    def file(order: Order, result: Result, how: Literal["graded", "kept"]) -> None:
        graded = Graded(order, result, how, order.unreadable)
        try:
            if not order.unreadable:  # else nbgrader would file a submission with nothing in it
                folder = made.folders[order.student]
                gradebook.autograde(made.course, made.lesson, order, folder)
        except SysdesignError as error:
            graded.problem = error.message
        done.append(graded)
        tell(graded)

    for order, verdict, isolation in executor.run(made.todo) if executor else ():
        result = results.keep(made.course, order, verdict, isolation)
        file(order, result, "graded" if result.is_of(order) else "kept")
    for order, result in made.kept:  # most are in the gradebook already, so they can wait
        file(order, result, "kept")
    return done


def graded(course: Course, lesson: Lesson, student: str, submitted: Path) -> Result:
    """Return the result of what ``student`` submitted, graded now unless it was before.

    What is undecided is tried again. But not of the copy that is filed: that was graded just now,
    and has no more than the files that were.
    """
    order = orders.read(student, lesson, submitted, course.key, course.curriculum)
    known = results.load(course, lesson.id, student)
    if known is not None:
        staged = gradebook.is_staged(course, submitted) and known.digest == order.digest
        if staged or (known.is_of(order) and known.decided):
            return known
    (done,) = LocalProcesses(1).run([order])
    return results.keep(course, done.order, done.verdict, done.isolation)
