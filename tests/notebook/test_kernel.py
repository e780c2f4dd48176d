"""A lesson as a learner runs it: real kernels, a real environment, nothing in between."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from traitlets.config import Config

from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.catalogue import Catalogue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jupyter_client.blocking.client import BlockingKernelClient

VIEW = "application/vnd.sysdesign.view+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
SETUP = "from jupyter_sysdesign import Lesson\nlesson = Lesson()"
FIX = "CREATE INDEX items_category_price ON items (category, price, id);\n"
LONG = {
    "description": "long",
    "mode": "closed",
    "connections": 2,
    "duration_s": 600,
    "mix": [{"name": "items", "path": "/items", "weight": 1}],
}
PATIENCE_S = 400.0


@pytest.fixture
def lesson_folder(home: Path, curriculum: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a fresh workspace of ``tiny``; what a test leaves running ends by itself soon."""
    monkeypatch.setenv("SYSDESIGN_GRACE_S", "1")
    monkeypatch.setenv("SYSDESIGN_IDLE_EXIT_S", "1")
    return workspaces.create(Catalogue().lesson("tiny"), home.parent / "tiny").folder


class Kernel:
    """A kernel and what it says."""

    def __init__(self, folder: Path, sockets: dict[str, str]) -> None:
        self.manager = KernelManager(kernel_name="python3", **sockets)
        self.manager.start_kernel(cwd=str(folder), env=dict(os.environ))
        self.client: BlockingKernelClient = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE_S)

    def start(self, code: str) -> str:
        return self.client.execute(code)

    def run(self, code: str) -> list[dict[str, Any]]:
        return self.finish(self.start(code))

    def finish(self, message: str) -> list[dict[str, Any]]:
        """Return the contents of everything that a cell put out."""
        outputs: list[dict[str, Any]] = []
        while True:
            said = self.client.get_iopub_msg(timeout=PATIENCE_S)
            if said["parent_header"].get("msg_id") != message:
                continue
            kind, content = said["header"]["msg_type"], said["content"]
            if kind == "status" and content["execution_state"] == "idle":
                return outputs
            outputs.append({**content, "type": kind})

    def value(self, expression: str) -> Any:
        """Return the value of an expression, through JSON."""
        outputs = self.run(f"import json; print('=>', json.dumps({expression}))")
        text = "".join(each["text"] for each in outputs if each["type"] == "stream")
        assert "=> " in text, outputs
        return json.loads(text.split("=> ", 1)[1])

    def kill(self) -> None:
        self.manager.shutdown_kernel(now=True)
        self.client.stop_channels()

    def stop(self) -> None:
        self.manager.shutdown_kernel()
        self.client.stop_channels()


@pytest.fixture
def sockets(home: Path) -> dict[str, str]:
    """Say where kernels listen: not on ports, which others could take before the kernel does."""
    return {"transport": "ipc", "ip": str(home.parent / "kernel")}


@pytest.fixture
def start_kernel(sockets: dict[str, str]) -> Iterator[Callable[[Path], Kernel]]:
    """Return a starter of kernels; they end with the test."""
    kernels: list[Kernel] = []

    def start(folder: Path) -> Kernel:
        kernels.append(Kernel(folder, sockets))
        return kernels[-1]

    yield start
    for kernel in kernels:
        if kernel.manager.has_kernel:
            kernel.stop()


def error_of(outputs: list[dict[str, Any]]) -> str:
    errors = [each for each in outputs if each["type"] == "error"]
    assert errors, outputs
    return "\n".join(errors[-1]["traceback"])


def html_of(outputs: list[dict[str, Any]]) -> str:
    return "".join(each["data"].get("text/html", "") for each in outputs if "data" in each)


def test_outside_of_a_lesson_a_box_says_how_to_open_one(
    home: Path, start_kernel: Callable[[Path], Kernel]
) -> None:
    kernel = start_kernel(home.parent)
    box = error_of(kernel.run(SETUP))
    assert "is not a lesson's folder" in box
    assert "sysdesign open LESSON" in box
    assert "File" not in box
    assert "Traceback" not in box


def test_answers_that_cannot_be_read_are_told_of_at_once(
    lesson_folder: Path, start_kernel: Callable[[Path], Kernel]
) -> None:
    (lesson_folder / "answers.json").write_text("{")
    kernel = start_kernel(lesson_folder)
    assert "answers.json cannot be read" in html_of(kernel.run(SETUP))


def test_bugs_keep_their_traceback(home: Path, start_kernel: Callable[[Path], Kernel]) -> None:
    kernel = start_kernel(home.parent)
    kernel.run(SETUP)
    assert "ZeroDivisionError" in error_of(kernel.run("def f():\n    1 / 0\nf()"))


NOTEBOOK = (
    SETUP,
    "lesson",
    "lesson.start()",
    "before = lesson.load('browse')",
    "lesson.load('browse', seed=2)",
    "lesson.sql('SELECT category, count(*) AS n FROM items GROUP BY 1 ORDER BY 1')",
    "lesson.explain(\"SELECT * FROM items WHERE category = 'category-3' ORDER BY price\")",
    "lesson.sql(\"EXPLAIN SELECT * FROM items WHERE category = 'category-3'\")",
    "lesson.ask('how-many', answer=1)",
    "lesson.hint()",
    f"(lesson.folder / 'migrations' / '001-index.sql').write_text({FIX!r})",
    "lesson.apply()",
    "lesson.compare(before, lesson.load('browse'))",
    "lesson.logs()",
    "verdict = lesson.check()\nverdict",
    "assert verdict.passed, verdict\nlesson.stop()",
)


@pytest.mark.measures
def test_a_notebook_runs_from_start_to_verdict_without_a_browser(
    lesson_folder: Path, sockets: dict[str, str]
) -> None:
    notebook = new_notebook(cells=[new_code_cell(code) for code in NOTEBOOK])
    client = NotebookClient(
        notebook,
        timeout=int(PATIENCE_S),
        kernel_name="python3",
        resources={"metadata": {"path": str(lesson_folder)}},
        store_widget_state=False,
        config=Config({"KernelManager": sockets}),
    )
    client.execute(env=dict(os.environ))
    html = [
        "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)
        for cell in notebook.cells
    ]
    panel, started, load, shown_once, table, plan, estimate, ask, hint = html[1:10]
    applied, compared, logs, verdict, stopped = html[11:]
    assert "The smallest shop" in panel
    assert "ready" in started
    assert "127.0.0.1" in started
    # What stands in the file is the end of the run, with its pictures, and stands there once.
    for text in (load, shown_once):
        assert text.count("<img") == 3
        assert "The load generator" in text or "load generator was the bottleneck" in text
    assert "category-1" in table
    assert "sequential scan" in plan
    assert "Nothing was run" in estimate
    assert "✓ right" in ask
    assert "<details" in hint
    assert "001-index.sql" in applied
    assert "Before and after: browse" in compared
    assert "uvicorn" in logs.lower()
    assert "Passed: every check holds" in verdict
    assert verdict.count("Verdict") == 1
    assert "Stopped" in stopped
    views = [
        output["data"]
        for cell in notebook.cells
        for output in cell.outputs
        if VIEW in output.get("data", {})
    ]
    assert len(views) >= 6
    for data in views:
        assert data[VIEW]["html"] == data["text/html"]
        assert data[VIEW]["model_id"] == data[WIDGET]["model_id"]
    text = nbformat.writes(notebook)
    assert "SYSDESIGN_PASSWORD" not in text
    assert "control.sock" not in text


def test_the_panel_starts_what_the_lesson_was_made_with(
    lesson_folder: Path, start_kernel: Callable[[Path], Kernel]
) -> None:
    kernel = start_kernel(lesson_folder)
    kernel.run(SETUP)
    assert kernel.value("lesson.panel().props['runtime']") is None
    kernel.run("lesson = Lesson(runtime='docker')")
    assert kernel.value("lesson.panel().props['runtime']") == "docker"


def test_answers_and_environment_survive_a_killed_kernel(
    lesson_folder: Path, start_kernel: Callable[[Path], Kernel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSDESIGN_GRACE_S", "1000")
    first = start_kernel(lesson_folder)
    first.run(SETUP)
    first.run("lesson.start()")
    assert first.value("Lesson()._connection is lesson._connection")
    first.run("lesson.ask('how-many', answer=1)")
    started_at = first.value("lesson.status.started_at")
    first.kill()
    second = start_kernel(lesson_folder)
    second.run(SETUP)
    assert "✓ right" in html_of(second.run("lesson.ask('how-many')"))
    assert second.value("lesson.status.state.value") == "ready"
    assert second.value("lesson.status.started_at") == started_at
    second.run("lesson.stop()")


def test_a_killed_control_plane_costs_a_run_and_nothing_else(
    lesson_folder: Path, start_kernel: Callable[[Path], Kernel]
) -> None:
    kernel = start_kernel(lesson_folder)
    kernel.run(SETUP)
    kernel.run("lesson.start()")
    kernel.run("lesson.ask('how-many', answer=1)")
    control_plane = kernel.value("lesson._connection.client.info().pid")
    cell = kernel.start(f"lesson.load({LONG!r})")
    _until(lambda: _ticks(kernel, cell) > 3)
    os.kill(control_plane, signal.SIGKILL)
    outputs = kernel.finish(cell)
    box = error_of(outputs)
    assert "Traceback" not in box
    assert "lost" in box
    shown = [html_of([each]) for each in outputs if VIEW in each.get("data", {})][-1]
    assert "failed" in shown
    assert "The run was lost" in shown
    assert "Under way" not in shown
    assert "✓ right" in html_of(kernel.run("lesson.ask('how-many')"))
    outputs = kernel.run("result = lesson.load('browse')")
    assert "was not running, so it is started first" in html_of(outputs)
    assert kernel.value("result.state") == "done"
    kernel.run("lesson.stop()")


def test_an_interrupted_load_stops_and_keeps_what_there_is(
    lesson_folder: Path, start_kernel: Callable[[Path], Kernel]
) -> None:
    kernel = start_kernel(lesson_folder)
    kernel.run(SETUP)
    kernel.run("lesson.start()")
    cell = kernel.start(f"result = lesson.load({LONG!r})")
    _until(lambda: _ticks(kernel, cell) > 3)
    kernel.manager.interrupt_kernel()
    outputs = kernel.finish(cell)
    assert not [each for each in outputs if each["type"] == "error"], outputs
    assert kernel.value("result.state") == "stopped"
    assert kernel.value("len(result.ticks)") > 3
    assert "stopped" in html_of(kernel.run("result"))
    assert kernel.value(
        "[run.state for run in lesson._connection.client.runs(lesson._connection.environment)]"
    ) == ["stopped"]
    kernel.run("lesson.stop()")


def test_a_load_that_is_interrupted_before_it_shows_does_not_go_on(
    lesson_folder: Path, start_kernel: Callable[[Path], Kernel]
) -> None:
    kernel = start_kernel(lesson_folder)
    kernel.run(SETUP)
    kernel.run("lesson.start()")
    kernel.run(
        "from jupyter_sysdesign.notebook import loading\n"
        "def interrupted(self): raise KeyboardInterrupt\n"
        "loading.View.show = interrupted"
    )
    assert "KeyboardInterrupt" in error_of(kernel.run(f"lesson.load({LONG!r})"))
    assert kernel.value(
        "[run.state for run in lesson._connection.client.runs(lesson._connection.environment)]"
    ) == ["stopped"]
    kernel.run("lesson.stop()")


def test_a_load_that_is_interrupted_while_it_is_started_does_not_go_on(
    lesson_folder: Path, start_kernel: Callable[[Path], Kernel]
) -> None:
    kernel = start_kernel(lesson_folder)
    kernel.run(SETUP)
    kernel.run("lesson.start()")
    act = "lesson._connection.client.service(lesson._connection.environment, 'app', {!r})"
    kernel.run(act.format("pause"))  # whether it has the paths is asked for two seconds
    cell = kernel.start(f"lesson.load({LONG!r})")
    time.sleep(0.7)
    kernel.manager.interrupt_kernel()
    assert "KeyboardInterrupt" in error_of(kernel.finish(cell))
    states = "[run.state for run in lesson._connection.client.runs(lesson._connection.environment)]"
    assert kernel.value(states) == ["stopped"]
    cell = kernel.start(f"lesson.load({LONG!r})")
    time.sleep(0.7)
    for _ in range(2):  # who cannot wait: it ends all the same
        kernel.manager.interrupt_kernel()
        time.sleep(0.2)
    assert "KeyboardInterrupt" in error_of(kernel.finish(cell))
    _until(lambda: kernel.value(states) == ["stopped", "stopped"])
    kernel.run(act.format("resume") + "; lesson.stop()")


def test_a_start_that_is_no_longer_waited_for_is_not_said_to_be_under_way(
    lesson_folder: Path, start_kernel: Callable[[Path], Kernel]
) -> None:
    kernel = start_kernel(lesson_folder)
    kernel.run(SETUP)
    kernel.run(
        "from jupyter_sysdesign.notebook import starting\n"
        "from types import SimpleNamespace\n"
        "def interrupted(_pause_s): raise KeyboardInterrupt\n"
        "starting.time = SimpleNamespace(sleep=interrupted)"
    )
    outputs = kernel.run("lesson.start()")
    assert "KeyboardInterrupt" in error_of(outputs)
    shown = html_of([each for each in outputs if "data" in each][-1:])
    assert shown == "<p>You stopped waiting.</p>"
    kernel.run("lesson.stop()")


def test_data_that_is_not_restored_is_not_said_to_be_under_way(
    lesson_folder: Path, start_kernel: Callable[[Path], Kernel]
) -> None:
    kernel = start_kernel(lesson_folder)
    kernel.run(SETUP)
    client, environment = "lesson._connection.client", "lesson._connection.environment"
    kernel.run(f"lesson.start(); lesson.stop(); {client}.start({environment})")
    outputs = kernel.run("lesson.reset()")
    assert "Traceback" not in error_of(outputs)
    shown = html_of([each for each in outputs if "data" in each][-1:])
    assert shown == "<p>The data was not restored.</p>"
    kernel.run("lesson.stop()")


def _ticks(kernel: Kernel, cell: str) -> int:
    """Return how many ticks the running cell has pushed to its view by now."""
    found = 0
    while True:
        try:
            said = kernel.client.get_iopub_msg(timeout=0.5)
        except queue.Empty:
            return found
        events = said["content"].get("data", {}).get("content", {})
        if said["parent_header"].get("msg_id") == cell and isinstance(events, dict):
            found += sum(each["type"] == "run.tick" for each in events.get("events", []))
        if found > 3:
            return found


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline


def test_wrong_names_and_broken_files_are_said_plainly(
    lesson_folder: Path, start_kernel: Callable[[Path], Kernel]
) -> None:
    kernel = start_kernel(lesson_folder)
    kernel.run(SETUP)
    box = error_of(kernel.run("lesson.load('brows')"))
    assert "Did you mean 'browse'?" in box
    assert "steady" in box
    assert "how-many" in error_of(kernel.run("lesson.ask('howmany')"))
    assert "no prediction" in error_of(kernel.run("lesson.predict('how-many')"))
    assert "seed must be" in error_of(kernel.run("lesson.load('browse', seed=-1)"))
    assert "Did you mean" in error_of(kernel.run("lesson.start(); lesson.logs('bd')"))
    assert "syntax error" in error_of(kernel.run("lesson.sql('SELEC 1')"))
    for call, example in (
        ("sql('SELECT %s', 5)", "[5]"),
        ("sql('SELECT %s', 'abc')", "['abc']"),
        ("explain('SELECT %s', 5)", "[5]"),
        ("check(only=5)", "[5]"),
    ):
        box = error_of(kernel.run(f"lesson.{call}"))
        assert "must be a list" in box
        assert f"For example {example}." in box
        assert "Traceback" not in box
    assert "Did you mean 'latency'?" in error_of(kernel.run("lesson.fault('latancy', 'app')"))
    assert "marks no links" in error_of(kernel.run("lesson.fault('latency', 'app:db')"))
    assert "not on 3" in error_of(kernel.run("lesson.fault('kill', 3)"))
    assert "arguments.cpu" in error_of(kernel.run("lesson.fault('cpu-quota', 'app', cpu=1)"))
    assert "no fault in force 'kill'" in error_of(kernel.run("lesson.recover('kill')"))
    unknown = kernel.run("lesson.check(only='few-index')")
    assert "Did you mean 'few-indexes'?" in error_of(unknown)
    assert "Checking" not in html_of(unknown)
    refused = kernel.run("lesson.check(seed=-1)")
    assert "seed" in error_of(refused)
    assert "It was not checked." in html_of(refused)
    (lesson_folder / "migrations" / "001-x.sql").write_text("CREATE TABLE x (id int);\nCREAT y;\n")
    box = error_of(kernel.run("lesson.apply()"))
    assert "001-x.sql:2" in box
    assert "Traceback" not in box
    kernel.run("lesson.stop()")


def test_a_cell_that_listened_leaves_no_thread_and_no_connection(
    lesson_folder: Path, start_kernel: Callable[[Path], Kernel]
) -> None:
    kernel = start_kernel(lesson_folder)
    kernel.run(SETUP + "\nlesson.start()\nlesson.stop()\nimport threading")
    listening = (
        "sum('sysdesign' in each.name or 'recv_events' in each.name"
        " for each in threading.enumerate())"
    )
    assert kernel.value(listening) == 1  # the lease's
    for _ in range(2):
        kernel.run("lesson.check(seed=-1)")
    _until(lambda: kernel.value(listening) == 1)


def test_brackets_after_explain_are_options_or_a_query(
    lesson_folder: Path, start_kernel: Callable[[Path], Kernel]
) -> None:
    kernel = start_kernel(lesson_folder)
    kernel.run(SETUP)
    union = "(SELECT id FROM items) UNION ALL (SELECT -id FROM items)"
    kernel.run("lesson.start()")
    for call, measured in (
        (f"sql('EXPLAIN {union}')", False),
        (f"sql('EXPLAIN (ANALYZE, VERBOSE) {union}')", True),
        (f"explain('explain ( {union[1:]}')", True),
    ):
        kernel.run(f"plan = lesson.{call}")
        assert kernel.value("[plan.measured, plan.root.type]") == [measured, "Append"]
    kernel.run("lesson.stop()")


def test_what_was_typed_and_not_sent_is_there_when_the_cell_runs_again(
    lesson_folder: Path, start_kernel: Callable[[Path], Kernel]
) -> None:
    kernel = start_kernel(lesson_folder)
    kernel.run(SETUP)
    shown = kernel.run("view = lesson.ask('how-many')")
    model = next(each["data"][VIEW]["model_id"] for each in shown if VIEW in each.get("data", {}))
    typed = {"text": "7", "low": "", "high": "", "picked": [], "claims": {}}
    update = {"method": "update", "state": {"snapshot": {"draft": typed}}, "buffer_paths": []}
    message = kernel.client.session.msg("comm_msg", {"comm_id": model, "data": update})
    kernel.client.shell_channel.send(message)
    for _ in range(2):
        kernel.run("lesson = Lesson()\nview = lesson.ask('how-many')")
        assert kernel.value("view.snapshot.get('draft')") == typed
    kernel.run("view = lesson.ask('how-many', answer=1)")
    kernel.run("view = lesson.ask('how-many')")
    assert kernel.value("view.snapshot.get('draft')") is None
    assert kernel.value("view.snapshot['answer']['value']") == 1


def test_a_profile_of_ones_own_in_load_yaml_can_be_run(
    lesson_folder: Path, start_kernel: Callable[[Path], Kernel]
) -> None:
    kernel = start_kernel(lesson_folder)
    kernel.run(SETUP)
    assert kernel.value("lesson.profiles") == ["browse", "steady"]
    file = lesson_folder / "load.yaml"
    mix = LONG["mix"]
    mine = {"mode": "closed", "connections": 1, "duration_s": 0.3, "mix": mix}
    file.write_text(f"{file.read_text()}\n  mine: {json.dumps(mine)}\n")
    kernel.run("result = lesson.load('mine')")
    assert kernel.value("[result.state, lesson.profiles]") == ["done", ["browse", "steady", "mine"]]
    file.write_text(f"{file.read_text()}  other: {{}}\n")
    for call in ("profiles", "load('mine')"):
        assert "load.yaml:" in error_of(kernel.run(f"lesson.{call}"))
    kernel.run("lesson.stop()")


def test_a_page_without_a_server_asks_over_the_comm(
    lesson_folder: Path, start_kernel: Callable[[Path], Kernel]
) -> None:
    kernel = start_kernel(lesson_folder)
    kernel.run(SETUP)
    kernel.run("lesson.start()")
    shown = kernel.run("view = lesson.panel()")
    model = next(each["data"][VIEW]["model_id"] for each in shown if VIEW in each.get("data", {}))
    environment = kernel.value("lesson._connection.environment")

    def send(content: dict[str, Any]) -> None:
        data = {"method": "custom", "content": content}
        message = kernel.client.session.msg("comm_msg", {"comm_id": model, "data": data})
        kernel.client.shell_channel.send(message)

    def reply(found: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while True:
            said = kernel.client.get_iopub_msg(timeout=PATIENCE_S)
            if said["header"]["msg_type"] == "comm_msg":
                content = said["content"]["data"].get("content", {})
                if isinstance(content, dict) and found(content):
                    return content

    path = f"/v1/environments/{environment}"
    send({"id": 1, "request": {"method": "GET", "path": path, "body": None}})
    answer = reply(lambda content: content.get("id") == 1)["response"]
    assert answer["status"] == 200
    assert answer["body"]["state"] == "ready"
    send({"id": 2, "request": {"method": "GET", "path": "/v1/lessons/none", "body": None}})
    problem = reply(lambda content: content.get("id") == 2)["response"]
    assert problem["status"] == 404
    assert problem["body"]["code"] == "not_found"
    send({"id": 3, "request": {"method": "GET", "path": "/etc/passwd", "body": None}})
    assert reply(lambda content: content.get("id") == 3)["response"]["status"] == 400
    send({"subscribe": {"environment": environment, "after": 0}})
    events = reply(lambda content: bool(content.get("events")))
    assert events["environment"] == environment
    assert events["events"][0]["seq"] >= 1
    send({"unsubscribe": {"environment": environment}})

    # Two views of the panel: one that leaves takes nothing from the other.
    now = answer["body"]["last_seq"]
    for view in ("left", "right"):
        send({"view": view, "subscribe": {"environment": environment, "after": now}})
        heard = reply(lambda content, view=view: content.get("view") == view)
        assert heard["environment"] == environment
    send({"view": "left", "unsubscribe": {"environment": environment}})
    send({"view": "right", "id": 1, "request": {"method": "POST", "path": f"{path}/stop"}})
    stopped = reply(
        lambda content: any(
            each["type"] == "environment.state" and each["data"]["state"] == "stopped"
            for each in content.get("events", [])
        )
    )
    assert stopped["view"] == "right"


def test_a_fault_that_cannot_be_recovered_keeps_no_other_in_force(
    lesson_folder: Path, start_kernel: Callable[[Path], Kernel]
) -> None:
    kernel = start_kernel(lesson_folder)
    kernel.run(SETUP)
    act = "lesson._connection.client.service(lesson._connection.environment, 'db', {!r})"
    kernel.run("lesson.start(); lesson.fault('cpu-quota', 'app', cpus=0.5)")
    kernel.run("lesson.fault('wrong-password', 'db'); " + act.format("pause"))
    assert "db: it is paused" in error_of(kernel.run("lesson.recover()"))
    active = "lesson._connection.client.active_faults(lesson._connection.environment).faults"
    assert kernel.value(f"[each.fault for each in {active}]") == ["wrong-password"]
    kernel.run(act.format("resume") + "; lesson.recover()")
    assert kernel.value(active) == []
    kernel.run("lesson.stop()")


def test_an_answer_may_be_the_first_thing_in_a_folder_that_came_from_elsewhere(
    lesson_folder: Path,
) -> None:
    fetched = lesson_folder.with_name("fetched")
    shutil.copytree(lesson_folder, fetched)
    script = "from jupyter_sysdesign import Lesson\nLesson().ask('how-many', answer=1)\n"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=fetched,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    assert "There is no workspace" not in done.stdout + done.stderr
    assert '"how-many"' in (fetched / "answers.json").read_text()


@pytest.mark.measures
def test_a_plain_script_prints_what_a_notebook_shows(lesson_folder: Path) -> None:
    script = (
        "from jupyter_sysdesign import Lesson\n"
        "lesson = Lesson()\n"
        "run = lesson.load('browse')\n"
        "lesson.ask('how-many', answer=1)\n"
        "print(lesson.hint(level=2))\n"
        "print(lesson.sql('SELECT count(*) AS n FROM items'))\n"
        "print(lesson.apply())\n"
        "print(lesson.fault('cpu-quota', 'app', cpus=0.5))\n"
        "print(lesson.recover('cpu-quota'))\n"
        "print(lesson.recover())\n"
        "lesson.stop()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=lesson_folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    for fact in (
        "is started first",
        "Load 'browse' (seed 1), done after",
        "Your answer: 1",
        "Hint 2: ",
        "1000\n1 row.",
        "CPU quota on app (active)\n  cpus: 0.5\n  Seen: held to 0.5 cores",
        "Recovered: CPU quota on app.",
        "No fault is in force.",
        "Stopped.",
    ):
        assert fact in done.stdout, done.stdout
    assert "<div" not in done.stdout
