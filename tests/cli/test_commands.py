"""The command line as scripts use it: one JSON document, documented exit codes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

LESSON = "tiny"


@pytest.fixture
def sysdesign(home, curriculum, tmp_path, monkeypatch):
    monkeypatch.setenv("SYSDESIGN_IDLE_EXIT_S", "2")
    monkeypatch.setenv("SYSDESIGN_GRACE_S", "0.5")

    def run(*words, cwd=tmp_path, code=0, typed=""):
        done = subprocess.run(
            [sys.executable, "-m", "jupyter_sysdesign", *words],
            cwd=cwd,
            input=typed,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout) if "--json" in words else done.stdout

    return run


def test_a_lesson_from_open_to_down(sysdesign, tmp_path):
    assert LESSON in {each["id"] for each in sysdesign("lessons", "--json")["lessons"]}

    folder = tmp_path / "sysdesign" / LESSON
    opened = sysdesign("open", LESSON, "--json")["workspace"]
    assert opened["folder"] == str(folder)
    assert (folder / opened["notebook"]).exists()

    up = sysdesign("env", "up", "--json", cwd=folder)["environment"]
    assert up["state"] == "ready"
    twice = sysdesign("env", "up", "--json", cwd=folder, code=2)
    assert twice["error"]["code"] == "conflict"
    again = sysdesign("env", "status", LESSON, "--json")["environments"]
    assert [each["id"] for each in again] == [up["id"]]
    lines = sysdesign("env", "logs", "--workspace", str(folder), "--json")["lines"]
    assert lines

    run = sysdesign("load", "browse", "--json", cwd=folder)["run"]
    assert run["state"] == "done"
    assert run["summary"]["ok"] == run["summary"]["requests"] > 0

    reset = sysdesign("env", "reset", "--json", cwd=folder)["environment"]
    assert reset["id"] == up["id"]
    down = sysdesign("env", "down", "--json", cwd=folder)["environment"]
    assert down["state"] == "stopped"


def test_a_console_talks_to_database_and_cache(sysdesign):
    counted = sysdesign("console", "tiny-full", typed="SELECT 40 + count(*) FROM items;")
    assert "1040" in counted
    typed = 'set greeting "good day"\nget greeting\nkeys *\nnonsense\nget "open\nincr n\nget no\n'
    assert sysdesign("console", "tiny-full", "--service", "cache", typed=typed).splitlines() == [
        "OK",
        "good day",
        '1) "greeting"',
        "(error) unknown command 'nonsense', with args beginning with: ",
        "(error) No closing quotation",
        "(integer) 1",
        "(nil)",
    ]
    sysdesign("console", "tiny-full", "--service", "lb", code=2)


def test_check_says_failed_with_1_and_passed_with_0(sysdesign, tmp_path, curriculum):
    folder = tmp_path / "sysdesign" / LESSON
    sysdesign("open", LESSON)
    verdict = sysdesign("check", "--json", "--workspace", str(folder), code=1)
    assert verdict["status"] == "failed"
    one = verdict["checks"][0]
    assert {"id", "title", "status", "measured", "required", "why", "points", "max_points"} <= {
        *one
    }
    solution = curriculum / "environments" / LESSON / "solution"
    for path in solution.rglob("*"):
        if path.is_file():
            target = folder / path.relative_to(solution)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    assert sysdesign("check", "--json", cwd=folder)["status"] == "passed"


@pytest.mark.parametrize(
    "words",
    [
        ("open", "no-such-lesson"),
        ("env", "up", "no-such-lesson"),
        ("env", "up"),
        ("env", "down", LESSON),
        ("load", LESSON, "no-such-profile"),
        ("check", "--workspace", "/tmp"),
        ("verify", "no-such-lesson"),
    ],
)
def test_wrong_use_is_2_and_says_why(sysdesign, words):
    problem = sysdesign(*words, "--json", code=2)
    assert problem["error"]["message"]
    assert problem["error"]["code"]


def test_an_unknown_option_is_2(sysdesign):
    sysdesign("lessons", "--no-such-option", code=2)


def test_doctor_names_every_program(sysdesign):
    report = sysdesign("doctor", "--json")
    assert {"postgres", "valkey-server", "haproxy"} <= {each["name"] for each in report["findings"]}
    assert report["healthy"]


def test_doctor_says_what_to_install(sysdesign, monkeypatch):
    monkeypatch.setenv("SYSDESIGN_POSTGRES", "/nowhere/postgres")
    report = sysdesign("doctor", "--json", code=1)
    (found,) = [each for each in report["findings"] if each["name"] == "postgres"]
    assert found["level"] == "missing"
    assert found["hint"]
