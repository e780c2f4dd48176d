"""CPU quotas without privileges: a duty cycle of SIGSTOP and SIGCONT over whole process trees.

Each tree earns ``quota`` CPU seconds per second and is frozen while it owes any, like the kernel's
own bandwidth control. It is the only one that freezes and thaws, so that a quota never wakes what
is paused. Linux only: elsewhere ``set_quota`` has no effect.
"""

from __future__ import annotations

import time

from jupyter_sysdesign.environment.proctree import LINUX, Tree

PERIOD_S = 0.020
# An idle tree is looked at less often; what it may overuse before that is noticed, it pays back.
_IDLE_PERIOD_S = 0.050
_IDLE_AFTER = 10
_SHORTEST_LOOK_S = 0.002
_THOROUGH_EVERY_S = 0.2
# What a tree may save up while it idles, in periods of its quota.
_SAVED_PERIODS = 2
# A frozen tree goes on when it has earned this part of a period, not after each microsecond.
_SLICE_PERIODS = 0.5
# After a sudden burst a tree is frozen for no longer than this; the rest of the debt is forgiven.
_LONGEST_FREEZE_S = 0.5
# Looks that are due this soon are made at once: fewer wake-ups.
_TOGETHER_S = 0.003


class _Governed:
    """One tree with its account."""

    def __init__(self, root: int) -> None:
        self.tree = Tree(root)
        self.quota: float | None = None
        self.paused = False
        self.throttled = False
        self.budget_s = 0.0
        self.seen_cpu_s = 0.0
        self.seen_at = 0.0
        self.scanned_at = 0.0
        self.idle_looks = 0
        self.due: float | None = None


class Governor:
    """All trees of one supervisor. Call ``tick`` when it says so; it never blocks."""

    def __init__(self) -> None:
        self._governed: dict[str, _Governed] = {}

    def add(self, name: str, root: int) -> None:
        """Take charge of the tree under ``root``, without a quota yet."""
        self._governed[name] = _Governed(root)

    def remove(self, name: str) -> None:
        """Let a tree go, running."""
        governed = self._governed.pop(name, None)
        if governed:
            governed.tree.thaw()
            governed.tree.close()

    def tree(self, name: str) -> Tree:
        """Return the tree, for looking at it and killing it."""
        return self._governed[name].tree

    def set_quota(self, name: str, cores: float | None, now: float | None = None) -> None:
        """Hold a tree to ``cores`` from now on, or not at all; works on a running one."""
        governed = self._governed[name]
        governed.quota = cores if LINUX else None
        now = time.monotonic() if now is None else now
        if governed.quota is None:
            governed.due = None
            governed.throttled = False
            if not governed.paused:
                governed.tree.thaw()
            return
        governed.tree.scan(thorough=True)
        governed.scanned_at = governed.seen_at = now
        governed.seen_cpu_s = governed.tree.cpu_s()
        governed.budget_s = min(governed.budget_s, governed.quota * PERIOD_S * _SAVED_PERIODS)
        governed.idle_looks = 0
        governed.due = None if governed.paused else now

    def pause(self, name: str) -> None:
        """Freeze a tree until ``resume``, whatever its quota says."""
        governed = self._governed[name]
        governed.paused = True
        governed.due = None
        governed.tree.freeze(thorough=True)

    def resume(self, name: str, now: float | None = None) -> None:
        """End a pause; a quota counts again from here."""
        governed = self._governed[name]
        governed.paused = governed.throttled = False
        governed.tree.thaw()
        if governed.quota is not None:
            self.set_quota(name, governed.quota, now)

    def release(self, name: str) -> None:
        """Drop quota and pause, so that a service that is told to stop can do it at once."""
        governed = self._governed[name]
        governed.quota = governed.due = None
        governed.paused = governed.throttled = False
        governed.tree.scan(thorough=True)
        governed.tree.thaw()

    def tick(self, now: float) -> float | None:
        """Make the looks that are due; return when to come back, or None if nobody has a quota."""
        nearest = None
        for governed in self._governed.values():
            if governed.due is None:
                continue
            if governed.due <= now + _TOGETHER_S:
                governed.due = now + self._look(governed, now)
            if nearest is None or governed.due < nearest:
                nearest = governed.due
        return nearest

    def _look(self, governed: _Governed, now: float) -> float:
        """Settle the account, freeze or thaw; return seconds until the next look."""
        quota = governed.quota or 0.0
        elapsed_s = max(now - governed.seen_at, 1e-6)
        governed.seen_at = now
        tree = governed.tree
        thorough = now - governed.scanned_at >= _THOROUGH_EVERY_S
        if thorough:
            governed.scanned_at = now
        tree.scan(thorough=thorough)
        cpu_s = tree.cpu_s()
        used_s = max(cpu_s - governed.seen_cpu_s, 0.0)
        # The sum wavers by a clock tick when children are reaped; a real fall means that members
        # left the tree for good.
        if used_s or governed.seen_cpu_s - cpu_s > PERIOD_S:
            governed.seen_cpu_s = cpu_s
        saved_s = quota * PERIOD_S * _SAVED_PERIODS
        debt_s = quota * _LONGEST_FREEZE_S
        earned_s = governed.budget_s + quota * elapsed_s
        governed.budget_s = max(min(earned_s - used_s, saved_s), -debt_s)

        slice_s = quota * PERIOD_S * _SLICE_PERIODS
        if governed.budget_s < (slice_s * 0.9 if governed.throttled else 0.0):
            tree.freeze()
            governed.throttled = True
            governed.idle_looks = 0
            return max((slice_s - governed.budget_s) / quota, _SHORTEST_LOOK_S)
        if governed.throttled:
            governed.throttled = False
            tree.thaw()
            return max(governed.budget_s, _SHORTEST_LOOK_S)
        rate = used_s / elapsed_s
        if rate < quota * 0.1:
            governed.idle_looks += 1
            return _to_next_beat(now) if governed.idle_looks > _IDLE_AFTER else PERIOD_S
        governed.idle_looks = 0
        return min(max(governed.budget_s / rate, _SHORTEST_LOOK_S), PERIOD_S)


def _to_next_beat(now: float) -> float:
    """Return the time to the next look at what idles: the same for all, so that we wake once."""
    beats = (now + _TOGETHER_S) // _IDLE_PERIOD_S + 1
    return beats * _IDLE_PERIOD_S - now
