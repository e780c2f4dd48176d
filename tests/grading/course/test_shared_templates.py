"""A job reads the databases that came with an image where they are, box or not."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.environment.seeding import open_to_all, seed
from jupyter_sysdesign.environment.templates import Templates
from jupyter_sysdesign.grading.course import grading, isolation

if TYPE_CHECKING:
    from pathlib import Path

if reason := isolation.LADDER[0].unusable():
    pytest.skip(reason, allow_module_level=True)


@pytest.mark.usefixtures("curriculum")
def test_jobs_neither_seed_nor_carry_what_came_with_an_image(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson = Catalogue().lesson("tiny")
    shutil.rmtree(home / "templates", ignore_errors=True)  # of other tests
    image = home.parent / "image"
    for each in seed(lesson.id, lesson.environment, Templates(image)):
        open_to_all(each.folder)
    monkeypatch.setenv("SYSDESIGN_TEMPLATES", str(image))
    kept = grading.prepared(lesson, isolation.LADDER[0])
    assert list(kept.iterdir()) == []  # its job's system was ready, and there was nothing to build
