"""A new lesson is whole: it can be opened, taught, and passes its own gate."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from jupyter_sysdesign import paths
from jupyter_sysdesign.cli.app import app
from jupyter_sysdesign.control.client import ControlClient
from jupyter_sysdesign.curriculum.beginning import new_lesson
from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.errors import ConflictError, InvalidRequestError
from jupyter_sysdesign.grading.gate import verify
from jupyter_sysdesign.load.profile import load_profiles

if TYPE_CHECKING:
    from pathlib import Path


def test_the_command_makes_a_lesson_of_the_catalogue(tmp_path: Path):
    done = CliRunner().invoke(app, ["new-lesson", "t1-07-long-queues", "--root", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "sysdesign verify t1-07-long-queues" in done.output
    catalogue = Catalogue([tmp_path])
    assert catalogue.problems == []
    (lesson,) = catalogue.lessons()
    assert (lesson.file.title, lesson.file.track) == ("Long queues", 1)
    assert lesson.profiles() == ["browse"]
    assert load_profiles(lesson.environment / "load.yaml")
    notebook = json.loads((lesson.notebooks / "lesson.ipynb").read_text())
    source = "".join("".join(cell["source"]) for cell in notebook["cells"])
    assert all(f'("{question.id}")' in source for question in lesson.file.questions)
    assert "LESSON" not in source
    assert {"alternatives", "cheats", "solution"} <= {
        each.name for each in lesson.environment.iterdir()
    }


@pytest.mark.parametrize(
    ("lesson", "title"),
    [("payments-outbox", "Payments outbox"), ("chart1-2-go", "Chart1 2 go"), ("lab", "Lab")],
)
def test_its_title_is_what_its_id_says(lesson: str, title: str, tmp_path: Path):
    new_lesson(lesson, tmp_path)
    assert Catalogue([tmp_path]).lesson(lesson).file.title == title


@pytest.mark.parametrize("lesson", ["", "T1-02", "../out", "a b", "-a", "a/b", "a--b", "é"])
def test_an_id_has_its_form(lesson: str, tmp_path: Path):
    with pytest.raises(InvalidRequestError):
        new_lesson(lesson, tmp_path)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(tmp_path: Path):
    (tmp_path / "notebooks" / "t1-07-queues").mkdir(parents=True)
    with pytest.raises(ConflictError):
        new_lesson("t1-07-queues", tmp_path)
    assert not (tmp_path / "environments").exists()


@pytest.mark.gate
def test_it_passes_its_own_gate(home: Path, monkeypatch: pytest.MonkeyPatch):
    root = home.parent / "curriculum"
    new_lesson("t1-07-queues", root)
    monkeypatch.setenv("SYSDESIGN_CURRICULUM", str(root))
    said: list[str] = []
    with ControlClient() as client:
        pid = client.info().pid
        result = verify(Catalogue().lesson("t1-07-queues"), progress=said.append)
    os.kill(pid, signal.SIGTERM)
    while paths.control_socket().exists():
        time.sleep(0.02)
    assert result.passed, "\n".join(said)
