"""What a zip of a learner's work may hold: one set of rules for writing it and for reading it.

Each workspace is a folder of the zip with its marker in it, where it lies below the root:
``sysdesign/t1-02-indexes/.sysdesign/workspace.json``. Of a workspace it has what the learner sees
(``workspace.plain_files``), and so neither data directories nor passwords: these lie elsewhere.
"""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: How deep below the root a workspace may lie.
DEEPEST = 4

MOST_FILES = 5_000
MOST_FILE_BYTES = 64 << 20
MOST_BYTES = 256 << 20
_LONGEST_NAME = 240
_LONGEST_PATH = 1_000


def trouble_with(name: str) -> str | None:
    """Say what is wrong with a file's path in a zip (``/`` between its parts), or None."""
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        return "its name is no text"
    parts = name.split("/")
    if not name or name.startswith("/") or {"", ".", ".."}.intersection(parts) or "\\" in name:
        return "its path leads out of the zip"
    if any(unicodedata.category(each) in ("Cc", "Cs") for each in name):
        return "its name has control characters"
    if length > _LONGEST_PATH or any(len(each.encode()) > _LONGEST_NAME for each in parts):
        return "its name is too long"
    return None


def trouble_between(names: Iterable[str]) -> str | None:
    """Say which two paths cannot lie side by side on every file system, or None."""
    seen: dict[str, str] = {}
    for name in names:
        folded = _as_others_see(name)
        if folded in seen:
            return f"{seen[folded]!a} and {name!a} are one file on some systems"
        seen[folded] = name
    for folded, name in seen.items():
        for above in PurePosixPath(folded).parents:
            if str(above) in seen:
                return f"{seen[str(above)]!a} is a file, and the folder of {name!a}"
    return None


def may_be_workspace(folder: PurePosixPath) -> bool:
    """Tell whether a workspace may lie there: below the root, in no hidden folder."""
    hidden = any(part.startswith(".") for part in folder.parts)
    return 1 <= len(folder.parts) <= DEEPEST and not hidden


def _as_others_see(name: str) -> str:
    """Return what two names share that some file system takes for one."""
    return unicodedata.normalize("NFC", name).casefold()
