"""The gate of the tiny lesson, as it is and with each of its claims broken."""

from __future__ import annotations

import os
import shutil
import signal
import time
from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign import paths
from jupyter_sysdesign.control.client import ControlClient
from jupyter_sysdesign.curriculum.catalogue import Catalogue, Lesson
from jupyter_sysdesign.errors import InvalidFileError
from jupyter_sysdesign.grading import overlay
from jupyter_sysdesign.grading.gate import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def lesson(home: Path, curriculum: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lesson]:
    """A copy of the tiny lesson, to be spoilt; its control plane ends with the test."""
    root = home.parent / "curriculum"
    for kind in ("environments", "notebooks"):
        shutil.copytree(curriculum / kind / "tiny", root / kind / "tiny")
    monkeypatch.setenv("SYSDESIGN_CURRICULUM", str(root))
    with ControlClient() as client:
        pid = client.info().pid
        yield Catalogue().lesson("tiny")
    os.kill(pid, signal.SIGTERM)
    while paths.control_socket().exists():
        time.sleep(0.02)


@pytest.mark.gate
@pytest.mark.alone
def test_the_gate_of_the_tiny_lesson_holds(lesson: Lesson):
    said: list[str] = []
    result = verify(lesson, repeat=2, progress=said.append)
    assert result.passed, "\n".join(said)
    document = result.as_json()
    assert document["gate"] == {
        "untouched_fails": True,
        "reference_passes": True,
        "cheats_fail": True,
        "alternatives_pass": True,
        "infrastructure_unknown": True,
    }
    kinds = [each["kind"] for each in document["variants"]]
    assert kinds == ["untouched", "reference", "alternative", *["cheat"] * 3, "infrastructure"]
    reference = document["variants"][1]
    assert [each["status"] for each in reference["attempts"]] == ["passed", "passed"]
    assert len({each["seed"] for each in reference["attempts"]}) == 2
    assert list((paths.home() / "checks").iterdir()) == []
    assert list(paths.instances().iterdir()) == []


@pytest.mark.gate
@pytest.mark.alone
def test_each_claim_can_break(lesson: Lesson):
    environment = lesson.environment
    yaml = lesson.notebooks / "lesson.yaml"
    yaml.write_text(yaml.read_text().replace("no index begins with", "the moon stands in"))
    # The reference is slow, the alternative makes a mistake, one cheat is a good fix, another one
    # does not even run.
    (sleepy,) = (each for each in overlay.cheats(lesson) if each.name == "cheats/sleepy")
    (environment / "solution" / "app").mkdir()
    slow = environment / "solution" / "app" / "server.py"
    slow.write_bytes(sleepy.files["app/server.py"])
    alternative = environment / "alternatives" / "covering" / "migrations" / "001-covering.sql"
    alternative.write_text("CREATE INDEX ON nothing (id);\n")
    cheat = environment / "cheats" / "index-everything" / "migrations" / "001-all.sql"
    cheat.write_text("CREATE INDEX ON items (category);\n")
    (environment / "cheats" / "constant" / "app" / "server.py").write_text("def broken(:\n")
    result = verify(Catalogue().lesson("tiny"))
    assert not result.passed
    assert result.gate == {
        "untouched_fails": False,
        "reference_passes": False,
        "cheats_fail": False,
        "alternatives_pass": False,
        "infrastructure_unknown": True,
    }
    problems = {each.name: " ".join(each.problems) for each in result.variants}
    assert "but not because" in problems["untouched"]
    assert "keeps-serving failed" in problems["solution"]
    assert "nothing" in problems["alternatives/covering"]
    assert "few-indexes passed" in problems["cheats/index-everything"]
    assert "does not even run" in problems["cheats/constant"]
    assert problems["cheats/sleepy"] == ""


@pytest.mark.gate
@pytest.mark.alone
def test_what_is_not_there_proves_nothing(lesson: Lesson):
    for kind in ("solution", "cheats", "alternatives"):
        shutil.rmtree(lesson.environment / kind)
    result = verify(lesson)
    assert result.gate == {
        "untouched_fails": True,
        "reference_passes": False,
        "cheats_fail": False,
        "alternatives_pass": False,
        "infrastructure_unknown": False,
    }


KEEPING = """name: tiny
services:
  cache:
    image: sysdesign/valkey:9
    command: ["valkey-server", "--requirepass", "${SYSDESIGN_PASSWORD_CACHE}"]
    deploy: {resources: {limits: {cpus: "0.5", memory: 128M}}}
  app:
    image: sysdesign/python:3
    working_dir: /app
    command: ["uvicorn", "server:app", "--host", "0.0.0.0", "--port", "8000"]
    environment: {CACHE_URL: "redis://:${SYSDESIGN_PASSWORD_CACHE}@cache:6379/0"}
    volumes: ["./app:/app:ro"]
    ports: ["8000"]
    depends_on: {cache: {condition: service_healthy}}
    deploy: {resources: {limits: {cpus: "0.5", memory: 512M}}}
"""
#: The same without the cache.
FORGETTING = """name: tiny
services:
  app:
    image: sysdesign/python:3
    working_dir: /app
    command: ["uvicorn", "server:app", "--host", "0.0.0.0", "--port", "8000"]
    volumes: ["./app:/app:ro"]
    ports: ["8000"]
    deploy: {resources: {limits: {cpus: "0.5", memory: 512M}}}
"""
COUNTS = """
import os
import redis
from fastapi import FastAPI
app = FastAPI()
url = os.environ.get("CACHE_URL")
cache = redis.Redis.from_url(url, socket_timeout=2) if url else None
asked = 0
@app.get("/health")
def health():
    return {}
@app.get("/count")
def count():
    global asked
    asked = cache.incr("asked") if cache else asked + 1
    return asked
"""
CHECKS = """
import time
from jupyter_sysdesign.grading.checks import Outcome, check
@check("counts", title="It counts", points=1, kind="correctness")
def counts(ctx):
    right = 0
    while right < 99 and ctx.system.http.get("/count").text == str(right + 1):
        right += 1
        time.sleep(0.02)
    return Outcome.at_least(right, 99, "answers", why_failed="It lost count.")
"""


def without_a_database(lesson: Lesson, compose: str, checks: str) -> None:
    """Make of the lesson one in which an app has to count."""
    environment, yaml = lesson.environment, lesson.notebooks / "lesson.yaml"
    for kind in ("solution", "cheats", "alternatives", "db"):
        shutil.rmtree(environment / kind)
    (environment / "compose.yaml").write_text(compose)
    (environment / "checks.py").write_text(checks)
    (environment / "app" / "server.py").write_text(COUNTS.replace("/count", "/other"))
    (environment / "solution" / "app").mkdir(parents=True)
    (environment / "solution" / "app" / "server.py").write_text(COUNTS)
    head, *_ = yaml.read_text().partition("untouched:")
    yaml.write_text(f"{head}untouched: {{fails: [{{check: counts, because: lost count}}]}}\n")


@pytest.mark.gate
@pytest.mark.alone
@pytest.mark.parametrize(
    ("compose", "killed"),
    [(KEEPING, ["cache killed during the check"]), (FORGETTING, [])],
    ids=["a cache", "neither"],
)
def test_a_lesson_without_a_database_passes(lesson: Lesson, compose: str, killed: list[str]):
    without_a_database(lesson, compose, CHECKS)
    said: list[str] = []
    result = verify(Catalogue().lesson("tiny"), progress=said.append)
    claims = {"untouched_fails", "reference_passes", "infrastructure_unknown"}
    gate = {claim: held for claim, held in result.gate.items() if claim in claims}
    holds = dict.fromkeys(claims, True)
    if not killed:
        holds["infrastructure_unknown"] = None
    assert gate == holds, "\n".join(said)
    assert [each.name for each in result.variants if each.kind == "infrastructure"] == killed


BUSY = """
from pathlib import Path
from jupyter_sysdesign.grading.checks import CannotTell, Outcome, check
@check("counts", title="It counts", points=1, kind="correctness")
def counts(ctx):
    if ctx.system.http.get("/count").text != "1":
        return Outcome.is_true(False, "nothing", "1", why_failed="It lost count.")
    tries = Path(__file__).with_name("tries")
    tries.open("a").write("x")
    if tries.stat().st_size <= TIMES:
        raise CannotTell("This machine is busy.")
    return Outcome.is_true(True, "1", "1", why_failed="")
"""


@pytest.mark.gate
@pytest.mark.alone
@pytest.mark.parametrize(
    ("times", "tries"), [(1, ["unknown", "passed"]), (9, ["unknown", "unknown"])]
)
def test_what_could_not_be_decided_is_tried_once_more(lesson: Lesson, times: int, tries: list[str]):
    without_a_database(lesson, FORGETTING, BUSY.replace("TIMES", str(times)))
    said: list[str] = []
    result = verify(Catalogue().lesson("tiny"), progress=said.append)
    (reference,) = (each for each in result.as_json()["variants"] if each["kind"] == "reference")
    assert [each["status"] for each in reference["attempts"]] == tries
    assert reference["held"] is (tries[-1] == "passed"), "\n".join(said)
    assert any("This machine is busy. Once more" in each for each in said)


def test_an_empty_compose_file_is_said_at_once(lesson: Lesson):
    (lesson.environment / "compose.yaml").write_text("")
    said: list[str] = []
    with pytest.raises(InvalidFileError, match=r"compose\.yaml"):
        verify(Catalogue().lesson("tiny"), progress=said.append)
    assert said == []


def test_traffic_that_is_none_is_said_at_once_and_with_its_line(lesson: Lesson):
    (lesson.environment / "load.yaml").write_text("browse:\n  connections: 4\n")
    with pytest.raises(InvalidFileError, match=r"environments/tiny/load\.yaml:1: browse"):
        verify(lesson)
