"""What nbgrader's autograde does in place of running the notebook: ``GradeOutside``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbgrader.preprocessors import NbGraderPreprocessor

from jupyter_sysdesign.grading.course import course as courses
from jupyter_sysdesign.grading.course import gradebook, grader, marks


class GradeOutside(NbGraderPreprocessor):  # type: ignore[misc]
    """Writes the marks of a submission, graded in isolation now unless it was before.

    The same for formgrader's Autograde button, ``nbgrader autograde`` and ``sysdesign grade``. No
    cell is run; the marks stand in the gradebook, with their reasons as comments.
    """

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Grade and write; the notebook stays as it is."""
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
        return nb, resources
