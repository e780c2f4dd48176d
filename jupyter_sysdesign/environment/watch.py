"""Tells which of the learner's files were saved, moments after they were."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import watchfiles

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Iterable

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


async def saved_files(
    folders: Iterable[Path], stop: asyncio.Event
) -> AsyncIterator[frozenset[Path]]:
    """Yield the paths below ``folders`` that changed, in batches, until ``stop`` is set."""
    existing = [folder for folder in folders if folder.exists()]
    if not existing:
        await stop.wait()
        return
    async for changes in watchfiles.awatch(
        *existing,
        watch_filter=lambda _, path: _counts_below(existing, PurePath(path)),
        step=_QUIET_MS,
        debounce=_LONGEST_MS,
        stop_event=stop,
    ):
        yield frozenset(Path(path) for _, path in changes)


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


def fingerprint(paths: Iterable[Path]) -> frozenset[tuple[str, bytes]]:
    """Return what tells whether the contents below ``paths`` are the same; reads every file."""
    import hashlib  # noqa: PLC0415 (only here)

    found = set()
    for path in paths:
        for file in path.rglob("*") if path.is_dir() else [path]:
            if counts(file.relative_to(path.parent)):
                try:
                    found.add((str(file), hashlib.sha256(file.read_bytes()).digest()))
                except OSError:
                    continue
    return frozenset(found)
