"""Students from a CSV file."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from jupyter_sysdesign.errors import InvalidFileError, not_utf8

if TYPE_CHECKING:
    from pathlib import Path

_ID = re.compile(r"[A-Za-z0-9_.@-]+")
_MAX_BYTES = 10_000_000


class Student(BaseModel):
    """One student, with the columns that nbgrader knows; only ``id`` is needed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_user_id: str = ""

    @field_validator("id")
    @classmethod
    def _is_a_folder_name(cls, value: str) -> str:
        if not _ID.fullmatch(value) or value.startswith("."):
            raise ValueError("an id has letters, digits and . _ @ - only, and begins with no dot")
        return value


_COLUMNS = f"The first line names some of these columns: {','.join(Student.model_fields)}"


def read(path: Path) -> list[Student]:
    """Return the students of a CSV file with a heading line.

    Raises:
        InvalidFileError: with the line of what is wrong.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InvalidFileError("too large for a list of students", file=path.name)
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidFileError(f"cannot be read ({error.strerror})", file=path.name) from error
    except UnicodeDecodeError as error:
        raise not_utf8(error, path.name) from error
    rows = csv.DictReader(text.splitlines(), restkey="more columns than headings")
    headings = rows.fieldnames or []
    if "id" not in headings:
        raise InvalidFileError("has no column `id`", file=path.name, line=1, hint=_COLUMNS)
    if unknown := set(headings) - {*Student.model_fields, ""}:
        said = f"the column `{min(unknown)}` is not known"
        raise InvalidFileError(said, file=path.name, line=1, hint=_COLUMNS)
    students: dict[str, Student] = {}
    try:
        for row in rows:
            given = {name: value for name, value in row.items() if value not in (None, "")}
            student = Student.model_validate(given)
            if student.id in students:
                raise InvalidFileError(
                    f"{student.id} stands there twice", file=path.name, line=rows.line_num
                )
            students[student.id] = student
    except ValidationError as error:
        first = error.errors()[0]
        said = f"{first['loc'][0]}: {first['msg'].removeprefix('Value error, ')}"
        raise InvalidFileError(said, file=path.name, line=rows.line_num) from error
    except csv.Error as error:
        raise InvalidFileError(str(error), file=path.name, line=rows.line_num) from error
    return list(students.values())
