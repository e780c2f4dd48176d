"""What follows from the course key in every lesson: other keys, other numbers; told to nobody."""

from __future__ import annotations

import ast
import base64
import itertools
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_sysdesign.curriculum.catalogue import Catalogue, shipped
from jupyter_sysdesign.grading.course import course as courses
from jupyter_sysdesign.grading.course import orders
from jupyter_sysdesign.grading.loading import load_checks
from jupyter_sysdesign.grading.system import derive
from jupyter_sysdesign.load.profile import load_profiles
from jupyter_sysdesign.load.requests import RequestStream
from jupyter_sysdesign.load.target import Target
from jupyter_sysdesign.simulation.judge.suite import Suite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_sysdesign.curriculum.catalogue import Lesson

CATALOGUE = Catalogue([shipped()])
LESSONS = [each.id for each in CATALOGUE.lessons()]
KEYS = b"\x01" * 32, b"\x02" * 32
WORK = {"app/server.py": b"the one's"}, {"app/server.py": b"the other's"}

#: Checks in which nothing is asked that could be known before: they look at the whole of something,
#: or (lab-consistency) the learner writes what is looked at, and a rule decides.
NOTHING_TO_KNOW = {
    "t1-01-diagnosing-failures": {"timeline-reads", "data-intact", "write-cost"},
    "t1-02-indexes": {"disk", "data-intact"},
    "t1-03-connection-pooling": {"data-intact"},
    "t1-04-horizontal-scaling": {"machines", "cores"},
    "lab-consistency": {"real-time", "program-order", "happened-before", "sessions"},
}


def seeds(lesson: str) -> list[int]:
    """Return the hidden seeds of two learners' work under two course keys."""
    digests = [orders.digest_of(each) for each in WORK]
    return [orders.seed_of(*each) for each in itertools.product(KEYS, [lesson], digests)]


def module(lesson: Lesson) -> Any:
    load_checks(lesson)
    return sys.modules[f"sysdesign_checks_{lesson.id.replace('-', '_')}"]


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_key_and_every_submission_has_seeds_of_its_own(lesson: str):
    hidden = seeds(lesson)
    of_checks = [derive(each, check.id) for each in hidden
                 for check in load_checks(CATALOGUE.lesson(lesson))]  # fmt: skip
    assert len({*hidden, *of_checks}) == len(hidden) + len(of_checks)
    assert min(*hidden, *of_checks) > 2**32, "within reach of trying"


@pytest.mark.parametrize("lesson", [each for each in LESSONS if not each.startswith("lab-")])
def test_other_seeds_send_other_requests(lesson: str):
    for name, profile in load_profiles(CATALOGUE.lesson(lesson).environment / "load.yaml").items():
        schedules = set()
        for seed in seeds(lesson):
            plan = profile.plan(Target("127.0.0.1", 80), seed=derive(seed, name))
            stream = RequestStream(
                plan["mix"], plan["parameters"], range(len(plan["mix"])),
                seed=plan["seed"], authority="shop",
            )  # fmt: skip
            schedules.add(tuple(stream.next()))
        assert len(schedules) == len(KEYS) * len(WORK), name


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_check_that_asks_for_something_asks_by_the_hidden_seed(lesson: str):
    found = CATALOGUE.lesson(lesson)
    tree = ast.parse((found.environment / "checks.py").read_text())
    functions = {each.name: each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}
    by_name = {each.function.__name__: each.id for each in load_checks(found)}
    fixed = {check for name, check in by_name.items() if not _draws(name, functions)}
    assert fixed == NOTHING_TO_KNOW.get(lesson, set())


def _draws(name: str, functions: dict[str, ast.FunctionDef]) -> bool:
    """Tell whether a function, or one that it mentions, uses what is derived from the seed."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        this = waiting.pop()
        seen.add(this)
        for each in ast.walk(functions[this]):
            if isinstance(each, ast.Attribute) and each.attr in ("random", "seed", "load", "holds"):
                return True
            if isinstance(each, ast.Name) and each.id in functions and each.id not in seen:
                waiting.append(each.id)
    return False


@pytest.mark.parametrize("lesson", LESSONS)
def test_no_check_draws_from_anything_else(lesson: str):
    """``random.Random`` is made from something that was drawn; nobody else's chance is used."""
    tree = ast.parse((CATALOGUE.lesson(lesson).environment / "checks.py").read_text())
    modules = {each.name for one in ast.walk(tree) if isinstance(one, ast.Import)
               for each in one.names}  # fmt: skip
    for each in ast.walk(tree):
        if isinstance(each, ast.Call):
            called = ast.unparse(each.func)
            assert not called.startswith(("secrets.", "uuid.", "os.urandom")), called
            if called in ("random.Random", "Random"):
                assert each.args, "a seed is missing"
                assert not isinstance(each.args[0], ast.Constant), ast.unparse(each)
            elif called.partition(".")[0] in modules & {"random"}:
                pytest.fail(f"{called} is not held out")


@pytest.mark.parametrize("lesson", [each for each in LESSONS if each.startswith("lab-")])
def test_other_seeds_play_other_runs(lesson: str):
    checks = module(CATALOGUE.lesson(lesson))
    suites = [each for each in vars(checks).values() if isinstance(each, Suite)]
    for suite, scenario in [(one, each) for one in suites for each in one.scenarios]:
        public = {repr(scenario.plan(seed)) for seed in suite.seeds(scenario, 300)}
        runs: list[str] = []
        for seed in seeds(lesson):
            secret = derive(seed, scenario.name).to_bytes(16, "big")
            drawn = suite.seeds(scenario, 20, secret)
            assert min(drawn) > 10**6, "within reach of what a learner plays at home"
            runs += [repr(scenario.plan(each)) for each in drawn]
        assert len({*runs} | public) == len(runs) + len(public), (suite.name, scenario.name)
    if lesson == "lab-cap":
        cuts = [checks.cuts(SimpleNamespace(seed=each), run) for each in seeds(lesson)
                for run in range(20)]  # fmt: skip
        assert len(set(map(repr, cuts))) == len(cuts)


def test_what_is_handed_out_holds_neither_the_key_nor_what_follows_from_it(
    home: Path, tmp_path: Path
):
    lessons = [CATALOGUE.lesson(each) for each in LESSONS]
    made = courses.init(tmp_path / "c", lessons, exchange=tmp_path / "exchange")
    hidden = [
        *forms(made.key),
        *(str(seed).encode() for each in LESSONS for seed in derived(made, each)),
    ]
    for file in handed_out(made.folder):
        content = file.read_bytes()
        assert not [each for each in hidden if each in content], file


def derived(course: courses.Course, lesson: str) -> Iterator[int]:
    """Yield the seed of the lesson's untouched files, and those of each check."""
    found = CATALOGUE.lesson(lesson)
    seed = orders.read("ann", found, course.folder / "source" / lesson, course.key).seed
    yield seed
    for check in load_checks(found):
        yield derive(seed, check.id)


def forms(key: bytes) -> list[bytes]:
    return [key, key.hex().encode(), base64.b64encode(key), repr(key).encode()]


def handed_out(course: Path) -> list[Path]:
    return [
        each
        for each in course.rglob("*")
        if each.is_file() and courses.OWN not in each.relative_to(course).parts[:1]
    ]
