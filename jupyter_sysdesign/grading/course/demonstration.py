"""``sysdesign course demo``: a course to look around in, its submissions invented, graded for real.

The lesson is a small one whose checks count instead of timing, so that ten submissions take less
than a minute; everything else is as with any other course.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.grading.course import course as courses
from jupyter_sysdesign.grading.course import gradebook, grader, report
from jupyter_sysdesign.grading.course.students import Student

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.grading.course.course import Course
    from jupyter_sysdesign.grading.course.executors import Executor
    from jupyter_sysdesign.grading.course.grader import Graded

LESSON = "demo-shop"
_CONTENT = Path(__file__).with_name("demo")
_INDEX = "CREATE INDEX items_listing ON items (category, price, id);\n"
_MIGRATION = "migrations/001.sql"
_SERVER = "app/server.py"

#: Two of the ten hand this in: a cache that they wrote, or one of them did.
_CACHE = """
import functools
import threading


class Shelf:
    def __init__(self, largest: int) -> None:
        self.largest = largest
        self.lists: dict[str, list[dict[str, object]]] = {}
        self.lock = threading.Lock()

    def take(self, category: str) -> list[dict[str, object]] | None:
        with self.lock:
            return self.lists.get(category)

    def put(self, category: str, found: list[dict[str, object]]) -> None:
        with self.lock:
            if len(self.lists) >= self.largest:
                self.lists.pop(next(iter(self.lists)))
            self.lists[category] = found


shelf = Shelf(50)
from_database = items


@functools.wraps(from_database)
def cached(category: str = "category-1") -> list[dict[str, object]]:
    found = shelf.take(category)
    if found is None:
        found = from_database(category)
        shelf.put(category, found)
    return found


app.router.routes[:] = [each for each in app.router.routes if getattr(each, "path", "") != "/items"]
app.get("/items")(cached)
app.post("/items", status_code=201)(add)
"""

_CONSTANT = """

app.router.routes[:] = [each for each in app.router.routes if getattr(each, "path", "") != "/items"]
app.post("/items", status_code=201)(add)


@app.get("/items")
def always(category: str = "category-1") -> list[dict[str, object]]:
    return [{"id": number, "price": number} for number in range(20)]
"""

#: Files over the pristine ones, a text that begins with ``+`` being added; and the answers.
_SUBMISSIONS: tuple[tuple[dict[str, str], dict[str, Any]], ...] = (
    ({_MIGRATION: _INDEX}, {"which-column": "category", "way-out": "index"}),
    (
        {_MIGRATION: "CREATE INDEX ON items (category) INCLUDE (price);\n"},
        {"which-column": "Category", "way-out": "index"},
    ),
    ({_MIGRATION: "CREATE INDEX ON items (price);\n"}, {"which-column": "price"}),
    ({}, {}),
    (
        {
            _MIGRATION: f"{_INDEX}CREATE INDEX ON items (category);\n"
            "CREATE INDEX ON items (price);\n"
            "CREATE INDEX ON items (id, category);\n"
        },
        {"which-column": "category", "way-out": "machine"},
    ),
    ({_SERVER: f"+{_CACHE}"}, {"which-column": "category", "way-out": "cache"}),
    ({_SERVER: f"+{_CACHE}"}, {"which-column": "category", "way-out": "cache"}),
    ({_SERVER: f"+{_CONSTANT}"}, {"which-column": "all of them", "way-out": "cache"}),
    ({_MIGRATION: "CREATE INDEX ON itms (category);\n"}, {"which-column": "category"}),
    ({_MIGRATION: _INDEX, _SERVER: "+\n\ndef unfinished(:\n"}, {"way-out": "index"}),
)
COUNT = len(_SUBMISSIONS)
_REASONS = "The list reads twenty rows then, and a new item only pays for one more page."


def make(folder: Path, executor: Executor, tell: Callable[[Graded], None]) -> tuple[Course, Path]:
    """Make the course in ``folder`` and grade it; return it and its report.

    Raises:
        ConflictError: the folder holds something already.
    """
    lesson = Catalogue([_CONTENT]).lesson(LESSON)
    numbers = [f"{number:02}" for number in range(1, COUNT + 1)]
    students = [
        Student(id=f"learner-{each}", last_name="Learner", first_name=each) for each in numbers
    ]
    course = courses.init(folder, [lesson], students=students)
    gradebook.generate(course, LESSON)
    for student, (files, answers) in zip(students, _SUBMISSIONS, strict=True):
        _hand_in(course, student.id, files, answers)
    grader.run(grader.plan(course, LESSON), executor, tell)
    return course, report.write(course, lesson)


def _hand_in(course: Course, student: str, files: dict[str, str], answers: dict[str, Any]) -> None:
    folder = course.folder / "submitted" / student / LESSON
    shutil.copytree(course.folder / "release" / LESSON, folder)
    for relative, text in files.items():
        path = folder / relative
        before = path.read_text(encoding="utf-8") if text.startswith("+") else ""
        path.write_text(before + text.removeprefix("+"), encoding="utf-8")
    now = time.time()
    kept = {}
    for number, (question, value) in enumerate(answers.items()):
        said = {"choice": value, "because": _REASONS} if question == "way-out" else value
        kept[question] = {"value": said, "answered_at": now - 1500 + 400 * number}
    document = {"version": 1, "answers": kept}
    (folder / "answers.json").write_text(json.dumps(document), encoding="utf-8")
    stamp = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    (folder / "timestamp.txt").write_text(stamp, encoding="utf-8")
