"""Anomalies of transactions, and which isolation levels forbid them.

The names are those of Adya's thesis (1999) and of Berenson et al., "A critique of ANSI SQL
isolation levels" (1995). Snapshot isolation by cycles is Cerone and Gotsman, "Analysing snapshot
isolation" (2018): of a cycle that it allows, two neighbouring dependencies are ``rw``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.checkers.narration import name, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jupyter_sysdesign.simulation.checkers.dependencies import Dependency
    from jupyter_sysdesign.simulation.checkers.history import Value
    from jupyter_sysdesign.simulation.checkers.transactions import Transaction

READ_UNCOMMITTED = "read uncommitted"
READ_COMMITTED = "read committed"
SNAPSHOT_ISOLATION = "snapshot isolation"
REPEATABLE_READ = "repeatable read"
SERIALIZABLE = "serializable"
SESSION_SERIALIZABLE = "strong session serializable"
STRICT_SERIALIZABLE = "strict serializable"

#: What each level implies directly; the strongest stands first. Adya's repeatable read (PL-2.99)
#: is meant here; PostgreSQL's and MySQL's ``REPEATABLE READ`` are other things: PostgreSQL's is
#: snapshot isolation.
LEVELS: dict[str, tuple[str, ...]] = {
    STRICT_SERIALIZABLE: (SESSION_SERIALIZABLE,),
    SESSION_SERIALIZABLE: (SERIALIZABLE,),
    SERIALIZABLE: (REPEATABLE_READ, SNAPSHOT_ISOLATION),
    REPEATABLE_READ: (READ_COMMITTED,),
    SNAPSHOT_ISOLATION: (READ_COMMITTED,),
    READ_COMMITTED: (READ_UNCOMMITTED,),
    READ_UNCOMMITTED: (),
}

#: The weakest levels that forbid each anomaly, and what it is called besides.
FORBIDDEN: dict[str, tuple[tuple[str, ...], str]] = {
    "garbage read": ((READ_UNCOMMITTED,), "a read of what nobody wrote"),
    "duplicate elements": ((READ_UNCOMMITTED,), "a write that happened twice"),
    "incompatible order": ((READ_UNCOMMITTED,), "writes that have no one order"),
    "internal": ((READ_UNCOMMITTED,), "a transaction at odds with its own writes"),
    "G0": ((READ_UNCOMMITTED,), "a dirty write"),
    "G1a": ((READ_COMMITTED,), "an aborted read"),
    "G1b": ((READ_COMMITTED,), "an intermediate read"),
    "G1c": ((READ_COMMITTED,), "circular information flow"),
    "lost update": ((SNAPSHOT_ISOLATION, REPEATABLE_READ), "two changed the same version"),
    "G-single": ((SNAPSHOT_ISOLATION, REPEATABLE_READ), "read skew"),
    "G-nonadjacent": ((SNAPSHOT_ISOLATION, REPEATABLE_READ), "long read skew"),
    "write skew": ((REPEATABLE_READ,), "a G2-item of two transactions"),
    "G2-item": ((REPEATABLE_READ,), "an anti-dependency cycle"),
    "session": ((SESSION_SERIALIZABLE,), "a client that goes back in time"),
    "realtime": ((STRICT_SERIALIZABLE,), "an order against the clock"),
}


@dataclass(frozen=True)
class Anomaly:
    """One thing that a level forbids.

    Attributes:
        name: one of ``FORBIDDEN``.
        transactions: who took part.
        why: in words.
        cycle: the dependencies, each one's second the next one's first; empty without a cycle.
    """

    name: str
    transactions: tuple[Transaction, ...]
    why: str
    cycle: tuple[Dependency, ...] = ()

    @property
    def also(self) -> str:
        """What it is called besides."""
        return FORBIDDEN[self.name][1]

    @property
    def forbidden_by(self) -> frozenset[str]:
        """All levels that forbid it."""
        found = set(FORBIDDEN[self.name][0])
        while grown := {
            level for level, implied in LEVELS.items() if level not in found and found & {*implied}
        }:
            found |= grown
        return frozenset(found)


def lost_updates(
    readers: Mapping[tuple[Value, Value], Iterable[Transaction]],
) -> Iterator[Anomaly]:
    """Yield the versions that two transactions read and then changed.

    ``readers`` holds, for each key and version of it, who read it before any write of its own.
    In whichever order the two wrote, one of them did not see the other's: a cycle of one ``rw``.
    """
    for (key, version), some in readers.items():
        changed = [each for each in dict.fromkeys(some) if each.writes(key)]
        if len(changed) > 1:
            one, other = changed[:2]
            yield Anomaly(
                "lost update",
                (one, other),
                f"{one} and {other} both read {name(key)} as {shown(version)} and then wrote it, "
                "so the second to write did not know of the first:\n"
                f"  {one.tell()}\n  {other.tell()}",
            )
