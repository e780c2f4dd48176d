"""Saves are heard of wherever the files lie."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import anyio
import pytest

from jupyter_sysdesign.environment.watch import saved_files

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


async def saved_in(folder: Path) -> set[Path]:
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
        async with aclosing(saved_files([folder], stop)) as batches:
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
