"""The long tests: every lesson's gate N of N, quiet and on a busy machine; cycles; cohorts; kills.

Every attempt, also a failed one, becomes a line of ``benchmarks/soak.jsonl``.

    python benchmarks/soak.py                     everything, each gate on Docker once, too
    python benchmarks/soak.py --lesson t1-02-indexes --repeat 2 --only gate --busy quiet
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "benchmarks" / "soak.jsonl"

#: name → shares of a core, one process each, taken from the machine while the gate runs.
BUSY: dict[str, tuple[float, ...]] = {
    "quiet": (),
    "load of 1": (1.0,),
    "half of two cores": (0.5, 0.5),
    "load of 2": (1.0, 1.0),
}

# Ends by itself: a parent that dies leaves a burner for an hour at most.
_BURNER = """
import sys, time
share = float(sys.argv[1]); end = time.monotonic() + 3600
while time.monotonic() < end:
    start = time.perf_counter()
    while time.perf_counter() - start < 0.02 * share:
        pass
    time.sleep(0.02 * (1 - share))
"""


@contextlib.contextmanager
def busy(shares: tuple[float, ...]) -> Iterator[None]:
    """Take shares of the machine's cores."""
    burners = [subprocess.Popen([sys.executable, "-c", _BURNER, str(each)]) for each in shares]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def record(entry: dict[str, Any]) -> None:
    """Append one attempt."""
    line = {"at": round(time.time()), "cores": os.cpu_count(), "machine": platform.machine()}
    with RECORD.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps({**line, **entry}) + "\n")
    print(json.dumps({key: entry[key] for key in ("what", "busy", "passed") if key in entry}))


def gates(
    lesson_ids: list[str], repeat: int, conditions: list[str], runtime: str = "embedded"
) -> bool:
    """Run each gate, its reference solution N of N, under each of the ``conditions``."""
    from jupyter_sysdesign.curriculum.catalogue import Catalogue
    from jupyter_sysdesign.grading import gate

    catalogue = Catalogue()
    held = True
    os.environ["SYSDESIGN_RUNTIME"] = runtime  # for the checker's processes as well
    for lesson in [catalogue.lesson(each) for each in lesson_ids] or catalogue.lessons():
        for name in conditions:
            with busy(BUSY[name]):
                try:
                    result = gate.verify(lesson, repeat=repeat, progress=print)
                    document = result.as_json()
                except Exception as error:  # noqa: BLE001 (an attempt, too)
                    document = {"passed": False, "error": repr(error)}
            on = {"lesson": lesson.id, "runtime": runtime, "busy": name}
            record({"what": "gate", **on, **document})
            held = held and bool(document["passed"])
    return held


def cycles(count: int) -> bool:
    """Start and stop one environment again and again."""
    took: list[float] = []
    try:
        _cycle(count, took)
        wrong = {}
    except Exception as error:  # noqa: BLE001 (an attempt, too)
        wrong = {"error": repr(error)}
    record({"what": "cycles", "passed": not wrong, "start_s": took, **wrong})
    return not wrong


def _cycle(count: int, took: list[float]) -> None:
    from jupyter_sysdesign.benchmarks.place import FOUR_SERVICES, fresh_home
    from jupyter_sysdesign.control.client import ControlClient

    with fresh_home() as home, ControlClient(holder="soak") as client:
        client.create_workspace(FOUR_SERVICES, folder=str(home / "work"))
        environment = client.create_environment(str(home / "work"), start=False).id
        for _ in range(count):
            began = time.perf_counter()
            client.start(environment)
            client.wait(environment, ("ready",), timeout_s=60)
            took.append(round(time.perf_counter() - began, 3))
            client.stop(environment)
            client.wait(environment, ("stopped",), timeout_s=60)
        client.delete(environment)


#: lesson → the kinds of submissions that are graded in boxes; none named: the whole cohort of 100.
COHORTS = {
    "tiny": "",
    "t1-02-indexes": "untouched,solution,cheats/single-columns",
    "t1-04-horizontal-scaling": "untouched,solution,cheats/bigger-machine",
}


def cohorts() -> bool:
    """Grade cohorts through ``sysdesign grade``, killed in the middle and resumed."""
    held = True
    for lesson, only in COHORTS.items():
        command = [sys.executable, "benchmarks/cohort.py", "--lesson", lesson, "--only", only]
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
        passed = done.returncode == 0
        _, found, said = done.stdout.partition("\n{\n")
        figures = (
            json.loads("{" + said) if found else {"error": done.stderr.strip().rpartition("\n")[2]}
        )
        record({"what": "cohort", "lesson": lesson, "passed": passed, **figures})
        held = held and passed
    return held


def kills() -> bool:
    """Run the tests that kill things, and all others marked long or in need of containers."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "soak or containers", "-q"], cwd=ROOT, check=False
    )
    record({"what": "kills", "passed": done.returncode == 0})
    return done.returncode == 0


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lesson", action="append", default=[])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--busy", action="append", choices=BUSY, help="default: each of them")
    parser.add_argument("--cycles", type=int, default=20)
    kinds = ("gate", "docker", "cycles", "cohorts", "kills")
    parser.add_argument("--only", choices=kinds)
    options = parser.parse_args()
    held = True
    if options.only in (None, "gate"):
        held = gates(options.lesson, options.repeat, options.busy or list(BUSY)) and held
    if options.only in (None, "docker"):  # the same verdicts there
        held = gates(options.lesson, 1, ["quiet"], "docker") and held
    if options.only in (None, "cycles"):
        held = cycles(options.cycles) and held
    if options.only in (None, "cohorts"):
        held = cohorts() and held
    if options.only in (None, "kills"):
        held = kills() and held
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
