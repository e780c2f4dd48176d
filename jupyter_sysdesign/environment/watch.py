"""Tells which of the learner's files were saved, moments after they were."""

from __future__ import annotations

import asyncio
import os
import stat
from contextlib import suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import watchfiles

from jupyter_sysdesign.environment.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

#: Folders nobody edits in, and those editors and Jupyter write to behind one's back.
_IGNORED_FOLDERS = frozenset(
    {
        ".git",
        ".ipynb_checkpoints",
        ".jupyter_ystore.db",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".sysdesign",
        ".venv",
        "__pycache__",
        "node_modules",
    }
)
_IGNORED_ENDINGS = (".pyc", ".swp", ".swx", ".tmp", "~", ".log")
_QUIET_MS = 20
_LONGEST_MS = 200
_LOOK_EVERY_S = 0.5
_TYPED_BYTES = 4 << 20

#: Each file, and what tells whether it is another one now.
Fingerprint = frozenset[tuple[str, bytes]]


async def saved_files(
    folders: Iterable[Path], stop: asyncio.Event, say: Callable[[str], None]
) -> AsyncIterator[frozenset[Path]]:
    """Yield the paths below ``folders`` that changed, in batches, until ``stop`` is set.

    Where the system will not tell of changes, as when other programs watch so much that nothing
    more may be, that is said, and the files are looked at again and again.
    """
    existing = [folder for folder in folders if folder.exists()]
    if not existing:
        await stop.wait()
        return
    try:
        async for changes in watchfiles.awatch(
            *existing,
            watch_filter=lambda _, path: _counts_below(existing, PurePath(path)),
            step=_QUIET_MS,
            debounce=_LONGEST_MS,
            stop_event=stop,
        ):
            yield frozenset(Path(path) for _, path in changes)
    except (OSError, RuntimeError) as error:  # watchfiles' own error is a RuntimeError
        say(f"The system does not tell of saved files ({error}): we look for them, a little later")
        async for saved in _looked_for(existing, stop):
            yield saved


async def _looked_for(folders: list[Path], stop: asyncio.Event) -> AsyncIterator[frozenset[Path]]:
    """Yield what changed since the last look; watchfiles' own way misses saves within a second."""
    known = await in_thread(_stamps, folders)
    while not stop.is_set():
        await asyncio.sleep(_LOOK_EVERY_S)
        found = await in_thread(_stamps, folders)
        changed = frozenset(path for path, _ in known.items() ^ found.items())
        known = found
        if changed:
            yield changed


def _stamps(folders: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    """Return of every file that counts when it was written, and its size."""
    found = {}
    for folder in folders:
        inside = (Path(where, name) for where, _, names in os.walk(folder) for name in names)
        for file in inside if folder.is_dir() else [folder]:
            if counts(file.relative_to(folder)):
                with suppress(OSError):
                    about = file.stat()
                    found[file] = (about.st_mtime_ns, about.st_size)
    return found


def _counts_below(folders: Iterable[Path], path: PurePath) -> bool:
    """Tell whether a change of ``path`` means anything; where the folders lie says nothing."""
    return any(
        counts(path.relative_to(folder)) for folder in folders if path.is_relative_to(folder)
    )


def counts(path: PurePath) -> bool:
    """Tell whether a change of ``path``, relative to what is watched, means anything."""
    if path.name.startswith((".~", ".#")) or path.name.endswith(_IGNORED_ENDINGS):
        return False
    return _IGNORED_FOLDERS.isdisjoint(path.parts)


def fingerprint(paths: Iterable[Path]) -> Fingerprint:
    """Return what tells whether the contents below ``paths`` are the same, by file.

    Reads every file, but of a large one only when it was written: nobody types that much.
    """
    found = set()
    for path in paths:
        for file in path.rglob("*") if path.is_dir() else [path]:
            if counts(file.relative_to(path.parent)):
                with suppress(OSError):
                    about = file.stat()
                    if stat.S_ISREG(about.st_mode):  # who reads a pipe waits for its writer
                        found.add((str(file), _content(file, about)))
    return frozenset(found)


def _content(file: Path, about: os.stat_result) -> bytes:
    if about.st_size > _TYPED_BYTES:
        return f"{about.st_size} {about.st_mtime_ns}".encode()
    import hashlib  # noqa: PLC0415 (only here)

    return hashlib.sha256(file.read_bytes()).digest()
