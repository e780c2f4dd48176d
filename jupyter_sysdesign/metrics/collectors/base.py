"""What every collector is."""

from __future__ import annotations

from typing import Protocol


class Collector(Protocol):
    """Asks one service.

    ``sample`` may raise anything and take as long as it likes: the sampler treats both as values
    that are missing. It is never called again before it has returned.
    """

    async def sample(self) -> dict[str, float]:
        """Return metrics by full name, without those that are not known now."""

    async def close(self) -> None:
        """Give up connections; ends a ``sample`` that is under way."""
