"""An answer is marked in a process of its own, which says in words why it cannot."""

from __future__ import annotations

import subprocess
import sys

import pytest
from grading.rubric.conftest import ANSWERS

from jupyter_sysdesign.errors import UnavailableError
from jupyter_sysdesign.grading.rubric import process

GOOD = next(each for each in ANSWERS if each.question.id == "messenger" and each.label == "good")


def test_evidence_comes_back_from_the_process():
    marking = process.mark(GOOD.question, GOOD.text)
    assert [each.found for each in marking.criteria] == ["yes", "yes"]
    assert marking.by == "sentences"


def test_a_model_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SYSDESIGN_RUBRIC_MODEL", "nobody:nothing")
    with pytest.raises(UnavailableError) as caught:
        process.mark(GOOD.question, GOOD.text)
    assert "nobody:nothing" in caught.value.message


def test_a_process_that_breaks_down_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(process, "module_command", lambda _: [sys.executable, "-c", "1 / 0"])
    with pytest.raises(UnavailableError, match="without a result"):
        process.mark(GOOD.question, GOOD.text)


def test_it_ends_with_the_one_that_asked():
    marker = subprocess.Popen(
        process.module_command("jupyter_sysdesign.grading.rubric"), stdin=subprocess.PIPE
    )
    assert marker.stdin is not None
    marker.stdin.close()
    assert marker.wait(60) != 0
