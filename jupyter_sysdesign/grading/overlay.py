"""Variants of a lesson: solution, alternatives, cheats; each a few files over the pristine ones."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from jupyter_sysdesign import yaml_file
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.environment.source import Source
from jupyter_sysdesign.errors import InvalidFileError

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_sysdesign.curriculum.catalogue import Lesson

CHEAT_FILE = "cheat.yaml"


class CheatFile(BaseModel):
    """``cheats/<name>/cheat.yaml``."""

    model_config = ConfigDict(extra="forbid")

    check: str = Field(min_length=1, description="the check that must catch it")
    what: str = Field(min_length=1, description="what it does, in one sentence")


@dataclass(frozen=True)
class Overlay:
    """One variant.

    Attributes:
        name: e.g. ``cheats/constant``.
        folder: its files, by their relative path in a workspace.
        cheat: what it must be caught by, if it is a cheat.
    """

    name: str
    folder: Path
    cheat: CheatFile | None = None

    def workspace(self, lesson: Lesson, folder: Path) -> Path:
        """Make a workspace in ``folder`` with the variant's files in it.

        Raises:
            InvalidFileError: it holds a file that is not editable, or none at all.
        """
        made = workspaces.create(lesson, folder)
        source = Source(lesson.id, lesson.environment, made.folder, tuple(lesson.file.editable))
        shown = f"environments/{lesson.id}/{self.name}"
        files = [path for path in workspaces.plain_files(self.folder) if path.name != CHEAT_FILE]
        if not files:
            raise InvalidFileError("there are no files in it", file=shown)
        for path in files:
            relative = path.relative_to(self.folder).as_posix()
            if not source.is_editable(relative):
                raise InvalidFileError(
                    "the lesson does not let learners edit it", file=f"{shown}/{relative}"
                )
            target = made.folder / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        return made.folder


def solution(lesson: Lesson) -> Overlay | None:
    """Return the reference solution, if it is here (a cohort's image may leave it out)."""
    folder = lesson.environment / "solution"
    return Overlay("solution", folder) if folder.is_dir() else None


def alternatives(lesson: Lesson) -> list[Overlay]:
    """Return the other valid fixes, by name."""
    return [Overlay(f"alternatives/{each.name}", each) for each in _folders(lesson, "alternatives")]


def cheats(lesson: Lesson) -> list[Overlay]:
    """Return the known cheats, by name.

    Raises:
        InvalidFileError: a ``cheat.yaml`` is missing or wrong, or names no check of the lesson.
    """
    found = []
    for folder in _folders(lesson, "cheats"):
        shown = f"environments/{lesson.id}/cheats/{folder.name}/{CHEAT_FILE}"
        document = yaml_file.read(folder / CHEAT_FILE, shown)
        cheat = document.validate(CheatFile)
        if cheat.check not in lesson.check_ids():
            line = document.line(["check"])
            raise InvalidFileError(f"there is no check {cheat.check!r}", file=shown, line=line)
        found.append(Overlay(f"cheats/{folder.name}", folder, cheat))
    return found


def _folders(lesson: Lesson, kind: str) -> list[Path]:
    folder = lesson.environment / kind
    return sorted(each for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else []
