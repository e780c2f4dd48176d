"""What the command line says of a catalogue that is not whole."""

from __future__ import annotations

import json
import shutil

import pytest
from typer.testing import CliRunner

from jupyter_sysdesign.cli.app import app
from jupyter_sysdesign.curriculum import catalogue


@pytest.fixture
def root(curriculum, tmp_path, monkeypatch):
    """Make a catalogue of one lesson, which is broken."""
    for kind in ("environments", "notebooks"):
        shutil.copytree(curriculum / kind / "tiny", tmp_path / kind / "tiny")
    file = tmp_path / "notebooks" / "tiny" / "lesson.yaml"
    file.write_text(file.read_text().replace("track: 1", "track: one"))
    monkeypatch.setenv("SYSDESIGN_CURRICULUM", str(tmp_path))
    return tmp_path


def test_all_lessons_hold_only_if_none_is_broken(root, monkeypatch):
    monkeypatch.setattr(catalogue, "shipped", lambda: root)
    done = CliRunner().invoke(app, ["verify", "--json"])
    assert done.exit_code == 2
    refused = json.loads(done.stdout)["error"]
    assert refused["code"] == "invalid_file"
    assert "notebooks/tiny/lesson.yaml:2" in refused["message"]


def test_no_lessons_are_not_all_lessons(root, monkeypatch):
    monkeypatch.setattr(catalogue, "shipped", lambda: root)
    shutil.rmtree(root / "notebooks" / "tiny")
    done = CliRunner().invoke(app, ["verify", "--json"])
    assert done.exit_code == 2
    assert json.loads(done.stdout)["error"]["code"] == "not_found"


def test_lessons_tells_which_are_missing(root, home, monkeypatch):
    monkeypatch.setenv("SYSDESIGN_IDLE_EXIT_S", "2")
    done = CliRunner().invoke(app, ["lessons", "--json"])
    assert done.exit_code == 0
    assert "tiny" not in {each["id"] for each in json.loads(done.stdout)["lessons"]}
    assert "notebooks/tiny/lesson.yaml:2" in done.stderr
