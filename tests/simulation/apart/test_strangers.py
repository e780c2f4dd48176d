"""Whatever a learner's file does, it does to its own servers."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from jupyter_sysdesign.simulation.apart.servers import Apart
from jupyter_sysdesign.simulation.faults import Fault, Trigger
from jupyter_sysdesign.simulation.judge import judge
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.protocols.raft.cluster import Cluster
from jupyter_sysdesign.simulation.protocols.raft.suite import RAFT
from jupyter_sysdesign.simulation.server_file import loaded
from jupyter_sysdesign.simulation.trace import Trace
from jupyter_sysdesign.simulation.units import MS

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.verdict import Outcome

FILE = """
import enum, os, time
from typing import NamedTuple
from jupyter_sysdesign.simulation.node import Node

SEEN = []

class Colour(enum.Enum):
    RED = 1

class Kind(str, enum.Enum):
    A = "a"

class Level(enum.IntEnum):
    LOW = 2 ** 70

class Letter(NamedTuple):
    colour: Colour
    numbers: set

class Count(int):
    pass

class Mine(Node):
    def on_start(self):
        self.ctx.set_timer("now", 1000 * self.ctx.id)

    def on_message(self, src, message):
        self.ctx.note("heard", words=f"{message!r} {type(message) is Letter}")

    def on_timer(self, name):
        DOES
"""
UNTOUCHED = Path(__file__).parents[3] / "environments/lab-raft/raft.py"


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Play a short run with servers of a file; return what it came to, and its record."""
    monkeypatch.chdir(tmp_path)

    def play_it(does: str, **options: Any) -> tuple[Outcome, Trace]:
        file = tmp_path / "mine.py"
        file.write_text(FILE.replace("DOES", does))
        trace = Trace()
        strikes = {each: options.pop(each, ()) for each in ("faults", "triggers")}
        plan = Plan(1, duration_us=50 * MS, **strikes)
        with Apart(file, **{"run_s": 0.3, **options}) as apart:
            outcome = play(plan, apart, Bare(), trace=trace)
        assert at_home(tmp_path) == [os.getpid()]
        return outcome, trace

    return play_it


def at_home(folder: Path) -> list[int]:
    """Return who is in a folder, the processes of a test in there, once all that ended are gone."""
    until = time.monotonic() + 10
    while True:
        everyone = psutil.process_iter(["pid", "cwd"])
        found = [each.info["pid"] for each in everyone if each.info["cwd"] == str(folder)]
        if len(found) == 1 or time.monotonic() > until:
            return found
        time.sleep(0.02)


class Bare(Cluster):
    """A cluster without rules, whose end says nothing."""

    def build(self, *given: Any, **options: Any) -> Any:
        return super().build(*given, **{**options, "rules": False})

    def finish(self, plan: Any, world: Any) -> str:
        return ""


def notes(trace: Trace, kind: str) -> list[Any]:
    return [each["words"] for each in trace.lines if each["kind"] == kind]


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("while True: pass", "OutOfTime: it was still running in on_timer, line 32 of mine.py"),
        ("raise ValueError('no')", "ValueError: no (line 32 of mine.py)"),
        ("raise SystemExit(1)", "SystemExit: 1"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("os._exit(3)", "the process ended in the middle of a run"),
        ("os.fork()", "may not start processes"),
        ("os.kill(os.getppid(), 9)", "may not signal processes"),
        ("open('here', 'w')", "may not write files"),
        ("bytearray(4 << 30)", "MemoryError"),
        ("self.on_timer(name)", "RecursionError"),
        ("os.closerange(0, 200)", "the process ended in the middle of a run"),
        ("[os.write(n, b'xxxx' * 9) for n in range(3, 99)]", "raised"),
        ("self.ctx.send(2, lambda: 0)", "a function cannot be sent: it is no plain value (line 32"),
        ("self.ctx.send(2, Count(3))", "a Count cannot be sent: it is no plain value"),
        ("self.ctx.send(9, 'x')", "ValueError: there is no node 9 to send to (line 32 of mine.py)"),
        ("self.ctx.set_timer('x', 0.5)", "TypeError"),
        ("self.ctx._world.contexts", "has no attribute '_world'"),
        ("self.ctx.disk.append('log', time)", "cannot pickle 'module' object (line 32 of mine.py)"),
    ],
)  # fmt: skip
def test_what_a_server_does_ends_its_run(played, does: str, said: str):
    outcome, _ = played(does)
    assert outcome.status == "failed"
    assert outcome.violation is not None
    assert said in outcome.violation.why
    assert "S1" in outcome.violation.why


def test_a_file_that_cannot_be_read_ends_its_run(played, tmp_path):
    outcome, _ = played("1 +")
    assert "InvalidFileError" in outcome.violation.why
    with Apart(tmp_path / "nowhere.py") as apart:
        outcome = play(Plan(1), apart, Bare())
    assert "nowhere.py cannot be read" in outcome.violation.why


def test_the_order_of_a_set_is_the_same_in_every_process(played):
    letters = "{'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'}"
    traces = [played(f"self.ctx.note('seen', words=list({letters}))")[1] for _ in range(2)]
    assert traces[0].hash == traces[1].hash


def test_servers_have_nothing_in_common(played):
    outcome, trace = played("self.ctx.note('seen', words=len(SEEN)); SEEN.append(1)")
    assert outcome.status == "passed"
    assert notes(trace, "seen") == [0] * 5


def test_a_crash_takes_all_but_what_is_on_the_disk(played):
    does = """disk = self.ctx.disk
        self.ctx.note("seen", words=(len(SEEN), disk.read("count", 0), disk.read("lost")))
        SEEN.append(1)
        disk.write("count", disk.read("count", 0) + 1)
        disk.sync()
        disk.write("lost", True)"""
    crash = Fault("crash", 20 * MS, 1, 5 * MS, {"kept": 0})
    _, trace = played(does, faults=(crash,))
    mine = [each["words"] for each in trace.lines if each["kind"] == "seen" and each["node"] == 1]
    assert mine == [[0, 0, None], [0, 1, None]]


def test_values_of_the_files_own_classes_are_on_the_disk_after_a_crash(played):
    does = """disk = self.ctx.disk
        colour, numbers = disk.read("letter", Letter(Colour.RED, frozenset()))
        self.ctx.note("seen", words=f"{colour!r} {sorted(numbers)}")
        disk.write("letter", Letter(colour, frozenset({7, *numbers})))
        disk.sync()"""
    crash = Fault("crash", 20 * MS, 1, 5 * MS, {"kept": 0})
    _, trace = played(does, faults=(crash,))
    mine = [each["words"] for each in trace.lines if each["kind"] == "seen" and each["node"] == 1]
    assert mine == ["<Colour.RED: 1> []", "<Colour.RED: 1> [7]"]


def test_messages_of_the_files_own_classes_arrive_as_they_were_sent(played):
    _, trace = played("self.ctx.send(self.ctx.id % 5 + 1, Letter(Colour.RED, {2, 1}))")
    assert notes(trace, "heard") == ["Letter(colour=<Colour.RED: 1>, numbers={1, 2}) True"] * 5


@pytest.mark.parametrize(
    "outlives",
    [
        "finally: disk.sync()",
        "except BaseException: disk.sync()",
        "except BaseException: disk.write('after', 1)",
        "except BaseException: self.ctx.send(self.ctx.id % 5 + 1, 'after')",
        "except BaseException: self.ctx.note('after', words=1)",
        "except BaseException: pass",
        "except BaseException: raise ValueError",
    ],
)
def test_nothing_is_done_after_the_power_was_cut(played, tmp_path, outlives):
    """Together and apart: no ``finally`` brings to the disk what was lost."""
    does = f"""disk = self.ctx.disk
        self.ctx.note("seen", words=(disk.read("count", 0), self.ctx.random.random()))
        self.ctx.set_timer("now", 5000)
        try:
            disk.write("count", disk.read("count", 0) + 1)
        {outlives}"""
    crash = Fault("crash", 0, "it", 4 * MS, {"kept": 0})
    options = {"triggers": (Trigger("wrote", (crash,), skip=4, every=3, times=9),)}
    outcome, trace = played(does, **options)
    together = Trace()
    plan = Plan(1, duration_us=50 * MS, **options)
    assert play(plan, loaded(tmp_path / "mine.py"), Bare(), trace=together) == outcome
    assert outcome.status == "passed"
    assert [line for line in trace.lines if line["kind"] == "restarted"]
    assert together.lines == trace.lines


@pytest.mark.parametrize(
    "fields",
    [
        ("class", "x"),
        ("x", "x"),
        ("__class__", "_make"),
        ("1", "x;y"),
        ("\ufb01", "fi"),
        ("x" * 5000, "y"),
    ],
    ids=lambda fields: ascii(fields)[:20],
)
def test_names_that_no_field_can_have_are_names_all_the_same(played, fields):
    outcome, trace = played(
        f"Letter._fields = {fields!r}; Colour.RED._name_ = '__class__'\n"
        "        self.ctx.note('seen', words=Letter(Colour.RED, 2))"
    )
    assert outcome.status == "passed"
    said = dict(zip(fields, ("Colour.__class__", 2), strict=True))
    assert notes(trace, "seen") == [{"type": "Letter", **said}] * 5


@pytest.mark.parametrize(
    "value",
    [
        2**64,
        -(2**200),
        True,
        0.1,
        b"\xff\x00",
        "half an emoji \ud83d",
        (),
        ([], {(1, 2): None}, frozenset({"3"}), {4}),
    ],
    ids=ascii,
)
def test_values_arrive_as_they_were_sent(played, value):
    _, trace = played(f"self.ctx.send(self.ctx.id % 5 + 1, {value!r})")
    assert notes(trace, "heard") == [f"{value!r} False"] * 5


def test_members_that_are_text_or_numbers_arrive_as_they_were_sent(played):
    does = "self.ctx.send(self.ctx.id % 5 + 1, (Kind.A, Level.LOW, {Kind.A: 1}))"
    _, trace = played(does)
    said = "(<Kind.A: 'a'>, <Level.LOW: 1180591620717411303424>, {<Kind.A: 'a'>: 1}) False"
    assert notes(trace, "heard") == [said] * 5


def test_a_run_is_not_decided_by_what_is_put_in_the_place_of_the_verdict(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "import jupyter_sysdesign.simulation.play as played\n"
        "from jupyter_sysdesign.simulation.verdict import Outcome\n"
        "played.Outcome = lambda status, found, *counts: Outcome('passed', None, *counts)\n"
        + UNTOUCHED.read_text()
    )
    report = judge(Apart(file, ["raft.messages"]), RAFT, seeds=2, only=["agreement"], workers=1)
    assert report.status == "failed"


def test_where_no_process_can_be_started_nothing_is_known(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(UNTOUCHED.read_text())
    apart = Apart(file, ["raft.messages"], boxed=lambda _: ["/bin/false"])
    report = judge(apart, RAFT, seeds=2, only=["agreement"], workers=1)
    assert report.status == "unknown"
    assert "could be started" in report.scenarios[0].unknown.why


def test_the_judge_ends_all_that_a_judged_server_leaves(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "mine.py"
    sleeps = "\n    def on_start(self):\n        time.sleep(600)\n"
    file.write_text(FILE.replace("DOES", "pass") + sleeps)
    report = judge(Apart(file), RAFT, seeds=2, only=["agreement"], workers=1, run_s=0.5)
    assert "did not answer within" in report.failure.why
    assert at_home(tmp_path) == [os.getpid()]


GROWS = """
BIG = b"x" * (8 << 20)

def grow(self, name=""):
    self.ctx.disk.append("log", BIG)
    if len(self.ctx.disk.log("log")) < 20:
        self.ctx.set_timer("more", 1)

Raft.on_start = Raft.on_timer = grow
"""


def test_what_servers_have_the_world_keep_is_bounded_too(tmp_path):
    """To the server it is one text, and to the world a new one each time."""
    file = tmp_path / "mine.py"
    file.write_text(UNTOUCHED.read_text() + GROWS)
    apart = Apart(file, ["raft.messages"])
    report = judge(apart, RAFT, seeds=2, only=["agreement"], workers=1, memory_bytes=256 << 20)
    assert report.failure.rule == "limits"
    assert "emory" in report.failure.why
