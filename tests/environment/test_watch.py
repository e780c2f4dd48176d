"""Saves are heard of wherever the files lie, and whether the system tells of them or not."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import watchfiles
from watchfiles._rust_notify import WatchfilesRustInternalError

from jupyter_sysdesign.environment.watch import saved_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.anyio


async def saved_in(folder: Path, say: Callable[[str], None] = pytest.fail) -> set[Path]:
    """Save a file again and again until it is heard of; return all that was."""
    stop = asyncio.Event()

    async def save() -> None:
        for number in range(1000):
            (folder / "server.py").write_text(str(number))
            (folder / ".git" / "index").write_text(str(number))
            await asyncio.sleep(0.05)

    (folder / ".git").mkdir()
    saving = asyncio.ensure_future(save())
    try:
        async with aclosing(saved_files([folder], stop, say)) as batches:
            with anyio.fail_after(60):  # only ends a hung test
                async for saved in batches:
                    return set(saved)
    finally:
        saving.cancel()
        stop.set()
    return set()


async def test_what_is_ignored_is_ignored_in_the_folder_and_not_above_it(tmp_path: Path) -> None:
    folder = tmp_path / ".venv" / "work"
    folder.mkdir(parents=True)
    assert await saved_in(folder) == {folder / "server.py"}


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "OS file watch limit reached"),
        WatchfilesRustInternalError("Error creating recommended watcher: Too many open files"),
    ],
)
async def test_where_the_system_tells_of_no_save_the_files_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    said: list[str] = []

    def exhausted(*_folders: Path, **_options: Any) -> Any:
        raise error

    monkeypatch.setattr(watchfiles, "awatch", exhausted)
    assert await saved_in(tmp_path, said.append) == {tmp_path / "server.py"}
    assert len(said) == 1
    assert str(error) in said[0]
