"""A cohort at a glance: what ``instructor.ipynb`` shows. Read only."""

from __future__ import annotations

import csv
import html
import io
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.curriculum.answers import AnswersFile
from jupyter_sysdesign.grading.course import course as courses
from jupyter_sysdesign.grading.course import gradebook, report, results

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A longer pause between two answers is a break, not work.
BREAK_S = 900.0


class Table:
    """Rows for people: a notebook shows them as a table.

    Attributes:
        rows: one mapping per row, all with the same keys.
    """

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Iterate over the rows."""
        return iter(self.rows)

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.rows)

    def column(self, name: str) -> list[Any]:
        """Return one column."""
        return [each[name] for each in self.rows]

    def csv(self) -> str:
        """Return the rows as CSV, with a heading line."""
        text = io.StringIO()
        writer = csv.writer(text)
        if self.rows:
            writer.writerow(self.rows[0])
        writer.writerows([_guarded(each) for each in row.values()] for row in self.rows)
        return text.getvalue()

    def save(self, path: str | Path) -> Path:
        """Write the CSV, and return where it is."""
        target = Path(path).resolve()
        target.write_text(self.csv(), encoding="utf-8")
        return target

    def _repr_html_(self) -> str:
        if not self.rows:
            return "<p>Nothing yet.</p>"
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.rows[0])
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(_shown(each))}</td>" for each in row.values())
            for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


class Cohort:
    """The course that a folder stands in."""

    def __init__(self, folder: str | Path = ".") -> None:
        """Find the course.

        Raises:
            NotFoundError: the folder is in none.
        """
        self.course = courses.find(Path(folder))

    def progress(self) -> Table:
        """Return, for each student and assignment, how far they are; minutes as ``minutes``."""
        rows = []
        everybody = gradebook.students(self.course)
        for assignment in self.course.lessons:
            submitted = self.course.submitted(assignment)
            graded = {each.student: each for each in results.every(self.course, assignment)}
            asked = len(self.course.lesson(assignment).file.questions)
            for student in sorted({*everybody, *submitted}):
                folder, result = submitted.get(student), graded.get(student)
                answers = AnswersFile(folder).answers() if folder else {}
                verdict = result.verdict if result else None
                rows.append(
                    {
                        "student": student,
                        "assignment": assignment,
                        "submitted": folder is not None,
                        "verdict": verdict.status.value if verdict else None,
                        "points": verdict.points if verdict else None,
                        "of": verdict.max_points if verdict else None,
                        "answered": f"{len(answers)} of {asked}",
                        "minutes": _minutes([each.answered_at for each in answers.values()]),
                    }
                )
        return Table(rows)

    def checks(self, assignment: str) -> Table:
        """Return what each check came to; ``failure_rate`` is failed of decided."""
        graded = list(results.every(self.course, assignment))
        return Table(
            [
                {
                    "check": each.id,
                    "title": each.title,
                    "passed": each.passed,
                    "failed": each.failed,
                    "unknown": each.unknown,
                    "failure_rate": each.failure_rate,
                    "commonest reason": each.reasons[0][0] if each.reasons else "",
                }
                for each in report.per_check(graded)
            ]
        )

    def scores(self) -> Table:
        """Return the scores in the gradebook, as a learning management system takes them.

        Manual scores and late penalties are in them; ``waiting`` tells of cells that nobody has
        confirmed yet.
        """
        return Table(gradebook.scores(self.course))


def _minutes(moments: list[float]) -> float | None:
    """Return the time between first and last answer without the breaks, in minutes."""
    ordered = sorted(moments)
    if len(ordered) < 2:  # noqa: PLR2004 (one answer tells of no time)
        return None
    gaps = [later - earlier for earlier, later in pairwise(ordered)]
    return round(sum(each for each in gaps if each <= BREAK_S) / 60, 1)


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _guarded(value: Any) -> Any:
    """Keep a spreadsheet from taking a learner's text for a formula."""
    dangerous = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if dangerous else value
