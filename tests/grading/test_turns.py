"""What is timed is measured one at a time, and nobody waits for somebody who is gone."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.environment.confine import command
from jupyter_sysdesign.grading.course import boxes
from jupyter_sysdesign.grading.submission import scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MEASURE = """
import sys
from jupyter_sysdesign.grading.turns import Turns
def say(what):
    print(what, flush=True)
with Turns(float(sys.argv[1])).taken(lambda: say("waits")):
    say("measures")
    sys.stdin.readline()
say("done")
"""


class Measuring:
    """A process that measures until it is told to end."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()


@pytest.fixture
def measuring(turns: Path) -> Iterator[Callable[..., Measuring]]:
    """Return a maker of processes that measure; their turns are nobody else's."""
    with contextlib.ExitStack() as stack:

        def start(patience_s: float = 60) -> Measuring:
            process = subprocess.Popen(
                [sys.executable, "-c", MEASURE, str(patience_s)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return Measuring(process)

        yield start


def test_one_measures_at_a_time(measuring: Callable[..., Measuring]):
    first = measuring()
    assert first.says() == "measures"
    second = measuring()
    assert second.says() == "waits"
    first.end()
    assert (first.says(), second.says()) == ("done", "measures")
    second.end()
    assert second.says() == "done"


def test_who_was_killed_while_measuring_keeps_nobody_waiting(measuring: Callable[..., Measuring]):
    first = measuring()
    assert first.says() == "measures"
    second = measuring()
    assert second.says() == "waits"
    first.process.kill()
    assert second.says() == "measures"


def test_who_has_waited_long_enough_measures_beside_others(measuring: Callable[..., Measuring]):
    first = measuring()
    assert first.says() == "measures"
    second = measuring(patience_s=0.2)
    assert [second.says(), second.says()] == ["waits", "measures"]
    assert first.process.poll() is None
    second.end()
    first.end()
    assert (second.says(), first.says()) == ("done", "done")


def test_where_there_is_room_for_two_they_measure_at_once(
    measuring: Callable[..., Measuring], turns: Path
):
    (turns / "1").touch()
    first, second = measuring(), measuring()
    assert (first.says(), second.says()) == ("measures", "measures")
    third = measuring()
    assert third.says() == "waits"
    second.end()
    assert (second.says(), third.says()) == ("done", "measures")


@pytest.mark.skipif(bool(boxes.Namespaces().unusable()), reason="namespaces cannot be made here")
def test_who_measures_in_the_box_of_a_job_takes_turns_with_all_others(
    measuring: Callable[..., Measuring], curriculum: Path
):
    lesson, user = Catalogue().lesson("tiny"), boxes.throwaway_user()
    first = measuring()
    assert first.says() == "measures"
    with scratch() as folder:
        view = boxes.view(lesson, folder, user)
        argv = command(view, [sys.executable, "-c", MEASURE, "60"])
        variables = boxes.environment(lesson, boxes.INSIDE, confined=True)
        with boxes.started(argv, variables) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"waits\n"
            first.end()
            assert process.stdout.readline() == b"measures\n"
            late = measuring()
            assert late.says() == "waits"
            assert process.communicate(b"\n")[0] == b"done\n"
            assert late.says() == "measures"


def test_as_many_measure_as_there_are_pairs_of_cores(
    measuring: Callable[..., Measuring], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("SYSDESIGN_TURNS")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    crowd = [measuring() for _ in range(max(1, (os.cpu_count() or 1) // 2))]
    assert [each.says() for each in crowd] == ["measures"] * len(crowd)
    assert measuring().says() == "waits"
    assert stat.S_IMODE((tmp_path / f"sysdesign-{os.geteuid()}").stat().st_mode) == 0o700


def test_where_no_folder_is_shared_nobody_waits(
    measuring: Callable[..., Measuring], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("SYSDESIGN_TURNS")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (tmp_path / f"sysdesign-{os.geteuid()}").touch()  # somebody else was there first
    first, second = measuring(), measuring()
    assert (first.says(), second.says()) == ("measures", "measures")
