"""A built wheel in an empty venv, on a PATH without Node, gives the same lesson."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from jupyter_sysdesign.curriculum.catalogue import Catalogue

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build(tmp_path_factory.mktemp("dist"))


def build(folder, **environment):
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
        env={**os.environ, **environment},
    )
    (built,) = folder.glob("*.whl")
    return built


def test_a_learners_wheel_holds_lessons_but_neither_cheats_nor_alternatives(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith("_content/notebooks/t1-02-indexes/lesson.ipynb") for name in names)
    assert any(name.endswith("_content/environments/t1-02-indexes/compose.yaml") for name in names)
    assert any(name.endswith("labextensions/jupyter-sysdesign/package.json") for name in names)
    assert any(name.endswith("notebook/static/widget.js") for name in names)
    assert not [name for name in names if "/cheats/" in name or "/alternatives/" in name]


def test_a_cohorts_wheel_holds_neither_solutions_nor_answers(wheel, tmp_path):
    (tmp_path / "dist").mkdir()
    sealed = zipfile.ZipFile(build(tmp_path / "dist", SYSDESIGN_WITHOUT_ANSWERS="1"))
    whole, names = zipfile.ZipFile(wheel), sealed.namelist()
    left_out = {name for name in whole.namelist() if name not in names}
    solutions = {name for name in whole.namelist() if "/solution/" in name}
    assert left_out == {name for name in solutions if "/_content/" in name}  # not the course demo's
    assert left_out
    sealed.extractall(tmp_path / "content")
    catalogue = Catalogue([tmp_path / "content" / "jupyter_sysdesign" / "_content"])
    assert catalogue.problems == []
    for lesson in catalogue.lessons():
        (file,) = [name for name in names if name.endswith(f"/{lesson.id}/lesson.yaml")]
        assert b"model_answer" in whole.read(file)
        assert b"model_answer" not in sealed.read(file)
        full = Catalogue([ROOT]).lesson(lesson.id).detail()
        shown = lesson.detail().model_dump(mode="json", exclude={"hints"})
        assert shown == full.model_dump(mode="json", exclude={"hints"})
    assert len(catalogue.lessons()) == len(Catalogue([ROOT]).lessons())


@pytest.mark.timeout(600)
def test_the_wheel_runs_a_lesson(wheel, home, tmp_path):
    place = tmp_path / "venv"
    venv.create(place, with_pip=True)
    python = place / "bin" / "python"
    # Neither the checkout nor Node: what a learner's machine has.
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    environment["SYSDESIGN_IDLE_EXIT_S"] = "2"
    environment["PATH"] = f"{place / 'bin'}:/bin"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--no-compile", wheel],  # little of it is used
        check=True,
        env={**environment, "PATH": os.environ["PATH"]},
        cwd=tmp_path,
    )

    def sysdesign(*words):
        done = subprocess.run(
            [place / "bin" / "sysdesign", *words, "--json"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    assert sysdesign("doctor")["healthy"]
    assert sysdesign("open", "t1-02-indexes")["workspace"]["lesson"] == "t1-02-indexes"
    assert sysdesign("env", "up", "t1-02-indexes")["environment"]["state"] == "ready"
    run = sysdesign("load", "t1-02-indexes", "checkout")["run"]
    assert run["summary"]["ok"] > 0
    sysdesign("env", "down", "t1-02-indexes")
    listed = subprocess.run(
        [python, "-m", "jupyter", "server", "extension", "list"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "jupyter_sysdesign" in listed.stdout + listed.stderr
