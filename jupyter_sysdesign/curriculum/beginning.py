"""A new lesson to begin from: small, whole, and through its own gate already."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from jupyter_sysdesign.curriculum.catalogue import LESSON_ID, NUMBERED
from jupyter_sysdesign.errors import (
    ConflictError,
    InvalidRequestError,
    ResourceError,
    UnavailableError,
)

_BLANK = Path(__file__).parent / "blank"


def new_lesson(lesson: str, root: Path) -> tuple[Path, Path]:
    """Make ``environments/<lesson>`` and ``notebooks/<lesson>`` below ``root``; return both.

    Raises:
        InvalidRequestError: not an id of a lesson.
        ConflictError: one of the folders is there already.
        ResourceError: no room, or no right to write there.
        UnavailableError: this is no checkout.
    """
    if not _BLANK.is_dir():
        raise UnavailableError(
            "New lessons are made in a checkout", hint="A wheel holds no cheats to begin from."
        )
    if not LESSON_ID.fullmatch(lesson):
        raise InvalidRequestError(
            f"{lesson!r} is no id of a lesson",
            hint="Small letters, digits and hyphens: t1-07-queues.",
        )
    made = root / "environments" / lesson, root / "notebooks" / lesson
    for folder in made:
        if folder.exists():
            raise ConflictError(f"{folder} exists", hint="Choose another id, or remove it first.")
    numbered = NUMBERED.match(lesson)
    name = lesson[numbered.end() :] if numbered else lesson
    words = {
        "LESSON_ID": lesson,
        "LESSON_TITLE": name.replace("-", " ").capitalize(),
        "LESSON_TRACK": numbered[1] if numbered else "1",
    }
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{lesson}.", dir=root) as fresh:
            for part, folder in zip(("environment", "notebooks"), made, strict=True):
                copy = Path(fresh) / part
                shutil.copytree(_BLANK / part, copy, ignore=shutil.ignore_patterns("__pycache__"))
                _name(copy, words)
                folder.parent.mkdir(parents=True, exist_ok=True)
                copy.rename(folder)
    except OSError as error:
        raise ResourceError(f"Cannot write to {root}: {error.strerror}") from error
    return made


def _name(folder: Path, words: dict[str, str]) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            for placeholder, word in words.items():
                text = text.replace(placeholder, word)
            path.write_text(text, encoding="utf-8")
