"""A cohort graded for real, killed in the middle and resumed; every verdict as it must be.

One job grades a third; then ``sysdesign grade`` is killed with signal 9, and goes on (of the small
lesson, with two jobs).

    python benchmarks/cohort.py                 100 submissions of the tests' small lesson
    python benchmarks/cohort.py --lesson t1-02-indexes --only untouched,solution,cheats/unlogged
    python benchmarks/cohort.py --folder /tmp/cohort --for 150    150 s at most; again: goes on
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_sysdesign.curriculum.catalogue import Lesson

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests"
SMALL = "tiny"
_LOOK_S = 0.5

#: How often each kind is in the cohort of the small lesson; an attack comes twice, which makes 32.
_TIMES = {"untouched": 10, "solution": 20, "alternatives": 12, "cheats": 6, "broken": 4}
_BROKEN = {
    "broken/syntax": ("app/server.py", "def unfinished(:\n"),
    "broken/sql": ("migrations/001.sql", "CREATE INDEX ON itms (category);\n"),
}


def prepare(folder: Path, lesson: Lesson, only: list[str]) -> dict[str, dict[str, Any]]:
    """Make the course and hand in; return what each student's verdict must be."""
    _run(folder, "course", "init", "course", "--lessons", lesson.id)
    course = folder / "course"
    _run(course, "-m", "nbgrader", "generate_assignment", lesson.id, "--log-level=ERROR")
    pristine = course / "release" / lesson.id
    kinds = _kinds(folder, lesson, pristine)
    wanted = [each for each in kinds if each in only] or _cohort(list(kinds))
    random.Random(1).shuffle(wanted)  # noqa: S311 (any order that is the same each time)
    expected = {}
    for number, kind in enumerate(wanted, 1):
        student = f"s{number:03}"
        (course / "submitted" / student).mkdir(parents=True)
        target = course / "submitted" / student / lesson.id
        # Links, a pipe and files with holes have to arrive as what they are.
        subprocess.run(["/bin/cp", "-a", str(folder / "kinds" / kind), str(target)], check=True)
        expected[student] = {"kind": kind, **kinds[kind]}
    return expected


def _cohort(kinds: list[str]) -> list[str]:
    return [each for each in kinds for _ in range(_TIMES.get(each.partition("/")[0], 2))]


def _kinds(folder: Path, lesson: Lesson, pristine: Path) -> dict[str, dict[str, Any]]:
    """Make one folder for each kind of submission; return what must come of it."""
    from jupyter_sysdesign.grading import overlay

    made = folder / "kinds"
    kinds: dict[str, dict[str, Any]] = {"untouched": {"status": "failed"}}
    shutil.copytree(pristine, made / "untouched")
    good = [each for each in [overlay.solution(lesson)] if each] + overlay.alternatives(lesson)
    for variant in (*good, *overlay.cheats(lesson)):
        shutil.copytree(pristine, made / variant.name)
        for relative, content in variant.files.items():
            path = made / variant.name / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        cheat = variant.cheat
        kinds[variant.name] = {"fails": cheat.check} if cheat else {"status": "passed"}
    if lesson.id == SMALL:
        from grading.course.attacks import write_all

        for name, (path, text) in _BROKEN.items():
            shutil.copytree(pristine, made / name)
            (made / name / path).write_text(text)
            kinds[name] = {"status": "failed", "most": 0}
        secret = folder / "course" / "secret.txt"
        secret.write_text("SECRET-OF-THE-COURSE\n")
        for name, most in write_all(folder / "attacks", pristine, secret).items():
            (made / "attacks").mkdir(exist_ok=True)
            (folder / "attacks" / name / lesson.id).rename(made / "attacks" / name)
            kinds[f"attacks/{name}"] = {"most": most}
    return kinds


class Grader:
    """One ``sysdesign grade``, watched."""

    def __init__(self, course: Path, lesson: str, jobs: int) -> None:
        self._results = course / ".sysdesign" / "results" / lesson
        self._before = self._graded()
        self.jobs = jobs
        self.began = time.time()
        command = [sys.executable, "-m", "jupyter_sysdesign", "grade", lesson, "--resume"]
        self._log = (course.parent / "grade.log").open("ab")
        self._process = subprocess.Popen(
            [*command, "--json", "--jobs", str(jobs)],
            cwd=course, stdout=self._log, stderr=self._log,
        )  # fmt: skip
        self._me = psutil.Process(self._process.pid)
        self.grader_bytes = self.all_bytes = 0

    def _graded(self) -> dict[str, float]:
        """Return when each submission was graded; one that came to unknown is not."""
        known = {path.stem: json.loads(path.read_text()) for path in self._results.glob("*.json")}
        return {
            student: each["graded_at"]
            for student, each in known.items()
            if each["verdict"]["status"] != "unknown"
        }

    def done(self) -> list[float]:
        """Return when each submission was graded that was not before, in order."""
        return sorted(at for who, at in self._graded().items() if who not in self._before)

    def watch(self, until: float, enough: int) -> bool:
        """Watch until the time is over or ``enough`` are done; return whether it ended before."""
        while time.time() < until and len(self.done()) < enough:
            if self._process.poll() is not None:
                return True
            with contextlib.suppress(psutil.Error):
                self.grader_bytes = max(self.grader_bytes, self._me.memory_full_info().uss)
                tree = [self._me, *self._me.children(recursive=True), *_contained()]
                self.all_bytes = max(self.all_bytes, sum(map(_pss, tree)))
            time.sleep(_LOOK_S)
        return self._process.poll() is not None

    def kill(self) -> int:
        """Kill it with signal 9; return how many of its processes were there 20 s later.

        And of its containers; on the first rung jobs are in some.
        """
        below = [*self._me.children(recursive=True), *_contained()]
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()
        return len(psutil.wait_procs(below, timeout=20)[1]) + len(_containers())

    def close(self) -> dict[str, Any]:
        """Return what was seen."""
        self._log.close()
        done = self.done()
        apart = done[-1] - done[0] if len(done) > 1 else 0.0
        now = self._graded()
        again = sum(now[who] != at for who, at in self._before.items())
        return {
            "jobs": self.jobs,
            "kept": len(self._before),
            "graded": len(done),
            "again": again,
            "first_after_s": round(done[0] - self.began, 1) if done else None,
            "per_minute": round((len(done) - 1) / apart * 60, 1) if apart else None,
            "grader_mib": round(self.grader_bytes / 2**20, 1),
            "all_mib": round(self.all_bytes / 2**20),
            "load": round(os.getloadavg()[1], 1),
            "exit": self._process.returncode,
        }


def _contained() -> list[psutil.Process]:
    """Return the processes in the grader's containers, which are no children of it."""
    found = []
    for each in _containers():
        with contextlib.suppress(psutil.Error):
            first = psutil.Process(each["State"]["Pid"])
            found += [first, *first.children(recursive=True)]
    return found


def _containers() -> list[dict[str, Any]]:
    from docker.errors import NotFound

    from jupyter_sysdesign import paths
    from jupyter_sysdesign.environment.runtimes.docker import engine, labels
    from jupyter_sysdesign.errors import SysdesignError

    found = []
    with contextlib.suppress(SysdesignError), contextlib.closing(engine.connect()) as client:
        filters = {"label": f"{labels.HOME}={paths.home()}"}
        for each in client.containers(all=True, filters=filters):
            with contextlib.suppress(NotFound):  # it ended just now
                found.append(client.inspect_container(each))
    return found


def _pss(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.memory_full_info().pss)
    return 0


def wrong(course: Path, lesson: str, expected: dict[str, dict[str, Any]]) -> list[str]:
    """Return what is not as it must be, in verdicts and gradebook."""
    from jupyter_sysdesign.grading.course.cohort import Cohort

    scores = {row["student"]: row["score"] for row in Cohort(course).scores()}
    problems = []
    same: dict[str, dict[str, str]] = {}
    for student, must in expected.items():
        path = course / ".sysdesign" / "results" / lesson / f"{student}.json"
        verdict = json.loads(path.read_text())["verdict"]
        checks = {each["id"]: each["status"] for each in verdict["checks"]}
        facts = f"{student}, {must['kind']}: {verdict['status']}, {verdict['points']}, {checks}"
        if verdict["status"] != must.get("status", verdict["status"]):
            problems.append(facts)
        if "fails" in must and checks[must["fails"]] != "failed":
            problems.append(facts)
        if verdict["points"] > must.get("most", verdict["max_points"]):
            problems.append(facts)
        if verdict["status"] == "unknown" or scores.get(student) != verdict["points"]:
            problems.append(f"{facts}; in the gradebook {scores.get(student)}")
        if same.setdefault(must["kind"], checks) != checks:
            problems.append(f"{facts}; the same files got {same[must['kind']]}")
    return problems


def _run(folder: Path, *words: str) -> None:
    module = [] if words[0] == "-m" else ["-m", "jupyter_sysdesign"]
    argv = [sys.executable, "-W", "ignore", *module, *words]
    subprocess.run(argv, cwd=folder, stdout=subprocess.DEVNULL, check=True)


@contextlib.contextmanager
def _place(folder: Path | None) -> Iterator[Path]:
    """Give the folder of the run, with a home of its own in it; one that was named stays."""
    made = folder or Path(tempfile.mkdtemp(prefix="sd-cohort-"))
    made.mkdir(exist_ok=True)
    made.chmod(0o711)
    os.environ["SYSDESIGN_HOME"] = str(made / "home")
    sys.path.insert(0, str(TESTS))
    try:
        yield made
    finally:
        if folder is None:
            shutil.rmtree(made, ignore_errors=True)


def grade(folder: Path, lesson: str, only: list[str], seconds: float) -> dict[str, Any] | None:
    """Grade on; return the figures if all is done, None if the time was over before."""
    from jupyter_sysdesign.curriculum.catalogue import Catalogue

    until = time.time() + seconds
    os.environ["SYSDESIGN_CURRICULUM"] = str(TESTS / "data" / "curriculum")
    course, notes = folder / "course", folder / "cohort.json"
    if notes.exists():
        known = json.loads(notes.read_text())
    else:
        known = {"expected": prepare(folder, Catalogue().lesson(lesson), only), "runs": []}
        notes.write_text(json.dumps(known))
    ended = False
    while not ended and time.time() < until:
        third = len(known["expected"]) // 3 - sum(each["graded"] for each in known["runs"])
        # What other lessons time would be crowded by a second job on two cores.
        grader = Grader(course, lesson, 2 if third <= 0 and lesson == SMALL else 1)
        ended = grader.watch(until, third if third > 0 else len(known["expected"]) + 1)
        left = 0 if ended else grader.kill()
        known["runs"].append({**grader.close(), "left": left})
        notes.write_text(json.dumps(known))
        print(json.dumps(known["runs"][-1]), flush=True)
    if not ended:
        return None
    return {
        "lesson": lesson,
        "submissions": len(known["expected"]),
        "runs": known["runs"],
        "problems": wrong(course, lesson, known["expected"]),
    }


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lesson", default=SMALL)
    parser.add_argument("--only", default="", help="kinds, with commas between")
    parser.add_argument("--folder", type=Path, help="where it is kept, to go on later")
    parser.add_argument("--for", type=float, default=float("inf"), dest="seconds")
    options = parser.parse_args()
    with _place(options.folder) as folder:
        only = [each for each in options.only.split(",") if each]
        found = grade(folder, options.lesson, only, options.seconds)
    if found is None:
        return 3
    print(json.dumps(found, indent=1))
    held = not found["problems"]
    held = held and not any(each["again"] or each["left"] for each in found["runs"])
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
