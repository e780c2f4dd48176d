"""What nbgrader's autograde does in place of running the notebook: ``GradeOutside``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor

from jupyter_sysdesign.grading.course import course as courses
from jupyter_sysdesign.grading.course import gradebook, grader, marks
from jupyter_sysdesign.grading.course.source import check_cell, question_cell

if TYPE_CHECKING:
    from jupyter_sysdesign.grading.course.marks import Mark


class GradeOutside(NbGraderPreprocessor):  # type: ignore[misc]
    """Writes the marks of a submission, graded in isolation now unless it was before.

    The same for formgrader's Autograde button, ``nbgrader autograde`` and ``sysdesign grade``. No
    cell is run; each counted cell shows what became of it.
    """

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Grade and write; the notebook shows it."""
        known = resources["nbgrader"]
        # nbgrader goes into the course's folder first, and has many names for the submission's.
        directory = self.parent.parent.coursedir
        course = courses.find(Path(directory.root))
        lesson = course.lesson(known["assignment"])
        submitted = Path(
            directory.format_path(
                directory.submitted_directory, known["student"], known["assignment"]
            )
        )
        result = grader.graded(course, lesson, known["student"], submitted)
        answers = marks.of_answers(lesson, submitted)
        gradebook.write(known["db_url"], lesson, result, answers)
        shown = {check_cell(each.id): marks.of_check(each) for each in result.verdict.checks}
        shown |= {question_cell(question): mark for question, mark in answers.items()}
        for cell in nb.cells:
            mark = shown.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
            if cell.cell_type == "code":
                cell.execution_count = None
                cell.outputs = [] if mark is None else [_output(mark)]
        return nb, resources


def _output(mark: Mark) -> Any:
    return new_output("stream", name="stdout", text=f"{mark.comment}\n")
