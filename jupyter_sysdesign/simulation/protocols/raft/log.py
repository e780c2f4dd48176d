"""The replicated log, in memory and on disk. Its first entry has index 1 (Figure 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.protocols.raft.messages import Entry, Members, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_sysdesign.simulation.disk import Disk
    from jupyter_sysdesign.simulation.node import NodeId


class Log:
    """The entries after the snapshot, if there is one.

    Changes are written to the disk at once; the server syncs before it speaks of them.

    Attributes:
        entries: what is kept, oldest first.
        snapshot: stands for everything before.
        before: its index, the one before the first entry kept.
        last: the index of the last entry.
        last_term: that entry's term.
    """

    __slots__ = ("_disk", "before", "entries", "last", "last_term", "snapshot")

    def __init__(self, disk: Disk, members: tuple[NodeId, ...]) -> None:
        self._disk = disk
        self.snapshot: Snapshot = disk.read("snapshot") or Snapshot(0, 0, members, ())
        self.before = self.snapshot.last_index
        self.entries: list[Entry] = disk.log("log")
        self._measure()

    def _measure(self) -> None:
        self.last = self.before + len(self.entries)
        self.last_term = self.entries[-1].term if self.entries else self.snapshot.last_term

    def term_at(self, index: int) -> int | None:
        """Return the term of an entry; None if it is not here (or no longer)."""
        if index == self.last:
            return self.last_term
        if self.before < index < self.last:
            return self.entries[index - self.before - 1].term
        return self.snapshot.last_term if index == self.before else None

    def after(self, index: int, count: int) -> tuple[Entry, ...]:
        """Return up to ``count`` entries behind ``index``."""
        start = index - self.before
        return tuple(self.entries[start : start + count])

    def entry(self, index: int) -> Entry:
        """Return one entry that is here."""
        return self.entries[index - self.before - 1]

    def append(self, entry: Entry) -> None:
        """Add one entry to the end."""
        self.entries.append(entry)
        self._disk.append("log", entry)
        self.last += 1
        self.last_term = entry.term

    def merge(self, previous: int, entries: Iterable[Entry]) -> bool:
        """Take over ``entries`` behind ``previous``; return whether that changed anything.

        Only an entry that *conflicts* (same index, other term) is removed, with all behind it: an
        old message must not take back newer entries (Figure 2, AppendEntries 3 and 4).
        """
        changed = False
        for index, entry in enumerate(entries, start=previous + 1):
            if index <= self.before:
                continue
            if index <= self.last:
                if self.entry(index).term == entry.term:
                    continue
                self.truncate(index - 1)
            self.append(entry)
            changed = True
        return changed

    def truncate(self, last: int) -> None:
        """Remove everything behind ``last``."""
        del self.entries[last - self.before :]
        self._disk.truncate("log", last - self.before)
        self._measure()

    def compact(self, snapshot: Snapshot) -> None:
        """Put a snapshot in the place of all it covers (§7)."""
        covered = min(snapshot.last_index, self.last) - self.before
        if self.term_at(snapshot.last_index) not in (None, snapshot.last_term):
            covered = len(self.entries)
        del self.entries[:covered]
        self._disk.write("snapshot", snapshot)
        self._disk.forget("log", covered)
        self.snapshot = snapshot
        self.before = snapshot.last_index
        self._measure()

    def members(self) -> tuple[NodeId, ...]:
        """Return the servers by the latest entry that sets them, committed or not."""
        for entry in reversed(self.entries):
            if isinstance(entry.command, Members):
                return entry.command.servers
        return self.snapshot.members
