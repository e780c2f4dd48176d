"""Where a kernel finds its lesson."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign.errors import NotFoundError
from jupyter_sysdesign.notebook import Lesson

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_that_was_deleted_meanwhile_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(NotFoundError, match="folder is gone"):
        Lesson()
