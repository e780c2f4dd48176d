"""Who runs for an instance: ``<instance>/ledger.json``, on disk before anyone relies on it.

After a crash of everything that was in charge, ``sweep.py`` ends what stands here. The supervisor
imports this file, so there are no dataclasses in it (they bring ``inspect`` along).
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, NamedTuple

from jupyter_sysdesign.environment.proctree import started

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

NAME = "ledger.json"


class Entry(NamedTuple):
    """One process, named for good: the kernel may give its pid away, never with this start."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Entry | None:
        """Return the entry of a living process, or None."""
        when = started(pid)
        return None if when is None else cls(pid, when)

    def alive(self) -> bool:
        """Tell whether this very process still runs."""
        return started(self.pid) == self.started


class Ledger(NamedTuple):
    """All processes of one instance.

    Attributes:
        sockets: the folder with the instance's unix sockets; goes with the processes.
        boot: the kernel's boot id; entries of another boot name nobody.
        keepers: guard and supervisor.
        services: main process of each running service.
        engine: the Docker engine that runs its services, empty where they are processes.
    """

    instance: str
    sockets: str
    boot: str
    keepers: Sequence[Entry]
    services: Mapping[str, Entry]
    engine: str = ""

    def write(self, folder: Path) -> None:
        """Replace the file atomically."""
        part = folder / f"{NAME}.part"
        part.write_text(json.dumps(self._asdict()))
        part.replace(folder / NAME)

    @classmethod
    def read(cls, folder: Path) -> Ledger | None:
        """Return what is on disk, or None if there is nothing (or nothing that can be read)."""
        try:
            data = json.loads((folder / NAME).read_text())
            return cls(
                instance=str(data["instance"]),
                sockets=str(data["sockets"]),
                boot=str(data["boot"]),
                keepers=[Entry(*each) for each in data["keepers"]],
                services={name: Entry(*each) for name, each in data["services"].items()},
                engine=str(data["engine"]),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def living(self) -> list[Entry]:
        """Return the entries that still run: keepers first."""
        if self.boot != boot_id():
            return []
        return [entry for entry in (*self.keepers, *self.services.values()) if entry.alive()]


def boot_id() -> str:
    """Return what tells one boot of this machine from another (empty where the OS has no such)."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:  # noqa: PTH123 (no pathlib needed)
            return file.read().strip()
    except OSError:
        return ""


def remove(folder: Path) -> None:
    """Forget the file: nobody runs."""
    for name in (NAME, f"{NAME}.part"):
        with contextlib.suppress(FileNotFoundError):
            (folder / name).unlink()
