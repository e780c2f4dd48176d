"""What an instance is built from: the lesson's pristine files under the learner's own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Source:
    """The pristine environment and the workspace that overlays it.

    Attributes:
        lesson: lesson id, e.g. ``t1-02-indexes``.
        pristine: ``environments/<lesson>/``; read only.
        workspace: the learner's folder (real path), with the files they may read or edit.
        editable: glob patterns relative to the workspace, e.g. ``app/server.py``,
            ``migrations/*.sql``. Only these count when a submission is rebuilt.
    """

    lesson: str
    pristine: Path
    workspace: Path
    editable: tuple[str, ...]

    @property
    def instance_id(self) -> str:
        """Return the id: the lesson and a short hash of the workspace's real path."""
        digest = hashlib.sha256(str(self.workspace.resolve()).encode()).hexdigest()
        return f"{self.lesson}-{digest[:8]}"

    def is_editable(self, relative: str) -> bool:
        """Tell whether the learner's copy of ``relative`` counts."""
        return any(fnmatchcase(relative, pattern) for pattern in self.editable)

    def locate(self, relative: str) -> Path:
        """Return the file or folder an instance uses: the workspace's if there, else the pristine.

        A folder is the workspace's only if something in it is editable: ``db/`` holds the schema
        there, to be read, and not the seed.
        """
        mine = self.workspace / relative
        readable_only = mine.is_dir() and not self._holds_editable(relative)
        return mine if mine.exists() and not readable_only else self.pristine / relative

    def _holds_editable(self, folder: str) -> bool:
        inside = folder.rstrip("/") + "/"
        return any(
            pattern.startswith(inside) or fnmatchcase(inside, pattern) for pattern in self.editable
        )

    def edited(self) -> Iterator[Path]:
        """Yield the workspace's editable files, sorted by path."""
        for path in sorted(self.workspace.rglob("*")):
            if path.is_file() and self.is_editable(path.relative_to(self.workspace).as_posix()):
                yield path
