"""What an idle 4-service environment and its control plane cost: memory (PSS) and CPU.

The fork server belongs to the control plane: there is one, however many environments run.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import psutil

from jupyter_sysdesign.benchmarks.place import FOUR_SERVICES, fresh_home

if TYPE_CHECKING:
    from collections.abc import Iterable

_SETTLE_S = 5.0
_WATCH_S = 20.0
_MIB = 1 << 20


def measure() -> dict[str, Any]:
    """Return PSS in MiB and CPU as a share of one core, while one client watches the events."""
    with fresh_home() as home:
        from jupyter_sysdesign.control.client import ControlClient

        with ControlClient(holder="bench") as client:
            folder = str(home / "work")
            client.create_workspace(FOUR_SERVICES, folder=folder)
            environment = client.create_environment(folder).id
            client.wait(environment, ("ready",), timeout_s=120)
            daemon = psutil.Process(client.info().pid)
            time.sleep(_SETTLE_S)
            below = daemon.children(recursive=True)
            control = [daemon, *(each for each in below if _forks(each))]
            family = [each for each in below if not _forks(each)]
            before_control, before_family = _cpu(control), _cpu(family)
            began = time.perf_counter()
            for _event in client.events(environment):
                if time.perf_counter() - began > _WATCH_S:
                    break
            elapsed = time.perf_counter() - began
            result = {
                "environment_pss_mib": round(_pss(family), 1),
                "control_plane_pss_mib": round(_pss(control), 1),
                "environment_cpu": round((_cpu(family) - before_family) / elapsed, 4),
                "control_plane_cpu": round((_cpu(control) - before_control) / elapsed, 4),
                "processes": sorted(process.name() for process in family),
            }
            client.delete(environment)
    return result


def _forks(process: psutil.Process) -> bool:
    return process.cmdline()[:1] == ["sysdesign-fork-server"]


def _pss(processes: Iterable[psutil.Process]) -> float:
    return sum(process.memory_full_info().pss for process in processes) / _MIB


def _cpu(processes: Iterable[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)
