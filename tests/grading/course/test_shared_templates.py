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

if isolation.LADDER[0].unusable():
    pytest.skip("namespaces cannot be made here", allow_module_level=True)


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
    with_image = grading.prepared(lesson, isolation.LADDER[0])
    assert list(with_image.iterdir()) == []  # its job had nothing to build

    monkeypatch.delenv("SYSDESIGN_TEMPLATES")
    without = grading.prepared(lesson, isolation.LADDER[0])
    assert without != with_image
    assert [path.name for path in without.iterdir()] == [each.folder.parent.name]
