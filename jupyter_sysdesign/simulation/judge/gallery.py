"""Galleries of servers that each break one rule: what a judge must find.

Every one is a mistake that people make, small enough to read in one breath. Each names the rules
that may show it first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from jupyter_sysdesign.simulation.node import Node

if TYPE_CHECKING:
    from collections.abc import Callable

Server = TypeVar("Server", bound=Node)


@dataclass(frozen=True)
class Mutant:
    """One entry of a gallery.

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


class Gallery(dict[str, Mutant]):
    """The mutants of one suite, by name."""

    def mutant(
        self, name: str, breaks: str, *shown_by: str
    ) -> Callable[[type[Server]], type[Server]]:
        """Enter the class below under a name."""

        def enter(server: type[Server]) -> type[Server]:
            self[name] = Mutant(name, server, breaks, frozenset(shown_by))
            return server

        return enter
