"""How much memory there is: the machine's, or less where a container may use only a part.

On Linux a container's limit is that of its control group, or of one above it: the files are those
of cgroup v2 (``memory.max``, ``memory.current``) or v1 (``memory.limit_in_bytes``, …), described in
the kernel's ``admin-guide/cgroup-v2`` and ``cgroup-v1/memory``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Memory:
    """What there is, and what of it can still be used before it runs out."""

    total_bytes: int
    available_bytes: int


def memory(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> Memory:
    """Return the tightest limit this process lives under."""
    machine = psutil.virtual_memory()
    found = [Memory(machine.total, machine.available)]
    found += [each for group in _groups(proc, cgroups) if (each := _limit(group)) is not None]
    return Memory(
        min(each.total_bytes for each in found), min(each.available_bytes for each in found)
    )


def _groups(proc: Path, cgroups: Path) -> list[Path]:
    """Return the folders of this process's groups and of all above them."""
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return []
    found: list[Path] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root = cgroups / "memory" if controllers else cgroups
        own = root / path.lstrip("/")
        # Inside a container the path may name a folder of the host, which is not to be seen here.
        found += [each for each in (own, *own.parents) if each.is_relative_to(root)]
    return found


def _limit(group: Path) -> Memory | None:
    limit = _number(group / "memory.max") or _number(group / "memory.limit_in_bytes")
    used = _number(group / "memory.current") or _number(group / "memory.usage_in_bytes")
    if limit is None or used is None or limit >= 1 << 62:  # v1 says "no limit" with a huge number
        return None
    return Memory(limit, max(limit - used + _reclaimable(group), 0))


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):  # no such file, or "max"
        return None


def _reclaimable(group: Path) -> int:
    """Return what is only a cache of files not used lately; the kernel takes that back first."""
    try:
        lines = (group / "memory.stat").read_text().splitlines()
    except OSError:
        return 0
    stat = dict(line.split(maxsplit=1) for line in lines if " " in line)
    return int(stat.get("total_inactive_file", stat.get("inactive_file", 0)))
