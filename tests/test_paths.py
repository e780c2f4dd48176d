"""Where things are kept, and what is said where nothing can be."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign import paths
from jupyter_sysdesign.errors import ResourceError

if TYPE_CHECKING:
    from pathlib import Path


#: Under root the home lies elsewhere: there, somebody whom the test plays.
SOMEBODY = os.geteuid() or 12_345


@pytest.mark.parametrize("link", ["share", "share/jupyter-sysdesign"])
def test_a_home_behind_a_link_is_known_by_its_real_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str
) -> None:
    real = tmp_path / "disk" / "jupyter-sysdesign"
    real.mkdir(parents=True)
    os.chown(real, SOMEBODY, -1)
    (tmp_path / link).parent.mkdir(exist_ok=True)
    (tmp_path / link).symlink_to(real if link.count("/") else real.parent)
    monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)
    monkeypatch.delenv("SYSDESIGN_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert paths.home() == real


def test_a_home_that_cannot_be_made_is_no_bug_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    for home in (tmp_path / "file", tmp_path / "file" / "home"):
        monkeypatch.setenv("SYSDESIGN_HOME", str(home))
        for folder in (paths.home, paths.instances, paths.runtime, paths.control_socket):
            with pytest.raises(ResourceError, match=f"{home} cannot be used") as caught:
                folder()
            assert "SYSDESIGN_HOME" in caught.value.hint


def test_a_folder_that_its_last_user_deletes_just_then_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSDESIGN_HOME", str(tmp_path))
    folder = paths.runtime()
    leaves = f"while rmdir {folder} 2> /dev/null || true; do :; done"
    with subprocess.Popen(["bash", "-c", leaves]) as somebody:
        try:
            for _ in range(10_000):
                paths.runtime()
                paths.control_socket()
        finally:
            somebody.kill()
    with contextlib.suppress(FileNotFoundError):
        folder.rmdir()


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="needs to mount a tmpfs")
def test_a_home_on_a_disk_that_is_read_only_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSDESIGN_HOME", str(tmp_path))
    mount = ["mount", "-t", "tmpfs", "-o", "ro,mode=0711", "none", str(tmp_path)]
    subprocess.run(mount, check=True)
    try:
        with pytest.raises(ResourceError, match="cannot be used: nothing can be written there"):
            paths.home()
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
