"""A gallery of servers that each break one rule, and the stored run that shows each of them."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_sysdesign.simulation.judge.suite import Killer
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.play import play

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jupyter_sysdesign.simulation.judge.suite import Suite
    from jupyter_sysdesign.simulation.node import Node

Server = TypeVar("Server", bound="type[Node]")


@dataclass(frozen=True)
class Mutant:
    """One entry.

    Attributes:
        name: its id.
        server: the class.
        breaks: the rule's place in the paper.
        shown_by: ids of the rules that may show it.
    """

    name: str
    server: type[Node]
    breaks: str
    shown_by: frozenset[str]

    @property
    def mistake(self) -> str:
        """What is wrong, in a sentence."""
        return (self.server.__doc__ or "").strip()


class Gallery:
    """The mutants of one protocol, by name."""

    def __init__(self) -> None:
        self._mutants: dict[str, Mutant] = {}

    def mutant(self, name: str, breaks: str, *shown_by: str) -> Callable[[Server], Server]:
        """Enter a class; see ``Mutant``."""

        def enter(server: Server) -> Server:
            self._mutants[name] = Mutant(name, server, breaks, frozenset(shown_by))
            return server

        return enter

    def __getitem__(self, name: str) -> Mutant:
        return self._mutants[name]

    def __iter__(self) -> Iterator[Mutant]:
        return iter(self._mutants.values())

    def __len__(self) -> int:
        return len(self._mutants)


def find(mutant: Mutant, suite: Suite, seeds: int) -> dict[str, Any] | None:
    """Return the first run of the suite that shows the mutant's mistake; None if none does."""
    for seed in range(seeds):
        for scenario in suite.scenarios:
            plan = scenario.plan(seed)
            outcome = play(plan, mutant.server, suite.bench)
            broken = outcome.violation
            if broken is None or outcome.status != "failed":
                continue
            if broken.rule.id in mutant.shown_by:
                return {"scenario": scenario.name, "rule": broken.rule.id, "plan": plan.as_json()}
    return None


def store(gallery: Gallery, suite: Suite, path: Path, *, seeds: int = 1000) -> int:
    """Write the stored run of every mutant; return 1, and say which, if one is not found."""
    found: dict[str, Any] = {}
    for mutant in gallery:
        killer = find(mutant, suite, seeds)
        if killer is None:
            sys.stderr.write(f"{mutant.name}: not found in {seeds:,} seeds of each scenario\n")
            return 1
        found[mutant.name] = killer
        place = f"{killer['scenario']}, seed {killer['plan']['seed']}"
        sys.stderr.write(f"{mutant.name}: {killer['rule']} in {place}\n")
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


def stored(path: Path) -> tuple[Killer, ...]:
    """Return the runs that ``store`` wrote; none yet is none."""
    if not path.is_file():
        return ()
    written = json.loads(path.read_text(encoding="utf-8"))
    return tuple(
        Killer(bug, each["scenario"], each["rule"], Plan.from_json(each["plan"]))
        for bug, each in written.items()
    )
