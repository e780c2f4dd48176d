"""What is chosen for one key: how many copies, how many answers, and what if too few come."""

from __future__ import annotations

import reprlib
import zlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jupyter_sysdesign.simulation.node import NodeId

_CHOICES = {
    "versions": ("asked", "clock"),
    "repair": ("before", "after", "never"),
    "merge": ("last", "union"),
}
_NUMBERS = ("n", "r", "w")


@dataclass(frozen=True)
class Policy:
    """The choice.

    Attributes:
        n: servers that have a copy.
        r: of these, answers that a read waits for.
        w: of these, acknowledgements that a write waits for.
        sloppy: where a server does not answer, another one stands in for it (Dynamo, §4.6).
        versions: ``asked``: a write first asks so many servers for the newest version that it meets
            every other write (ABD); ``clock``: it takes the time of its coordinator.
        repair: ``before`` a read answers, ``w`` servers have what it answers (ABD); or ``after``;
            or ``never``.
        merge: of two copies the ``last`` wins; or a copy is a set, and they make a ``union``.

    Raises:
        InvalidRequestError: that is no policy.
    """

    n: int = 3
    r: int = 2
    w: int = 2
    sloppy: bool = False
    versions: str = "asked"
    repair: str = "before"
    merge: str = "last"

    def __post_init__(self) -> None:
        for name in _NUMBERS:
            number = getattr(self, name)
            if type(number) is not int or number < 1:
                raise InvalidRequestError(
                    f"{name} is {reprlib.repr(number)}, not a number of servers"
                )
        if max(self.r, self.w) > self.n:
            raise InvalidRequestError(
                f"r = {self.r} and w = {self.w} cannot be more than the n = {self.n} copies"
            )
        if type(self.sloppy) is not bool:
            raise InvalidRequestError(f"sloppy is {reprlib.repr(self.sloppy)}, not true or false")
        for name, choice in _CHOICES.items():
            if getattr(self, name) not in choice:
                said = f"{name} is {reprlib.repr(getattr(self, name))}"
                raise InvalidRequestError(f"{said}, not one of {', '.join(choice)}")

    @property
    def overlaps(self) -> bool:
        """Whether each read meets each write on at least one server (Gifford (1979))."""
        return self.r + self.w > self.n and not self.sloppy

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: object) -> Policy:
        """Return the policy of a document.

        Raises:
            InvalidRequestError: it is none.
        """
        if not isinstance(document, dict):
            raise InvalidRequestError(f"{reprlib.repr(document)} is no policy")
        unknown = sorted(set(map(str, document)) - set(cls.__dataclass_fields__))
        if unknown:
            raise InvalidRequestError(
                f"a policy has no {unknown[0]!r}",
                hint=f"It has {', '.join(cls.__dataclass_fields__)}.",
            )
        return cls(**document)


def of_key(key: str, options: Mapping[str, Any]) -> Policy:
    """Return what a run's options choose for a key: its own policy, or that for all others."""
    policies = options.get("policies", {})
    return Policy.from_json(policies.get(key, options.get("policy", {})))


def ring(key: str, servers: Sequence[NodeId]) -> tuple[NodeId, ...]:
    """Return all servers from where the key's hash lies: the first ``n`` own it (Dynamo, §4.2)."""
    start = zlib.crc32(key.encode()) % len(servers)
    return (*servers[start:], *servers[:start])
