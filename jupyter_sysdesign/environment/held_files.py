"""Files that take effect together: a load balancer's names services that ``compose.yaml`` makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.environment.spec import FILE
from jupyter_sysdesign.environment.watch import Fingerprint, fingerprint

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_sysdesign.environment.source import Source
    from jupyter_sysdesign.environment.spec import Spec

Contents = dict[str, Fingerprint]


class HeldFiles:
    """``compose.yaml`` where learners edit it, and the configuration files of its services.

    Saving one of them changes nothing by itself. Elsewhere there are none.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._in_effect: Contents = {}

    def names(self, spec: Spec) -> list[str]:
        """Return their paths, relative to the workspace."""
        if not self._source.is_editable(FILE):
            return []
        configs = [each.source for one in spec.services.values() for each in one.configs]
        return list(dict.fromkeys([FILE, *configs]))

    def paths(self, spec: Spec) -> set[Path]:
        """Return where they lie."""
        return {self._source.locate(name) for name in self.names(spec)}

    def read(self, spec: Spec) -> Contents:
        """Return what tells whether they are the same later on."""
        return {name: fingerprint([self._source.locate(name)]) for name in self.names(spec)}

    def take_effect(self, contents: Contents) -> None:
        """Remember what runs now."""
        self._in_effect = contents

    def pending(self, spec: Spec) -> list[str]:
        """Return those that were saved differently since they took effect."""
        now = self.read(spec)
        return [name for name, seen in now.items() if self._in_effect.get(name, seen) != seen]
