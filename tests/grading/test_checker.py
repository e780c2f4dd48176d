"""Verdicts on real systems: what a checker does, and what it leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from grading.verdicts import INDEX, QUICK, Meddler, checkers, nothing_is_left, statuses, write

from jupyter_sysdesign import paths
from jupyter_sysdesign.control.models import Status
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.errors import InvalidRequestError, NotFoundError
from jupyter_sysdesign.grading.process import run_checker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jupyter_sysdesign.control.client import ControlClient


def test_an_untouched_system_fails_and_says_why(client: ControlClient, mine: Path):
    heard: list[dict[str, Any]] = []
    verdict = run_checker(mine, 1, only=QUICK, hear=heard.append)
    assert verdict.status is Status.FAILED
    assert statuses(verdict) == {"index-on-category": "failed", "new-item-shows": "passed"}
    assert (verdict.points, verdict.max_points) == (10, 20)
    assert "whole table" in verdict.checks[0].why
    assert verdict.checks[0].measured == "0 index"
    assert [each["running"] for each in heard if "running" in each] == QUICK
    assert [each["check"]["id"] for each in heard if "check" in each] == QUICK
    assert nothing_is_left(client)


@pytest.mark.measures
def test_a_fix_passes_and_what_does_not_count_does_not(client: ControlClient, mine: Path):
    write(mine, INDEX)
    write(mine, "broken: [", "compose.yaml")
    write(mine, "DROP TABLE items;", "db/01-schema.sql")
    verdict = run_checker(mine, 2)
    assert verdict.status is Status.PASSED, verdict.checks
    assert verdict.points == verdict.max_points == 30
    assert nothing_is_left(client)


def test_the_same_seed_gives_the_same_requests(client: ControlClient, mine: Path):
    # The check names the new item's category by its random numbers; the answer shows in the data.
    both = [run_checker(mine, 5, only=only) for only in (QUICK, QUICK[1:])]
    assert both[0].checks[1] == both[1].checks[0]


def test_a_link_is_refused_before_anything_starts(client: ControlClient, mine: Path):
    (mine / "migrations" / "001.sql").symlink_to("/etc/passwd")
    heard: list[dict[str, Any]] = []
    verdict = run_checker(mine, 3, only=QUICK, hear=heard.append)
    assert verdict.status is Status.FAILED
    assert "is a link" in verdict.checks[0].why
    assert not [each for each in heard if "environment" in each]


def test_a_checker_that_cannot_begin_says_so_of_every_check(home: Path, curriculum: Path):
    mine = workspaces.create(Catalogue().lesson("tiny"), home.parent / "mine").folder
    (home / "checks").write_text("in the place of a folder")
    verdict = run_checker(mine, 4, only=QUICK)
    assert statuses(verdict) == dict.fromkeys(QUICK, "unknown")
    assert verdict.status is Status.UNKNOWN
    for why in (verdict.reason, *(each.why for each in verdict.checks)):
        assert why == f"{home}/checks cannot be used: it is no folder"


def test_a_checker_told_to_end_leaves_nothing(client: ControlClient, mine: Path):
    checker: list[int] = []

    def end(_: str) -> None:
        (pid,) = checkers()
        checker.append(pid)
        os.kill(pid, signal.SIGTERM)

    with pytest.raises(Exception, match="without a verdict"):
        run_checker(mine, 4, hear=Meddler(end))
    assert checker
    until = time.monotonic() + 30  # what nobody holds is removed in the background
    while not nothing_is_left(client) and time.monotonic() < until:
        time.sleep(0.05)
    assert nothing_is_left(client)


HASTY = """
from contextlib import suppress
from jupyter_sysdesign.grading.outcome import Crowded

@check("hasty", title="Hasty", points=1, kind="slo", deadline_s=1)
def hasty(ctx):
    ctx.system.load("browse", duration_s=60)

@check("rash", title="Rash", points=1, kind="slo", deadline_s=0.2)
def rash(ctx):
    ctx.pristine

@check("anew", title="Anew", points=1, kind="slo", fresh=True, deadline_s=2)
def anew(ctx):
    pass

@check("at-once", title="At once", points=1, kind="slo", fresh=True, deadline_s=0.1)
def at_once(ctx):
    pass

@check("after", title="After", points=1, kind="slo")
def after(ctx):
    for each in (ctx.system, ctx.pristine):
        with suppress(Crowded):  # by whatever else this machine does; it was done
            each.load("browse", duration_s=0.5)
    return Outcome.is_true(True, "", "", "")
"""


def test_what_a_check_left_when_its_time_was_up_is_in_nobodys_way(
    variant: Callable[[str], Path], client: ControlClient
):
    mine = variant(HASTY)
    write(mine, "SELECT pg_sleep(4);\n")
    found = run_checker(mine, 1)
    assert statuses(found)["after"] == "passed", found.checks
    assert {statuses(found)[each] for each in ("hasty", "rash", "anew", "at-once")} == {"unknown"}
    assert all("did not finish" in each.why for each in found.checks[:4]), found.checks
    assert nothing_is_left(client)


RECOVERY = """
import httpx

@check("comes-back", title="Comes back", points=1, kind="recovery")
def comes_back(ctx):
    ctx.system.kill("db")
    refused = ctx.system.http.get("/items").status_code
    ctx.system.restart("db")
    after = ctx.system.http.get("/items").status_code
    return Outcome.is_true((refused, after) == (500, 200), f"{refused}, {after}", "", "No.")

@check("left-dead", title="Left dead", points=1, kind="recovery")
def left_dead(ctx):
    ctx.system.http.post("/items", json={"category": "new", "price": 1}).raise_for_status()
    ctx.system.kill("app")
    try:
        ctx.system.http.get("/health")
    except httpx.ConnectError:
        return Outcome.is_true(True, "", "", "")

@check("healed", title="Healed", points=1, kind="correctness")
def healed(ctx):
    items = ctx.system.sql("SELECT count(*) AS n FROM public.items WHERE price = %s", [1])[0]["n"]
    return Outcome.is_true(items > 0 and ctx.system.http.get("/items").is_success, "", "", "No.")

@check("past-the-app", title="Past the app", points=1, kind="correctness")
def past_the_app(ctx):
    ctx.system.change("INSERT INTO items (category, price) VALUES (%s, %s)", ["office", 11])
    found = ctx.system.http.get("/items", params={"category": "office"}).json()
    return Outcome.is_true([each["price"] for each in found] == [11], str(found), "", "No.")

@check("fresh", title="Fresh", points=1, kind="correctness", fresh=True)
def fresh(ctx):
    rows = ctx.system.sql("SELECT count(*) FILTER (WHERE category = 'new') AS n FROM public.items")
    indexes = ctx.system.sql("SELECT count(*) AS n FROM pg_indexes WHERE tablename = 'items'")
    found = rows[0]["n"], indexes[0]["n"], ctx.system.http.get("/items").status_code
    return Outcome.is_true(found == (0, 2, 200), str(found), "", "No.")

@check("counts", title="Counts", points=1, kind="cost")
def counts(ctx):
    system, blocks, wal = ctx.system, [ctx.system.blocks()], [ctx.system.wal_bytes()]
    for _ in range(5):
        system.http.get("/items")
    blocks.append(system.blocks())
    system.sql("SELECT count(*) FROM public.items")
    blocks.append(system.blocks())
    system.http.post("/items", json={"category": "new", "price": 1})
    wal.append(system.wal_bytes())
    holds = blocks[1] >= blocks[0] + 5 and blocks[2] == blocks[1] and wal[1] > wal[0]
    return Outcome.is_true(holds and system.connections() <= 30, f"{blocks} {wal}", "", "No.")
"""


def test_what_a_check_kills_itself_is_no_accident(
    variant: Callable[[str], Path], client: ControlClient
):
    mine = variant(RECOVERY)
    write(mine, INDEX)
    found = run_checker(mine, 1)
    assert found.status is Status.PASSED, [
        (each.id, each.measured, each.why) for each in found.checks
    ]
    assert nothing_is_left(client)


TIMED = """
@check("counted", title="Counted", points=1, kind="slo")
def counted(ctx):
    return Outcome.is_true(True, "", "", "")

@check("timed", title="Timed", points=1, kind="slo", deadline_s=1, timed=True)
def timed(ctx):
    return Outcome.is_true(True, "", "", "")
"""
HOLDS = """
import sys
from jupyter_sysdesign.grading.turns import Turns
with Turns().taken(lambda: None):
    print("measures", flush=True)
    sys.stdin.readline()
"""


def test_a_timed_check_waits_for_its_turn_and_that_is_not_its_time(
    turns: Path, variant: Callable[[str], Path], client: ControlClient
):
    mine = variant(TIMED)
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    heard: list[dict[str, Any]] = []
    with subprocess.Popen([sys.executable, "-c", HOLDS], **pipes) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdout.readline()

        def hear(said: dict[str, Any]) -> None:
            heard.append(said)
            if "waits" in said:
                time.sleep(1.5)  # longer than the check may take
                other.kill()

        found = run_checker(mine, 1, hear=hear)
    assert statuses(found) == {"counted": "passed", "timed": "passed"}, found.checks
    assert [next(iter(each)) for each in heard] == [
        *("environment", "running", "check", "running", "waits", "check")
    ]
    assert nothing_is_left(client)


ALIKE = """
from jupyter_sysdesign.grading.checks import undisturbed

@check("alike", title="Alike", points=1, kind="slo")
def alike(ctx):
    system = ctx.system
    system.http.get("/seen")
    loaded = undisturbed(lambda: system.load("steady"))
    system.http.get("/items?category=category-1")
    system.http.post("/items", json={"category": "category-1", "price": 7})
    seen = {tuple(map(str, each)) for each in system.http.get("/seen").json()}
    told = {(each.name, str(each.sent), str(each.said)) for each in loaded.told}
    return Outcome.is_true(len(seen) == 2 and len(told) > 2, f"{seen} {told}", "", "No.")
"""

WATCHFUL_APP = """
from fastapi import FastAPI, Request
app = FastAPI()
seen = []
@app.get("/health")
def health():
    return {}
@app.get("/metrics")
def metrics():
    return ""
@app.get("/seen")
def what_was_seen():
    return seen
@app.api_route("/items", methods=["GET", "POST"], status_code=201)
async def items(request: Request):
    headers = [[name.decode(), value.decode()] for name, value in request.headers.raw]
    body = (await request.body()).decode().replace("category-2", "category-1")
    seen.append([request.method, headers, body.replace("category-3", "category-1")])
    return {"asked": str(request.url.query)}
"""


@pytest.mark.measures
def test_what_a_check_asks_looks_like_load(variant: Callable[[str], Path], client: ControlClient):
    mine = variant(ALIKE)
    write(mine, WATCHFUL_APP, "app/server.py")
    found = run_checker(mine, 1)
    assert found.status is Status.PASSED, found.checks[0].measured or found.checks[0].why


@pytest.mark.parametrize(
    ("only", "refusal"), [(["nothing"], NotFoundError), ([], InvalidRequestError)]
)
def test_a_check_that_is_not_there_is_refused(
    client: ControlClient, mine: Path, only: list[str], refusal: type[Exception]
):
    environment = client.create_environment(str(mine), start=False)
    with pytest.raises(refusal):
        client.check(environment.id, only=only)
    client.delete(environment.id)


def test_the_learner_sees_the_verdict_in_their_progress(client: ControlClient, mine: Path):
    environment = client.create_environment(str(mine))
    client.wait(environment.id)
    client.sql(environment.id, "CREATE INDEX by_hand ON items (price)")
    verdict = client.check(environment.id, seed=7, only=QUICK)
    assert statuses(verdict) == {"index-on-category": "failed", "new-item-shows": "passed"}
    assert verdict.drift is not None
    assert any("by_hand" in each for each in verdict.drift.differences)
    progress = client.workspace(mine)
    assert progress.checks_passed == 1
    assert progress.solutions
    events = [each.type.value for each in heard_until(client, environment.id, "verdict")]
    assert events.count("check.result") == 2


def heard_until(client: ControlClient, environment: str, last: str) -> list[Any]:
    heard = []
    for event in client.events(environment):
        heard.append(event)
        if event.type.value == last:
            break
    return heard


def test_a_checker_that_is_killed_leaves_nothing(client: ControlClient, mine: Path):
    environment = client.create_environment(str(mine), start=False)

    def kill() -> None:
        while not (found := checkers()):
            time.sleep(0.02)
        while not list((paths.home() / "checks").glob("*/submission/app")):
            time.sleep(0.02)
        os.kill(found[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    verdict = client.check(environment.id, seed=7)
    killer.join()
    assert verdict.status is Status.UNKNOWN
    client.delete(environment.id)
    # What it asked for with its last breath may arrive after the verdict, and is given up then.
    until = time.monotonic() + 30
    while not nothing_is_left(client) and time.monotonic() < until:
        time.sleep(0.05)
    assert nothing_is_left(client)
