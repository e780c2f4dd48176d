"""``lesson.fault(name, on)``: let something fail, and ``lesson.recover()``: bring it back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.notebook.connection import unknown
from jupyter_sysdesign.notebook.rendering import fault as rendering
from jupyter_sysdesign.notebook.starting import ensure_running

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.faults.models import ActiveFault, FaultDescription
    from jupyter_sysdesign.notebook.connection import Connection

#: What may stand between the ends of a link: ``app:db``, ``app>db``, ``app → db``.
_BETWEEN = re.compile(r"\s*(?::|->|→|>)\s*")


class FaultResult:
    """A fault that was put on, and what was seen of it.

    Attributes:
        active: everything the control plane knows, as it stands in the API.
    """

    def __init__(self, active: ActiveFault, description: FaultDescription) -> None:
        self.active = active
        self._description = description

    @property
    def id(self) -> str:
        """Return what ``lesson.recover`` knows it by."""
        return self.active.id

    @property
    def evidence(self) -> str:
        """Return what was seen when it took effect."""
        return self.active.evidence

    def __repr__(self) -> str:
        return rendering.as_text(self.active, self._description)

    def _repr_html_(self) -> str:
        return rendering.as_html(self.active, self._description)


class Recovered:
    """What ``lesson.recover`` brought back.

    Attributes:
        faults: the faults that were in force, in the order they were taken back.
    """

    def __init__(self, faults: list[ActiveFault]) -> None:
        self.faults = faults

    def __repr__(self) -> str:
        return rendering.recovered_text(self.faults)

    def _repr_html_(self) -> str:
        return rendering.recovered_html(self.faults)


def fault(
    connection: Connection,
    name: str,
    on: object,
    *,
    for_s: float | None,
    arguments: Mapping[str, Any],
) -> FaultResult:
    """Put a fault on a service or a link.

    Raises:
        NotFoundError: no such fault, service or link.
        InvalidRequestError: it cannot be put on that, or an argument makes no sense.
        ConflictError: something that is in force already is in the way.
    """
    library = {each.id: each for each in connection.client.faults().faults}
    if name not in library:
        raise unknown("fault", name, library)
    ends = _ends(on)
    ensure_running(connection)
    active = connection.client.inject_fault(
        connection.environment,
        name,
        service=ends[0] if len(ends) == 1 else None,
        link=(ends[0], ends[1]) if len(ends) > 1 else None,
        arguments=arguments,
        for_s=for_s,
    )
    return FaultResult(active, library[name])


def recover(connection: Connection, which: object) -> Recovered:
    """Bring back what was before one fault (a result, its id or its name), or before all.

    Raises:
        NotFoundError: no such fault is in force.
        SysdesignError: one cannot be recovered now; all others are.
    """
    if connection.status() is None:
        return Recovered([])
    active = connection.client.active_faults(connection.environment).faults
    name = which.id if isinstance(which, FaultResult) else which
    chosen = [each for each in active if name in (None, each.id, each.fault)]
    if not chosen and not isinstance(which, FaultResult) and which is not None:
        raise unknown("fault in force", name, [each.fault for each in active])
    recovery = connection.client.recover_faults(connection.environment, chosen)
    if recovery.error is not None:
        raise recovery.error
    return Recovered(recovery.faults)


def _ends(on: object) -> list[str]:
    """Return one name for a service, two for a link."""
    given = _BETWEEN.split(on.strip()) if isinstance(on, str) else on
    if (
        not isinstance(given, (list, tuple))
        or len(given) not in (1, 2)
        or not all(isinstance(each, str) and each for each in given)
    ):
        raise InvalidRequestError(
            f"A fault is put on a service or a link, not on {on!r}.",
            hint="For example lesson.fault('kill', 'app'), or lesson.fault('latency', 'app:db').",
        )
    return [str(each) for each in given]
