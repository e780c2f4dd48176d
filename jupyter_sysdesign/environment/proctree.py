"""Process trees: who is in them, how much CPU they used, how to freeze and thaw them whole.

Linux reads ``/proc`` and the processes' CPU clocks; elsewhere the members come from ``ps`` and
there is no CPU time. Standard library only: the supervisor imports this and must stay small.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

LINUX = sys.platform == "linux"

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# A tree that forks while it is frozen is caught by looking again; each round freezes the parents
# found in the round before, so even a chain of forks ends after a few.
_FREEZE_ROUNDS = 8


def started(pid: int) -> int | None:
    """Return when ``pid`` started (clock ticks since boot), or None if it is gone.

    Together with the pid this names one process for good; a pid alone may be used again.
    """
    if not LINUX:
        return _started_by_ps(pid)
    fields = _stat(pid)
    return None if fields is None or fields[0] == b"Z" else int(fields[19])


def children(pid: int) -> list[int]:
    """Return the direct children of ``pid``, of all its threads."""
    if not LINUX:
        return _table_by_ps().get(pid, [])
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 (half the cost of Path)
            found += _numbers(_read(f"/proc/{pid}/task/{thread}/children"))
    return found


def descendants(pid: int) -> list[int]:
    """Return all processes below ``pid``, parents before their children."""
    table = None if LINUX else _table_by_ps()
    found: list[int] = []
    queue = [pid]
    while queue:
        parent = queue.pop(0)
        below = children(parent) if table is None else table.get(parent, [])
        found += below
        queue += below
    return found


def members(pid: int) -> list[int]:
    """Return ``pid`` and all its descendants, or nothing if it is gone."""
    return [pid, *descendants(pid)] if started(pid) is not None else []


def memory_bytes(pids: list[int]) -> int:
    """Return what a tree holds: each process's own pages, and the largest shared part once."""
    own = shared = 0
    for pid in pids:
        fields = _read(f"/proc/{pid}/statm").split()
        if len(fields) > 2:  # noqa: PLR2004 (size, resident, shared, …)
            own += int(fields[1]) - int(fields[2])
            shared = max(shared, int(fields[2]))
    return (own + shared) * _PAGE_BYTES


def environment(pid: int) -> dict[bytes, bytes]:
    """Return the environment ``pid`` was started with; empty if it may not be read.

    PostgreSQL's backends and Valkey write their title over it.
    """
    pairs = (entry.partition(b"=") for entry in _read(f"/proc/{pid}/environ").split(b"\0"))
    return {name: value for name, _, value in pairs}


def folder(pid: int) -> str:
    """Return the working directory of ``pid``; empty if it may not be read."""
    try:
        return os.readlink(f"/proc/{pid}/cwd")  # noqa: PTH115 (as above)
    except OSError:
        return ""


def has_terminal(pid: int) -> bool:
    """Tell whether a person may be sitting at ``pid``; no daemon has a terminal."""
    fields = _stat(pid)
    return fields is None or fields[4] != b"0"


def memory_areas() -> tuple[range, range]:
    """Return where this process's command line and environment lie, as the kernel shows them."""
    # proc(5): arg_start, arg_end, env_start, env_end are 48 to 51.
    places = [int(field) for field in (_stat(os.getpid()) or [])[45:49]]
    if len(places) < 4 or 0 in places:  # noqa: PLR2004 (two ends each; 0: not told)
        return range(0), range(0)
    return range(places[0], places[1]), range(places[2], places[3])


class Tree:
    """One process and everything below it, followed over time.

    Args:
        root: pid of the top process, a child of the caller.
    """

    def __init__(self, root: int) -> None:
        self.root = root
        self.pids: dict[int, None] = {root: None}  # ordered: parents before children
        self._frozen: set[int] = set()
        # Open files of those that fork: reading them again costs a tenth of opening them.
        self._parents: dict[int, tuple[int, int]] = {}
        self._watch(root)

    def close(self) -> None:
        """Close what is open; signals nobody."""
        for files in self._parents.values():
            for file in files:
                os.close(file)
        self._parents.clear()

    def scan(self, *, thorough: bool) -> bool:
        """Look for new members; tell whether there were any.

        Quick: below those known to fork. Thorough: below everybody and every thread, and drops
        those that left.
        """
        if thorough or not LINUX:
            return self._scan_all()
        before = len(self.pids)
        for parent, (file, _) in list(self._parents.items()):
            try:
                below = _numbers(os.pread(file, 1 << 20, 0))
            except OSError:
                self._forget(parent)
                continue
            for pid in below:
                self.pids[pid] = None
        return len(self.pids) > before

    def cpu_s(self) -> float:
        """Return CPU seconds of all members so far, with those of their reaped children.

        A child's time moves into its parent's when it is reaped (in steps of a clock tick), so
        that processes that live for less than one look are counted too.
        """
        total = 0.0
        for pid in list(self.pids):
            try:
                # clock_getcpuclockid(3), which Python does not have: see MAKE_PROCESS_CPUCLOCK
                # in the kernel's posix-timers_types.h.
                total += time.clock_gettime((~pid << 3) | 2)
            except OSError:  # noqa: PERF203 (one may be gone, the others count)
                self._forget(pid)
        for parent, (_, file) in list(self._parents.items()):
            try:
                fields = os.pread(file, 4096, 0).rpartition(b")")[2].split()
                total += (int(fields[13]) + int(fields[14])) / _TICKS_PER_S
            except (OSError, IndexError):  # noqa: PERF203 (same)
                self._forget(parent)
        return total

    def freeze(self, *, thorough: bool = False) -> None:
        """Stop every member, also those that are being forked meanwhile (parents first)."""
        self.scan(thorough=thorough)
        for _ in range(_FREEZE_ROUNDS):
            for pid in list(self.pids):
                if pid not in self._frozen and self._send(pid, signal.SIGSTOP):
                    self._frozen.add(pid)
            if not self.scan(thorough=thorough):
                return

    def thaw(self) -> None:
        """Let every frozen member go on."""
        for pid in list(self.pids):
            if pid in self._frozen:
                self._send(pid, signal.SIGCONT)
        self._frozen.clear()

    def kill(self) -> None:
        """Send SIGKILL to every member; frozen ones die too."""
        self._scan_all()
        for pid in list(self.pids):
            self._send(pid, signal.SIGKILL)

    def _scan_all(self) -> bool:
        now = dict.fromkeys(members(self.root))
        new = any(pid not in self.pids for pid in now)
        for pid in [pid for pid in self.pids if pid not in now]:
            self._forget(pid)
        self.pids = now or {self.root: None}
        if LINUX:
            for pid in now:
                if pid not in self._parents and _read(f"/proc/{pid}/task/{pid}/children"):
                    self._watch(pid)
        return new

    def _watch(self, pid: int) -> None:
        if not LINUX:
            return
        try:
            below = os.open(f"/proc/{pid}/task/{pid}/children", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return
        try:
            stat = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            os.close(below)
            return
        self._parents[pid] = (below, stat)

    def _forget(self, pid: int) -> None:
        self.pids.pop(pid, None)
        self._frozen.discard(pid)
        for file in self._parents.pop(pid, ()):
            os.close(file)

    def _send(self, pid: int, number: signal.Signals) -> bool:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            self._forget(pid)
            return False
        except PermissionError:
            return False
        return True


def _stat(pid: int) -> list[bytes] | None:
    """Return the fields of ``/proc/<pid>/stat`` from the state on (proc(5) number minus three)."""
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return fields or None


def _read(path: str) -> bytes:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        parts = []
        while part := os.read(file, 1 << 16):
            parts.append(part)
        return b"".join(parts)
    except OSError:
        return b""
    finally:
        os.close(file)


def _numbers(text: bytes) -> list[int]:
    return [int(word) for word in text.split()]


def _table_by_ps() -> dict[int, list[int]]:
    import subprocess  # noqa: PLC0415 (only where there is no /proc)

    table: dict[int, list[int]] = {}
    told = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, check=False)  # noqa: S607 (a system tool)
    for line in told.stdout.splitlines():
        pid, parent = _numbers(line)
        table.setdefault(parent, []).append(pid)
    return table


def _started_by_ps(pid: int) -> int | None:
    import subprocess  # noqa: PLC0415 (as above)

    asked = ["ps", "-o", "lstart=", "-p", str(pid)]
    told = subprocess.run(asked, capture_output=True, check=False, env={"LC_ALL": "C"}).stdout
    if not told.strip():
        return None
    return int(time.mktime(time.strptime(told.decode().strip(), "%a %b %d %H:%M:%S %Y")))
