"""What the load of a check was told: a sample of the answers, to be held against the tables."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.control.models import RunSummary

if TYPE_CHECKING:
    from jupyter_sysdesign.control.models import KeptAnswer


@dataclass(frozen=True)
class Told:
    """One answer, with a status that the profile expects, and what it answers.

    Attributes:
        name: of the endpoint in the profile's mix.
        sent: the request's body, as JSON; None: there is none.
        said: the answer's body, as JSON; None: it is none.
        asked_s, answered_s: the answer came about between them, by ``time.perf_counter()``, a clock
            that all processes of a machine share. So a check that changes something while many ask
            knows which answers must show it, and which cannot yet.
    """

    name: str
    path: str
    sent: Any
    said: Any
    asked_s: float
    answered_s: float

    @classmethod
    def read(cls, kept: KeptAnswer) -> Told:
        """Return what was kept, its bodies read."""
        sent, said = _json(kept.sent), _json(kept.said)
        return cls(kept.name, kept.path, sent, said, kept.asked_s, kept.answered_s)


class Loaded(RunSummary):
    """What came of a check's load.

    Attributes:
        told: some of the answers, in the order they came, drawn by the hidden seed over the whole
            run: whoever answers otherwise while many ask does not know which of them are compared.
    """

    told: list[Told]


def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
