"""``sysdesign lab`` opens the lesson to go on with."""

from __future__ import annotations

import json
import os
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jupyter_sysdesign.cli.app import app
from jupyter_sysdesign.curriculum import catalogue

FIRST, SECOND, THIRD = "t1-01-diagnosing-failures", "t1-02-indexes", "t1-03-connection-pooling"
_OPEN = "--LabApp.default_url=/lab/tree/"


@pytest.fixture
def started(home, monkeypatch):
    """Return the command lines that were started, instead of starting them."""
    started = []
    monkeypatch.setattr(os, "execve", lambda _, argv, __: started.append(argv))
    return started


@pytest.fixture
def lab(started, tmp_path):
    """Start JupyterLab on a root folder; return the notebook that it opens."""

    def start(*options, root="root"):
        done = CliRunner().invoke(app, ["lab", "--root", str(tmp_path / root), *options])
        assert done.exit_code == 0, done.output
        (notebook,) = [each for each in started.pop() if each.startswith(_OPEN)]
        assert (tmp_path / root / notebook.removeprefix(_OPEN)).is_file()
        return notebook.removeprefix(_OPEN)

    return start


def passed(folder: Path) -> None:
    (folder / "answers.json").write_text(json.dumps({"version": 1, "passed_at": 1.0}))


def test_it_goes_on_where_one_was(lab, tmp_path):
    first, second, third = (f"sysdesign/{each}/lesson.ipynb" for each in (FIRST, SECOND, THIRD))
    assert lab() == first
    assert lab("--lesson", THIRD) == third
    assert lab() == third
    passed(tmp_path / "root" / "sysdesign" / THIRD)
    assert lab() == first  # opened before that one
    passed(tmp_path / "root" / "sysdesign" / FIRST)
    assert lab() == second
    assert lab("--lesson", FIRST) == first
    assert lab() == second


def test_what_lies_elsewhere_cannot_be_opened_there(lab, tmp_path):
    lab("--lesson", SECOND, root="other")
    assert lab() == f"sysdesign/{FIRST}/lesson.ipynb"
    passed(tmp_path / "root" / "sysdesign" / FIRST)
    assert lab() == f"sysdesign/{SECOND}/lesson.ipynb"  # begun in both now
    passed(tmp_path / "other" / "sysdesign" / SECOND)
    assert lab() == f"sysdesign/{THIRD}/lesson.ipynb"  # passed once is passed


def test_a_root_that_leads_elsewhere_is_told_before_anything_is_made(started, tmp_path):
    elsewhere, root = tmp_path / "big", tmp_path / "root"
    elsewhere.mkdir()
    root.mkdir()
    (root / "sysdesign").symlink_to(elsewhere)
    done = CliRunner().invoke(app, ["lab", "--root", str(root)])
    assert done.exit_code == 2, done.output
    assert (started, list(elsewhere.iterdir())) == ([], [])


def test_who_has_passed_all_begins_again(lab, tmp_path, curriculum, monkeypatch):
    monkeypatch.setattr(catalogue, "shipped", lambda: curriculum)
    seen = []
    while (notebook := lab()) not in seen:
        seen.append(notebook)
        passed(tmp_path / "root" / Path(notebook).parent)
    assert notebook == seen[0]
    assert len(seen) == 4


def test_it_begins_without_what_nobody_uses(started, tmp_path):
    (tmp_path / "rfc3987_syntax.py").write_text("raise SystemExit('a grammar, for nobody')")
    CliRunner().invoke(app, ["lab", "--root", str(tmp_path / "root")])
    python, *words = started.pop()
    done = subprocess.run(
        [python, *words[:2], "--version"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == (version("jupyterlab"), "")
