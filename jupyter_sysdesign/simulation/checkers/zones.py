"""Two values of a register that cannot both have been there, found without any search.

Gibbons and Korach, "Testing shared memories" (1997): where each value is written once, it is there
in one piece of time, with its write and all its reads. One value may come before another unless one
of the other's operations was over before one of its own began. If neither may come first, no order
explains both. Looking at every pair this way takes time n log n, however many clients there are.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_sysdesign.simulation.checkers.history import Operation, Value
    from jupyter_sysdesign.simulation.checkers.specifications import Register


class _Zone(NamedTuple):
    """The time of one value.

    Attributes:
        ended: when its first operation was over.
        began: when its last operation began. After ``ended``, the value was there all the time
            between; before it, some moment between may do.
    """

    ended: float
    began: float
    operations: list[Operation]


def conflict(operations: Sequence[Operation], register: Register) -> tuple[Operation, ...]:
    """Return the operations of one or two values that no order explains; none if not found so.

    All must be reads and writes of one register; where a value was written twice, nothing is found.
    """
    clusters = _clusters(operations, register.initial)
    for value, cluster in clusters.items():
        if _read_too_early(cluster, known=value == register.initial):
            return tuple(cluster)
    zones = [_zone(cluster, value == register.initial) for value, cluster in clusters.items()]
    # Values that were there all the time between, by when that began.
    forward = sorted((zone for zone in zones if zone.ended < zone.began), key=lambda each: each[:2])
    starts = [zone.ended for zone in forward]
    for zone in zones:
        # The one that began last before this one's last operation did; an earlier one that is in
        # the way of this one is found in its own turn, or is in the way of this other one, too.
        place = bisect_left(starts, zone.began) - 1
        other = forward[place] if place >= 0 else zone
        if other is not zone and zone.ended < other.began:
            both = {id(each) for each in (*zone.operations, *other.operations)}
            return tuple(each for each in operations if id(each) in both)
    return ()


def _clusters(operations: Sequence[Operation], initial: Value) -> dict[Value, list[Operation]]:
    """Return each value's operations; nothing when a value has more than one write."""
    written = [each.value for each in operations if each.kind == "write" and each.possible]
    if len({initial, *written}) != len(written) + 1:
        return {}
    clusters: dict[Value, list[Operation]] = {}
    for each in operations:
        if each.kind == "write" and each.possible:
            clusters.setdefault(each.value, []).append(each)
        elif each.kind == "read" and each.happened:
            clusters.setdefault(each.result, []).append(each)
    # A write that nobody knows of and nobody read need not have happened.
    return {
        value: cluster
        for value, cluster in clusters.items()
        if any(each.happened for each in cluster)
    }


def _read_too_early(cluster: list[Operation], *, known: bool) -> bool:
    """Return whether a value was read that nobody wrote, or before anybody began to."""
    if known:
        return False
    begun = min((each.invoked for each in cluster if each.kind == "write"), default=math.inf)
    return any(each.kind == "read" and (each.returned or 0) < begun for each in cluster)


def _zone(cluster: list[Operation], initial: bool) -> _Zone:
    ends = [each.returned for each in cluster if each.happened and each.returned is not None]
    return _Zone(
        -math.inf if initial else min(ends), max(each.invoked for each in cluster), cluster
    )
