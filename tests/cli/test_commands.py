"""The command line as scripts use it: one JSON document, documented exit codes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pexpect
import pytest
from typer.testing import CliRunner

from jupyter_sysdesign.cli import env
from jupyter_sysdesign.cli.app import app
from jupyter_sysdesign.control.client import ControlClient
from jupyter_sysdesign.environment.status import State
from jupyter_sysdesign.errors import StartFailedError

LESSON = "tiny"


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
    applied = sysdesign("env", "apply", "--json", cwd=folder)["applied"]
    assert applied["message"].startswith("Nothing to apply")
    down = sysdesign("env", "down", "--json", cwd=folder)["environment"]
    assert down["state"] == "stopped"
    down = sysdesign("env", "down", "--json", cwd=folder, code=2)["error"]
    assert down["hint"] == "There is nothing to stop."


def test_up_holds_what_it_starts_until_it_is_detached(sysdesign, monkeypatch):
    # On a busy machine the grace period of what nobody holds can be over before the next request.
    monkeypatch.setenv("SYSDESIGN_GRACE_S", "0")
    assert sysdesign("env", "up", LESSON, "--json")["environment"]["state"] == "ready"
    (status,) = sysdesign("env", "status", LESSON, "--json")["environments"]
    assert status["state"] == "ready"
    sysdesign("env", "down", LESSON, "--json")


def test_up_does_not_say_that_it_runs_where_it_was_stopped():
    preparing, stopped = (
        SimpleNamespace(id="tiny-1", state=state, progress=None, reason="")
        for state in (State.PREPARING, State.STOPPED)
    )
    client = SimpleNamespace(environment=lambda _: stopped)
    with pytest.raises(StartFailedError, match="was stopped while it was starting"):
        env._wait(client, preparing, quiet=True)


def test_to_look_and_to_stop_open_nothing(sysdesign, tmp_path):
    first, second, elsewhere = (tmp_path / each for each in ("first", "second", "elsewhere"))
    for each in (first, second, elsewhere):
        each.mkdir()
    for words in (("logs",), ("down",), ("reset",), ("apply",)):
        missing = sysdesign("env", *words, LESSON, "--json", cwd=elsewhere, code=2)
        assert missing["error"]["message"] == f"{LESSON} has no environment yet"
    assert sysdesign("env", "status", LESSON, "--json", cwd=elsewhere) == {"environments": []}
    unknown = sysdesign("env", "status", "no-such-lesson", "--json", cwd=elsewhere, code=2)
    assert unknown["error"]["code"] == "not_found"
    sysdesign("fault", "inject", LESSON, "pause", "app", "--json", cwd=elsewhere, code=2)

    up = sysdesign("env", "up", LESSON, "--json", cwd=first)["environment"]
    seen = sysdesign("env", "status", LESSON, "--json", cwd=elsewhere)["environments"]
    assert [each["id"] for each in seen] == [up["id"]]
    assert sysdesign("env", "logs", LESSON, "--json", cwd=elsewhere)["lines"]
    assert sysdesign("fault", "status", LESSON, "--json", cwd=elsewhere)["environment"] == up["id"]

    other = sysdesign("env", "up", LESSON, "--json", cwd=second)["environment"]
    both = sysdesign("env", "down", LESSON, "--json", cwd=elsewhere, code=2)["error"]
    assert both["code"] == "conflict"
    assert all(each["workspace"] in both["message"] for each in (up, other))
    assert "--workspace" in both["hint"]
    for each, folder in ((up, first), (other, second)):
        down = sysdesign("env", "down", LESSON, "--json", cwd=folder)["environment"]
        assert (down["id"], down["state"]) == (each["id"], "stopped")
    assert list(elsewhere.iterdir()) == []


def test_work_is_taken_along(sysdesign, tmp_path):
    sysdesign("open", LESSON)
    mine = tmp_path / "sysdesign" / LESSON
    (mine / "app" / "server.py").write_text("# mine")
    packed = sysdesign("export", "--json")
    assert packed["workspaces"] == [str(mine)]
    name = sysdesign("export", str(mine), "-o", "same.zip").strip()
    assert Path(name).read_bytes() == Path(packed["file"]).read_bytes()

    (tmp_path / "new").mkdir()
    said = sysdesign("import", "same.zip", "--root", "new").strip()
    assert said == str(tmp_path / "new" / "sysdesign" / LESSON / "lesson.ipynb")
    (mine / "app" / "server.py").write_text("# later")
    refused = sysdesign("import", name, "--json", code=2)
    assert refused["error"]["code"] == "work_there"
    (imported,) = sysdesign("import", name, "--overwrite", "--json")["workspaces"]
    assert (Path(imported["kept"]) / "app" / "server.py").read_text() == "# later"
    assert (mine / "app" / "server.py").read_text() == "# mine"
    assert sysdesign("import", "missing.zip", "--json", code=2)["error"]["code"] == "invalid_file"
    (tmp_path / "new" / "empty").mkdir()
    assert sysdesign("export", "new/empty", "--json", code=2)["error"]["code"] == "not_found"


def test_work_is_not_packed_with_what_was_packed_before(sysdesign, tmp_path):
    sysdesign("open", LESSON)
    mine = tmp_path / "sysdesign" / LESSON
    first = Path(sysdesign("export", "--json", cwd=mine / "app")["file"])
    assert first.parent == mine.parent
    assert first.name.startswith(f"{LESSON}-")
    before = first.read_bytes()
    assert sysdesign("export", cwd=mine).strip() == str(first)
    assert first.read_bytes() == before


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


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # pexpect forks
def test_a_query_in_a_console_can_be_interrupted(sysdesign, tmp_path):
    environment = sysdesign("env", "up", LESSON, "--json")["environment"]["id"]
    words = ["-m", "jupyter_sysdesign", "console", LESSON]
    console = pexpect.spawn(sys.executable, words, cwd=str(tmp_path), timeout=60, encoding="utf-8")
    sleeps = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sl%'"
    try:
        console.expect("shop@shop>")
        console.sendline("SELECT pg_sleep(600);")
        with ControlClient() as client:
            until = time.monotonic() + 60
            while not client.sql(environment, sleeps).rows:
                assert time.monotonic() < until
                time.sleep(0.05)
            console.send("\x03")
            console.expect("cancelled query")
            while client.sql(environment, sleeps).rows:
                assert time.monotonic() < until
                time.sleep(0.05)
    finally:
        console.close(force=True)
    sysdesign("env", "down", LESSON)


@pytest.mark.measures
def test_check_says_failed_with_1_and_passed_with_0(sysdesign, tmp_path, curriculum):
    folder = tmp_path / "sysdesign" / LESSON
    sysdesign("open", LESSON)
    said = sysdesign("check", "--workspace", str(folder), code=1, terminal=True)
    assert "Building the system anew …" in said
    verdict = sysdesign("check", "--json", "--workspace", str(folder), code=1)
    assert verdict["status"] == "failed"
    assert any(f"{each['title']} …" in said for each in verdict["checks"])
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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("no-such-profile",), "no profile 'no-such-profile'"),
        (("browse", "--scale", "0"), "--scale"),
        (("browse", "--scale", "101"), "--scale"),
        (("browse", "--scale", "nan"), "--scale"),
    ],
)
def test_a_load_that_cannot_be_starts_nothing(sysdesign, words, said):
    assert said in sysdesign("load", LESSON, *words, "--json", code=2)["error"]["message"]
    _nothing_began(sysdesign)


def test_what_a_load_says_meanwhile_leaves_nothing_behind(sysdesign, tmp_path):
    sysdesign("open", LESSON)
    words = [sys.executable, "-m", "jupyter_sysdesign", "load", LESSON, "browse"]
    with (tmp_path / "log").open("w+") as log:
        subprocess.run(words, cwd=tmp_path, stdout=log, stderr=log, timeout=300, check=True)
        log.seek(0)
        assert log.readline().split()[0] == "Endpoint"
    terminal = pexpect.spawn(words[0], words[1:], cwd=tmp_path, encoding="utf-8", timeout=300)
    said = terminal.read()
    terminal.close()
    assert terminal.exitstatus == 0
    assert "req/s" in said
    last = said.partition("Endpoint")[0].rpartition("errors")[2]
    assert "\x1b[2K" in last  # clears the line


def test_a_console_that_cannot_be_starts_nothing(sysdesign):
    sysdesign("console", LESSON, "--service", "app", code=2)
    _nothing_began(sysdesign)


def _nothing_began(sysdesign):
    known = sysdesign("env", "status", LESSON, "--json")["environments"]
    assert {each["state"] for each in known} <= {"stopped"}
    assert not [each for each in known if each["last_seq"]]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("lessons", "--no-such-option"), "--no-such-option"),
        (("check", "--seed", "one"), "--seed"),
        (("env", "up", LESSON, "--ttl", "-5"), "--ttl"),
        (("env", "up", LESSON, "--ttl", "604801"), "--ttl"),
        (("load",), "PROFILE"),
        (("env", "upp"), "upp"),
        (("env", "down", "one", "two"), "two"),
    ],
)
def test_what_cannot_be_understood_is_2(words, named):
    understood = CliRunner().invoke(app, [*words, "--json"])
    assert understood.exit_code == 2
    error = json.loads(understood.stdout)["error"]
    assert error["code"] == "invalid_request"
    assert named in error["message"]
    assert "-h" in error["hint"]
    assert understood.stderr == ""
    for_people = CliRunner().invoke(app, words)
    assert (for_people.exit_code, for_people.stdout) == (2, "")
    assert named in for_people.stderr


@pytest.mark.parametrize(
    ("reader", "asked"),
    [
        ("none", ("--json",)),
        ("none", ()),
        ("full disk", ("--json",)),
        ("full disk", ("--json", "--no-such-option")),
    ],
)
def test_what_nobody_can_read_is_no_failed_verdict(reader, asked):
    words = [sys.executable, "-m", "jupyter_sysdesign", "fault", "list", *asked]
    if reader == "none":
        reading, writing = os.pipe()
        os.close(reading)
    else:
        writing = os.open("/dev/full", os.O_WRONLY)
    try:
        done = subprocess.run(words, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writing)
    assert done.returncode == 3
    if reader == "none":
        assert done.stderr == ""
    else:
        (said,) = done.stderr.splitlines()
        assert "No space left on device" in said


@pytest.mark.parametrize(
    ("heard", "unheard", "code"), [("stdout", "stderr", 2), ("stderr", "stdout", 3)]
)
def test_where_a_disk_is_full_for_one_the_other_says_it(heard, unheard, code):
    words = [sys.executable, "-m", "jupyter_sysdesign", "fault", "list", "--json", "--no-such"]
    with Path("/dev/full").open("w") as full:
        streams = {heard: subprocess.PIPE, unheard: full}
        done = subprocess.run(words, **streams, text=True, check=False)
        nobody = subprocess.run(words, stdout=full, stderr=full, check=False)
        plain = subprocess.run([*words[:4], "play", "none.yaml"], stderr=full, check=False)
    assert done.returncode == code
    assert getattr(done, heard)
    assert nobody.returncode == 3
    assert plain.returncode == 2


@pytest.mark.parametrize("words", [("--help",), ("--help", "--json"), ("--version",), ("env",)])
@pytest.mark.parametrize("reader", ["none", "full disk"])
def test_help_that_nobody_can_read_is_no_failed_verdict(reader, words):
    if reader == "none":
        reading, writing = os.pipe()
        os.close(reading)
    else:
        writing = os.open("/dev/full", os.O_WRONLY)
    command = [sys.executable, "-m", "jupyter_sysdesign", *words]
    try:
        done = subprocess.run(
            command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False
        )
        command += ["--no-such-option"]
        wrong = subprocess.run(command, stdout=subprocess.PIPE, stderr=writing, check=False)
    finally:
        os.close(writing)
    assert done.returncode == 3
    told = "" if reader == "none" else "stdout: No space left on device\n"
    assert done.stderr == told
    assert wrong.returncode == 2


def test_what_asks_for_help_imports_little():
    words = [sys.executable, "-X", "importtime", "-m", "jupyter_sysdesign", "--help"]
    done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines()}
    assert "jupyter_sysdesign.cli.app" in imported
    assert not imported & {"pydantic", "psutil", "yaml", "httpx"}


@pytest.mark.parametrize(
    ("words", "usage"),
    [
        (("env", "up"), "[OPTIONS] [LESSON]"),
        (("export",), "[OPTIONS] [WORKSPACE]"),
        (("course", "demo"), "[OPTIONS] [DIR]"),
        (("load",), "[OPTIONS] [LESSON] PROFILE"),
        (("fault", "inject"), "[OPTIONS] [LESSON] FAULT ON [NAME=VALUE]..."),
        (("fault", "play"), "[OPTIONS] [LESSON] FILE"),
    ],
)
def test_the_usage_line_is_what_can_be_typed(words, usage):
    helped = CliRunner().invoke(app, [*words, "-h"])
    (line,) = [each.strip() for each in helped.stdout.splitlines() if "Usage:" in each]
    assert line == f"Usage: sysdesign {' '.join(words)} {usage}"


def test_no_stdout_is_no_failure():
    words = [sys.executable, "-m", "jupyter_sysdesign", "fault", "list", "--json"]
    closed = ["sh", "-c", 'exec "$@" >&-', "sh", *words]
    done = subprocess.run(closed, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_may_be_old_or_narrow(sysdesign, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    monkeypatch.setenv("COLUMNS", "40")
    first = {line.split()[0] for line in sysdesign("lessons").splitlines()[1:] if line[:1] != " "}
    assert {"t1-04-horizontal-scaling", LESSON} <= first


def test_who_interrupts_a_start_leaves_nothing_up(sysdesign, tmp_path):
    folder = Path(sysdesign("open", LESSON, "--json")["workspace"]["folder"])
    (folder / "app" / "server.py").write_text("import time\ntime.sleep(600)\n")
    words = [sys.executable, "-m", "jupyter_sysdesign", "env", "up", "--json"]
    starting = subprocess.Popen(
        words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with ControlClient() as client:
        until = time.monotonic() + 60
        while not [each for each in client.environments() if each.state is State.STARTING]:
            assert time.monotonic() < until
            time.sleep(0.02)
        starting.send_signal(signal.SIGINT)
        said, told = starting.communicate(timeout=60)
        assert (starting.returncode, told) == (3, "")
        assert json.loads(said)["error"]["code"] == "interrupted"
        (environment,) = client.environments()
        client.wait(environment.id, [State.STOPPED])


def test_an_interruption_at_the_very_beginning_is_no_traceback(tmp_path):
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt")
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_sysdesign", "lessons"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")


def test_doctor_names_every_program(sysdesign):
    report = sysdesign("doctor", "--json")
    assert {"postgres", "valkey-server", "haproxy"} <= {each["name"] for each in report["findings"]}
    assert report["healthy"]


def test_databases_are_seeded_for_others(sysdesign, home, monkeypatch):
    mine, aside = home / "templates", home.parent / "aside"
    if mine.exists():
        mine.rename(aside)  # what other tests seeded
    image = home.parent / "image"
    (line,) = sysdesign("seed", LESSON, "--into", str(image)).splitlines()
    assert line.split()[:2] == [LESSON, "db"]
    data = Path(line.split()[-1])
    assert data.parents[1] == image
    assert {path.stat().st_mode & 0o777 for path in (data, *data.rglob("*"))} == {0o755, 0o644}
    assert sorted(path.name for path in data.parent.iterdir()) == ["data", "template.json"]
    assert not mine.exists()

    monkeypatch.setenv("SYSDESIGN_TEMPLATES", str(image))
    (same,) = sysdesign("seed", LESSON, "--json")["templates"]  # it is there already
    assert (same["lesson"], same["service"], same["folder"]) == (LESSON, "db", str(data))
    assert same["bytes"] > 1_000_000
    findings = {each["name"]: each for each in sysdesign("doctor", "--json")["findings"]}
    assert findings["templates"]["level"] == "ok"
    assert findings["templates"]["found"] == f"1 in {image}"
    assert sysdesign("env", "up", LESSON, "--json")["environment"]["state"] == "ready"
    sysdesign("env", "down", LESSON)
    assert not list(mine.glob("*/data"))  # the control plane copied what is there
    shutil.rmtree(mine)
    if aside.exists():
        aside.rename(mine)


def test_seeding_what_or_where_it_cannot_be_is_told(sysdesign, home):
    assert sysdesign("seed", "no-such", "--json", code=2)["error"]["code"] == "not_found"
    file = home.parent / "file"
    file.touch()
    words = ("seed", "lab-clocks", LESSON, "--into", str(file), "--json")  # one has no database
    assert str(file) in sysdesign(*words, code=3)["error"]["message"]


def test_doctor_says_what_to_install(sysdesign, monkeypatch):
    monkeypatch.setenv("SYSDESIGN_POSTGRES", "/nowhere/postgres")
    monkeypatch.setenv("SYSDESIGN_TEMPLATES", "/nowhere/templates")
    report = sysdesign("doctor", "--json", code=1)
    for name, level in (("postgres", "missing"), ("templates", "limited")):
        (found,) = [each for each in report["findings"] if each["name"] == name]
        assert found["level"] == level
        assert found["hint"]


def test_doctor_sees_what_a_server_would_load(sysdesign, tmp_path, monkeypatch):
    def extension(code):
        findings = sysdesign("doctor", "--json", code=code)["findings"]
        (found,) = [each for each in findings if each["name"] == "jupyter server"]
        return found

    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(tmp_path))
    settings = tmp_path / "jupyter_server_config.json"
    for enabled, level, code in ((False, "missing", 1), (True, "ok", 0)):
        extensions = {"jpserver_extensions": {"jupyter_sysdesign": enabled}}
        settings.write_text(json.dumps({"ServerApp": extensions}))
        assert extension(code)["level"] == level


def test_a_file_that_cannot_be_written_is_told_before_the_work(sysdesign):
    words = ("verify", LESSON, "--record", "missing/runs.jsonl")
    refused = sysdesign(*words, "--json", code=3)["error"]
    assert refused == {
        "code": "no_room",
        "message": "missing/runs.jsonl: No such file or directory",
        "hint": "",
    }


def test_a_home_that_cannot_be_used_is_told_and_doctor_knows(sysdesign, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SYSDESIGN_HOME", str(tmp_path / "file" / "home"))
    problem = sysdesign("env", "up", LESSON, "--json", code=3)["error"]
    assert str(tmp_path / "file") in problem["message"]
    assert "SYSDESIGN_HOME" in problem["hint"]
    report = sysdesign("doctor", "--json", code=1)
    (found,) = [each for each in report["findings"] if each["name"] == "disk"]
    assert (found["level"], found["hint"]) == ("missing", problem["hint"])


def test_what_services_say_is_printed_as_it_is(sysdesign, tmp_path):
    folder = tmp_path / "sysdesign" / LESSON
    sysdesign("open", LESSON)
    server = folder / "app" / "server.py"
    server.write_text('raise RuntimeError("no route [/items] for [page] :100:")\n')
    degraded = sysdesign("env", "up", cwd=folder)
    assert "no route [/items] for [page] :100:" in " ".join(degraded.split())
    assert "[page]" in sysdesign("check", "--workspace", str(folder), code=1)
    sysdesign("env", "down", cwd=folder)
    story = folder / "story.yaml"
    story.write_text("\n" * 99 + "steps: nothing\n")
    assert "story.yaml:100" in sysdesign("fault", "play", str(story), code=2, terminal=True)


def test_what_is_no_text_and_no_number_is_told_with_a_way_out(sysdesign, tmp_path):
    folder = tmp_path / "sysdesign" / LESSON
    sysdesign("open", LESSON)
    server = folder / "app" / "server.py"
    before = server.read_bytes()
    server.write_bytes(before + b"\n# caf\xe9\n")
    (app,) = [
        each
        for each in sysdesign("env", "up", "--json", cwd=folder)["environment"]["services"]
        if each["name"] == "app"
    ]
    line = before.count(b"\n") + 2
    assert app["reason"] == f"app/server.py:{line}: not UTF-8 text"
    story = tmp_path / "story.yaml"
    story.write_bytes(b"steps:\n# caf\xe9\n")
    told = sysdesign("fault", "play", LESSON, str(story), "--json", code=2)["error"]
    assert told["message"].endswith("story.yaml:2: not UTF-8 text")
    assert "UTF-8" in told["hint"]
    for number in ("nan", "NaN", "-Infinity"):
        words = ("fault", "inject", "cpu-quota", "db", f"cpus={number}", "--json")
        told = sysdesign(*words, cwd=folder, code=2)["error"]
        assert told["message"] == "arguments.cpus: Input should be a finite number"
    words = ("fault", "inject", "cpu-quota", "db", "cpus=1", "--for", "nan", "--json")
    told = sysdesign(*words, cwd=folder, code=2)["error"]
    assert "finite" in told["hint"]
    sysdesign("env", "down", cwd=folder)


def test_a_home_is_meant_wherever_it_is_written(sysdesign, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    there = tmp_path / "me" / "mine"
    opened = sysdesign("open", LESSON, "--workspace=~/mine", "--json")["workspace"]
    assert opened["folder"] == str(there)
    assert sysdesign("env", "status", "--workspace=~/mine", "--json") == {"environments": []}
    (tmp_path / "me" / "other").mkdir()
    packed = sysdesign("export", "~/mine", "--output=~/mine.zip", "--json")
    assert packed["file"] == f"{there}.zip"
    assert sysdesign("import", "~/mine.zip", "--root=~/other", "--json")["workspaces"]
    assert not (tmp_path / "~").exists()


def test_a_run_that_is_lost_is_no_wrong_use(sysdesign, tmp_path):
    up = sysdesign("env", "up", LESSON, "--json")["environment"]
    words = [sys.executable, "-m", "jupyter_sysdesign", "load", LESSON, "browse", "--json"]
    load = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    with ControlClient() as client:
        while not [each for each in client.runs(up["id"]) if each.state == "running"]:
            time.sleep(0.02)
        os.kill(client.info().pid, signal.SIGKILL)
    said, _ = load.communicate(timeout=120)
    assert (load.returncode, json.loads(said)["error"]["code"]) == (3, "unavailable")


def test_a_fault_that_cannot_be_recovered_keeps_no_other_in_force(sysdesign):
    environment = sysdesign("env", "up", LESSON, "--json")["environment"]["id"]
    with ControlClient() as client:
        client.inject_fault(environment, "cpu-quota", service="app", arguments={"cpus": 0.5})
        password = client.inject_fault(environment, "wrong-password", service="db")
        client.service(environment, "db", "pause")
        stuck = sysdesign("fault", "recover", LESSON, "--json", code=2)
        assert stuck["error"]["code"] == "conflict"
        assert [each.id for each in client.active_faults(environment).faults] == [password.id]
        client.service(environment, "db", "resume")
        sysdesign("fault", "recover", LESSON, "--json")
        assert client.active_faults(environment).faults == []
    sysdesign("env", "down", LESSON)


def test_faults_from_the_list_to_recovery(sysdesign, tmp_path):
    listed = {each["id"]: each for each in sysdesign("fault", "list", "--json")["faults"]}
    assert listed["cpu-quota"]["target"] == "service"
    said = sysdesign("fault", "list")
    assert "latency_ms" in said
    assert "null" not in said

    sysdesign("open", LESSON, "--json")
    folder = tmp_path / "sysdesign" / LESSON
    early = sysdesign("fault", "status", "--json", cwd=folder, code=2)
    assert early["error"]["code"] == "not_found"
    sysdesign("env", "up", "--json", cwd=folder)

    words = ("fault", "inject", LESSON, "cpu-quota", "app", "cpus=0.5", "--for", "300", "--json")
    active = sysdesign(*words)["fault"]
    assert active["arguments"] == {"cpus": 0.5}
    assert sysdesign(*words, code=2)["error"]["code"] == "conflict"
    deep = f"cpus={'[' * 100_000}"
    for wrong in (
        ("kill",),
        ("gravity", "app"),
        ("latency", "app:db"),
        ("kill", "app", "a=1"),
        ("cpu-quota", "app", deep),
    ):
        sysdesign("fault", "inject", *wrong, "--json", cwd=folder, code=2)
    status = sysdesign("fault", "status", LESSON, "--json")
    assert [each["id"] for each in status["faults"]] == [active["id"]]
    assert "CPU quota on app" in sysdesign("fault", "status", LESSON)

    nobody = sysdesign("fault", "recover", LESSON, "--fault", "kill", "--json", code=2)
    assert nobody["error"]["code"] == "not_found"
    assert sysdesign("fault", "recover", LESSON, "--json")["recovered"] == [active["id"]]
    assert "No fault" in sysdesign("fault", "recover", LESSON)

    story = tmp_path / "story.yaml"
    story.write_text("seed: 3\nsteps:\n  - {at_s: 0, fault: pause, service: app, for_s: 1}\n")
    schedule = sysdesign("fault", "play", LESSON, str(story), "--json")["schedule"]
    assert (schedule["seed"], len(schedule["steps"])) == (3, 1)
    story.write_text("steps:\n  - {at_s: 0, fault: pause, servise: app}\n")
    wrong_file = sysdesign("fault", "play", LESSON, str(story), "--json", code=2)
    assert "story.yaml:2" in wrong_file["error"]["message"]
    endless = sysdesign("fault", "play", LESSON, "/dev/zero", "--json", code=2)
    assert endless["error"]["message"] == "/dev/zero: more than 4 MiB"
    sysdesign("env", "down", "--json", cwd=folder)
