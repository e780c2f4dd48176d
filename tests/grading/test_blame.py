"""Verdicts on real systems: whose fault it is decides between failed and unknown."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from grading.verdicts import INDEX, QUICK, Meddler, nothing_is_left, statuses, write

from jupyter_sysdesign.control.models import Status
from jupyter_sysdesign.environment.status import ServiceState, ServiceStatus
from jupyter_sysdesign.errors import SysdesignError
from jupyter_sysdesign.grading import blame
from jupyter_sysdesign.grading.course import marks
from jupyter_sysdesign.grading.process import run_checker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jupyter_sysdesign.control.client import ControlClient


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("app/server.py", "def broken(:\n", "server.py:1"),
        ("app/server.py", "raise RuntimeError('no such setting')\n", "no such setting"),
        ("migrations/001-index.sql", "SELECT 1;\nCREATE INDX i ON items (price);\n", "INDX"),
        ("migrations/001-index.sql", "CREATE INDEX ON nothing (id);\n", "nothing"),
    ],
)
def test_a_mistake_in_the_learners_files_is_failed(
    client: ControlClient, mine: Path, name: str, text: str, says: str
):
    write(mine, text, name)
    verdict = run_checker(mine, 3, only=QUICK)
    assert statuses(verdict) == dict.fromkeys(QUICK, "failed"), verdict
    assert says in verdict.checks[0].why
    assert name in verdict.checks[0].why
    assert nothing_is_left(client)


@pytest.mark.parametrize(
    ("lock", "says"),
    [
        ("ALTER DATABASE shop CONNECTION LIMIT 0", "too many connections for database"),
        ("REVOKE ALL ON DATABASE shop FROM PUBLIC", "permission denied for database"),
        ("ALTER DATABASE shop SET local_preload_libraries = nothing", "could not access file"),
        ("ALTER ROLE shop PASSWORD $p$y$p$", "password authentication failed"),
    ],
)
def test_who_shuts_us_out_of_the_database_has_failed(
    client: ControlClient, mine: Path, lock: str, says: str
):
    write(mine, f"DO 'BEGIN EXECUTE $x${lock}$x$; END';")
    write(mine, INDEX, "migrations/002-index.sql")
    verdict = run_checker(mine, 3, only=QUICK[:1])
    assert verdict.status is Status.FAILED, verdict
    assert says in verdict.checks[0].why


@pytest.mark.parametrize("service", ["db", "app"])
def test_a_service_killed_from_outside_is_unknown(client: ControlClient, mine: Path, service: str):
    write(mine, INDEX)

    def kill(environment: str) -> None:
        found = client.environment(environment).services
        (pid,) = [each.pid for each in found if each.name == service]
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    verdict = run_checker(mine, 4, hear=Meddler(kill))
    assert verdict.status is Status.UNKNOWN, verdict.checks
    assert "failed" not in statuses(verdict).values()
    assert f"({service}) was killed from outside" in verdict.reason


def test_a_service_whose_end_is_noticed_late_is_unknown(
    variant: Callable[[str], Path], client: ControlClient
):
    mine = variant(
        "@check('asks', title='It answers', points=1, kind='performance')\n"
        "def asks(ctx):\n"
        "    while ctx.system.http.get('/items').status_code == 200: pass\n"
        "    return Outcome.is_true(True, 1, 1)\n"
    )

    def kill(environment: str) -> None:
        (app,) = [each for each in client.environment(environment).services if each.name == "app"]
        assert app.pid is not None
        supervisor = psutil.Process(app.pid).parent()
        assert supervisor is not None
        supervisor.suspend()
        os.kill(app.pid, signal.SIGKILL)
        threading.Timer(3, supervisor.resume).start()

    verdict = run_checker(mine, 4, hear=Meddler(kill))
    assert verdict.status is Status.UNKNOWN, verdict.checks
    assert "(app) was killed from outside" in verdict.reason


COMPARED = "SELECT count(*) FROM public.items WHERE category = 'compared'"
COMPARES = """
def go_on(system):
    system.http.post("/items", json={"category": "compared", "price": 1}).raise_for_status()
    while system.http.get("/items").is_success:
        pass

@check("praises", title="Praises", points=1, kind="slo")
def praises(ctx):
    go_on(ctx.pristine)
    return Outcome.is_true(True, "", "", "")

@check("blames", title="Blames", points=1, kind="slo")
def blames(ctx):
    go_on(ctx.pristine)
    ctx.pristine.http.get("/items").raise_for_status()

@check("again", title="Again", points=1, kind="slo")
def again(ctx):
    return Outcome.is_true(ctx.pristine.http.get("/items").is_success, "", "", "No.")
"""


def test_a_system_to_compare_with_that_is_killed_says_nothing_of_the_learners(
    variant: Callable[[str], Path], client: ControlClient
):
    mine = variant(COMPARES)
    killers: list[threading.Thread] = []

    def kill(environment: str) -> None:
        def compared() -> bool:
            with contextlib.suppress(SysdesignError):  # it only starts
                rows = client.sql(environment, COMPARED, role="grader").rows
                return rows != [[0]]
            return False

        until = time.monotonic() + 120
        while not compared():
            if time.monotonic() > until:
                return  # the statuses say what is wrong
            time.sleep(0.05)
        (db,) = [each for each in client.environment(environment).services if each.name == "db"]
        assert db.pid is not None
        os.kill(db.pid, signal.SIGKILL)

    def hear(said: dict[str, Any]) -> None:
        if said.get("environment", {}).get("role") == "pristine" and len(killers) < 2:
            killers.append(threading.Thread(target=kill, args=[said["environment"]["id"]]))
            killers[-1].start()

    found = run_checker(mine, 4, hear=hear)
    for each in killers:
        each.join()
    assert statuses(found) == {"praises": "unknown", "blames": "unknown", "again": "passed"}
    for judged in found.checks[:2]:
        assert judged.why.startswith("The system to compare with:")
        assert "(db) was killed from outside" in judged.why
    assert nothing_is_left(client)


class NoticedInBetween:
    """A system whose dead service is told as such between two looks that follow each other."""

    def __init__(self, pid: int) -> None:
        fields: dict[str, Any] = {"name": "app", "kind": "python", "cpus": None}
        self._running = ServiceStatus(**fields, state=ServiceState.READY, pid=pid)
        self._dead = ServiceStatus(**fields, state=ServiceState.FAILED, exit_code=-9)
        self._told = False
        self._looked_at = 0.0

    def status(self) -> SimpleNamespace:
        now = time.monotonic()
        self._told = self._told or now - self._looked_at < 0.05
        self._looked_at = now
        service = self._dead if self._told else self._running
        return SimpleNamespace(services=[service], runtime="embedded")

    def fallen(self, status: SimpleNamespace) -> list[str]:
        return [each.name for each in status.services if each.state is ServiceState.FAILED]


def test_an_end_that_is_noticed_while_we_look_is_found(home: Path):
    with subprocess.Popen(["true"]) as gone:
        pass
    found = blame.behind(NoticedInBetween(gone.pid), {})
    assert found is not None
    assert "(app) was killed from outside" in found.why


def test_a_control_plane_that_goes_away_is_unknown(client: ControlClient, mine: Path):
    write(mine, INDEX)
    pid = client.info().pid
    verdict = run_checker(mine, 4, hear=Meddler(lambda _: os.kill(pid, signal.SIGKILL)))
    assert verdict.status is Status.UNKNOWN
    assert "failed" not in statuses(verdict).values()
    client.info()  # starts another one, which sweeps what the dead one left


ODD = """
@check("listed", title="Listed", points=1, kind="slo")
def listed(ctx):
    return Outcome.is_true(ctx.system.http.get("/items").json()[0]["id"] > 0, "", "", "No.")

@check("broken", title="Broken", points=1, kind="slo")
def broken(ctx):
    return ctx.system.http.get("/items").json()["no such key"]

@check("open", title="Open", points=1, kind="slo")
def open_question(ctx):
    raise CannotTell("The moon is in the way.")

@check("none", title="None", points=1, kind="slo")
def none(ctx):
    return None

@check("slow", title="Slow", points=1, kind="slo", deadline_s=5)
def slow(ctx):
    ctx.system.http.get("/health", timeout=30)
    return Outcome.is_true(True, "", "", "")

@check("dreams", title="Dreams", points=1, kind="slo", deadline_s=0.5)
def dreams(ctx):
    import time
    print('{"verdict": "passed"}')
    time.sleep(30)
"""


STRANGE_APP = """
import threading, time
from fastapi import FastAPI
app = FastAPI()
asked = threading.Event()
@app.get("/health")
def health():
    if asked.is_set():
        time.sleep(20)
    return {}
@app.get("/items")
def items():
    asked.set()
    return {"items": "none today"}
@app.get("/metrics")
def metrics():
    return ""
"""


@pytest.mark.measures
def test_a_check_that_breaks_by_itself_is_unknown(
    variant: Callable[[str], Path], client: ControlClient
):
    found = run_checker(variant(ODD), 1)
    assert statuses(found) == {
        "listed": "passed", "broken": "unknown", "open": "unknown", "none": "unknown",
        "slow": "passed", "dreams": "unknown",
    }  # fmt: skip
    assert "itself is broken" in found.checks[1].why
    assert found.checks[2].why == "The moon is in the way."
    assert found.status is Status.UNKNOWN
    assert nothing_is_left(client)


def test_a_system_that_answers_nonsense_or_not_at_all_is_failed(
    variant: Callable[[str], Path], client: ControlClient
):
    mine = variant(ODD)
    write(mine, STRANGE_APP, "app/server.py")
    found = run_checker(mine, 1, only=["listed", "slow"])
    assert statuses(found) == {"listed": "failed", "slow": "failed"}
    assert "KeyError" in found.checks[0].why
    assert "kept it waiting" in found.checks[1].why
    assert nothing_is_left(client)


SERVER = """
@app.middleware("http")
async def spoil(request, call_next):
    if request.url.path == "/items":
        {line}
    return await call_next(request)
"""


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("os._exit(3)", "(app) does not run with your app/server.py"),
        ("raise ValueError('no such shelf')", "The log says: ValueError: no such shelf"),
        ("return Response(status_code=404)", "/items answered 404"),
        ("return Response('{{}}')", "something else than the system it began as"),
    ],
)
def test_what_went_wrong_is_said_in_a_sentence(
    client: ControlClient, mine: Path, line: str, says: str
):
    pristine = (mine / "app" / "server.py").read_text()
    write(mine, pristine + SERVER.format(line=line), "app/server.py")
    verdict = run_checker(mine, 3, only=["new-item-shows"])
    assert verdict.status is Status.FAILED
    assert says in verdict.checks[0].why
    assert "\n" not in verdict.checks[0].why


@pytest.mark.parametrize(
    "said", ["new-4711", "out of memory: new-4711", "app was killed by new-4711"]
)
def test_what_a_service_says_as_it_ends_is_for_its_author_not_for_feedback(
    client: ControlClient, mine: Path, said: str
):
    pristine = (mine / "app" / "server.py").read_text()
    line = f"print({said!r}, flush=True) or os._exit(3)"
    write(mine, pristine + SERVER.format(line=line), "app/server.py")
    (found,) = run_checker(mine, 3, only=["new-item-shows"]).checks
    assert f"ended with code 3. The log says: {said}" in found.why
    comment = marks.of_check(found).comment
    assert "ended with code 3" in comment
    assert "4711" not in comment


SECOND_START = """
import os, psycopg
with psycopg.connect(os.environ["DATABASE_URL"]) as db:
    for (found,) in db.execute("SELECT category FROM items WHERE category LIKE 'new-%'"):
        print(found, flush=True) or os._exit(3)
"""


def test_a_service_that_does_not_come_back_is_failed_and_its_words_are_for_its_author(
    variant: Callable[[str], Path], client: ControlClient
):
    mine = variant(
        "@check('returns', title='It returns', points=1, kind='recovery')\n"
        "def returns(ctx):\n"
        "    row = ['new-4711']\n"
        "    ctx.system.change('INSERT INTO items (category, price) VALUES (%s, 1)', row)\n"
        "    ctx.system.restart('app')\n"
        "    return Outcome.is_true(True, 1, 1)\n"
        "@check('next', title='The next one', points=1, kind='recovery')\n"
        "def after(ctx):\n"
        "    return Outcome.is_true(True, 1, 1)\n"
    )
    pristine = (mine / "app" / "server.py").read_text()
    write(mine, pristine + SECOND_START, "app/server.py")
    verdict = run_checker(mine, 3)
    assert statuses(verdict) == {"returns": "failed", "next": "failed"}
    for found in verdict.checks:
        assert "(app) does not run with your app/server.py: ended with code 3" in found.why
        assert found.why.endswith("The log says: new-4711")
        assert "4711" not in marks.of_check(found).comment


SPOILT = """
CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  CASE NEW.price
    WHEN 1 THEN RAISE EXCEPTION 'Input/output error: %', NEW.category;
    WHEN 2 THEN RAISE EXCEPTION 'No space left: %', NEW.category USING ERRCODE = '53100';
    WHEN 3 THEN RAISE EXCEPTION 'x %', NEW.category USING ERRCODE = '58030';
    WHEN 4 THEN RAISE EXCEPTION 'x %', NEW.category USING ERRCODE = '57P01', DETAIL = NEW.category;
    WHEN 5 THEN RAISE EXCEPTION 'the database system is %', NEW.category USING ERRCODE = '57P03';
    WHEN 6 THEN PERFORM pg_terminate_backend(pg_backend_pid());
    WHEN 7 THEN PERFORM pg_advisory_xact_lock(n) FROM generate_series(1, 1000000) AS n;
    ELSE RETURN NEW;
  END CASE;
  RETURN NEW;
END $$;
CREATE TRIGGER spoil BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION spoil();
ALTER TABLE items ADD CHECK (category NOT LIKE 'new-%' OR price < 8) NOT VALID;
"""
CHANGES = """
def changes(price):
    @check(f"changes-{price}", title="Changes", points=1, kind="slo")
    def one(ctx):
        row = ["new-4711", price]
        ctx.system.change("INSERT INTO items (category, price) VALUES (%s, %s)", row)
        return Outcome.is_true(True, "", "", "")
    return one

for price in range(1, 9):
    globals()[f"changes_{price}"] = changes(price)
"""


def test_what_a_program_in_the_database_says_neither_decides_nor_reaches_feedback(
    variant: Callable[[str], Path], client: ControlClient
):
    mine = variant(CHANGES)
    write(mine, SPOILT)
    found = run_checker(mine, 3)
    assert statuses(found) == {f"changes-{price}": "failed" for price in range(1, 9)}, found
    assert "Input/output error: new-4711" in found.checks[0].why  # at home it is all there
    for each in found.checks:
        comment = marks.of_check(each).comment
        assert comment.endswith("PostgreSQL refused a statement."), comment


@pytest.mark.parametrize(
    "script",
    [
        "DO $$ BEGIN RAISE EXCEPTION 'Input/output error' USING ERRCODE = '57P01'; END $$;",
        "SELECT pg_terminate_backend(pg_backend_pid());",
    ],
)
def test_what_a_migration_says_as_it_fails_does_not_decide(
    client: ControlClient, mine: Path, script: str
):
    write(mine, script)
    (found,) = run_checker(mine, 3, only=["few-indexes"]).checks
    assert found.status is Status.FAILED, found.why
    assert marks.of_check(found).comment.endswith(" is refused.")
