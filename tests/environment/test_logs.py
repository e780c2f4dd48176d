from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign.environment.logs import LogFile, LogLine, Output, Ring

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.environment.launch import Launch
    from jupyter_sysdesign.environment.runtimes.embedded import Embedded


def test_files_are_bounded_and_the_newest_lines_survive(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "app.log", limit_bytes=1000)
    for number in range(500):
        file.write(b"line %d\n" % number)
    file.close()
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["app.log", "app.log.1"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2100
    assert (tmp_path / "app.log").read_text().endswith("line 499\n")


def test_a_full_disk_loses_lines_and_nothing_else() -> None:
    file = LogFile(Path("/dev/full"))
    file.write(b"lost\n")
    file.write(b"lost\n")
    file.close()


def test_lines_are_put_together_and_secrets_struck_out(tmp_path: Path) -> None:
    output = Output(tmp_path / "db.log", redact=("secret", "secret-and-more"))
    assert output.feed(b"one\ntwo sec") == (["one"], 0)
    assert output.feed(b"ret\r\nthree secret-and-more\xff\n") == (
        ["two ********", "three ********\ufffd"],
        0,
    )
    output.feed(b"no end")
    assert output.finish("our own") == (["no end", "our own"], 0)
    output.close()
    kept = (tmp_path / "db.log").read_text()
    assert "secret" not in kept
    assert kept.count("\n") == 5


def test_an_endless_line_is_cut(tmp_path: Path) -> None:
    output = Output(tmp_path / "app.log", redact=())
    lines, _ = output.feed(b"x" * 20_000)
    assert [len(line) for line in lines] == [8194]


def test_a_flood_is_passed_on_in_part_and_the_rest_is_counted(tmp_path: Path) -> None:
    output = Output(tmp_path / "app.log", redact=())
    flood = b"".join(b"%d\n" % number for number in range(1000))
    lines, skipped = output.feed(flood)
    assert skipped == 0
    assert lines[-1] == "999"
    assert 300 <= len(lines) < 400
    shown = len(lines)
    fed = 1000
    while not skipped:
        time.sleep(0.01)
        lines, skipped = output.feed(b"after\n")
        shown, fed = shown + len(lines), fed + 1
    assert shown + skipped == fed
    output.close()
    assert (tmp_path / "app.log").read_text().count("\n") == fed


def test_the_ring_keeps_the_last_lines_of_each_service_in_order() -> None:
    ring = Ring(per_service=3)
    for number in range(5):
        ring.add(LogLine(float(number), "app", f"app {number}"))
    ring.add(LogLine(2.5, "db", "db"))
    assert [line.line for line in ring.tail("app", 2)] == ["app 3", "app 4"]
    assert [line.line for line in ring.tail(None, 10)] == ["app 2", "db", "app 3", "app 4"]
    assert ring.tail(None, 0) == []
    assert ring.tail("lb", 10) == []


@pytest.mark.anyio
async def test_a_service_that_floods_is_slowed_down_and_ends_with_its_last_words(
    runtime: Embedded, python: Callable[..., Launch], heard: object
) -> None:
    code = "import sys\nfor n in range(200_000): print('line', n)\nprint('last word')\nsys.exit(3)"
    await runtime.spawn(python("app", code))
    how = await runtime.wait("app")
    assert how is not None
    assert how.code == 3
    assert heard.lines[-1] == ("app", "last word")
    assert heard.skipped + len(heard.lines) <= 200_001
    assert len(heard.lines) < 20_000
