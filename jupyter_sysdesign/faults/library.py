"""All faults there are: the API, the command line, notebooks and the documentation read this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.errors import NotFoundError
from jupyter_sysdesign.faults.cache import Flush, MemoryLimit
from jupyter_sysdesign.faults.database import ExhaustConnections, HoldLock, WrongPassword
from jupyter_sysdesign.faults.link import Bandwidth, Blackhole, Jitter, Latency, Partition, Reset
from jupyter_sysdesign.faults.models import FaultLibrary
from jupyter_sysdesign.faults.replication import PauseReplication
from jupyter_sysdesign.faults.service import CpuQuota, Kill, Pause, Restart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.faults.fault import Fault

_ALL: tuple[type[Fault[Any]], ...] = (
    *(Kill, Pause, Restart, CpuQuota),
    *(Latency, Jitter, Bandwidth, Partition, Blackhole, Reset),
    *(HoldLock, ExhaustConnections, WrongPassword, PauseReplication),
    *(Flush, MemoryLimit),
)

FAULTS: Mapping[str, type[Fault[Any]]] = {each.id: each for each in _ALL}


def find(fault: str) -> type[Fault[Any]]:
    """Return a fault by its id.

    Raises:
        NotFoundError: there is none.
    """
    if fault not in FAULTS:
        raise NotFoundError(f"There is no fault {fault!r}", hint=f"There are {', '.join(FAULTS)}.")
    return FAULTS[fault]


def describe() -> FaultLibrary:
    """Return the description of each, in the order people read them."""
    return FaultLibrary(faults=[each.describe() for each in FAULTS.values()])
