"""An instance that remembers its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.environment.instance import Instance

if TYPE_CHECKING:
    from jupyter_sysdesign.environment.source import Source


class Watched(Instance):
    """An instance that remembers its events."""

    def __init__(self, source: Source, **options: Any) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        super().__init__(source, emit=lambda *event: self.events.append(event), **options)

    @property
    def states(self) -> list[str]:
        found = [data["state"] for kind, data in self.events if kind == "environment.state"]
        return [state for n, state in enumerate(found) if n == 0 or found[n - 1] != state]

    @property
    def lines(self) -> str:
        return "\n".join(data["line"] for kind, data in self.events if kind == "log.line")

    def of(self, name: str) -> Any:
        return next(each for each in self.status.services if each.name == name)
