"""What a notebook file keeps of a run."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from jupyter_sysdesign.notebook.loading import kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.control.models import Run


def test_a_long_run_is_thinned_evenly_and_to_its_end(make_run: Callable[..., Run]) -> None:
    run = make_run(10.0, ticks=1500)
    few = kept(run).ticks
    assert 400 <= len(few) <= 600
    assert few[-1] == run.ticks[-1]
    steps = {round(after.t_s - before.t_s, 6) for before, after in pairwise(few)}
    assert len(steps) == 1
    assert len(run.ticks) == 1500


def test_a_short_run_is_kept_whole(make_run: Callable[..., Run]) -> None:
    for ticks in (0, 1, 600):
        assert len(kept(make_run(10.0, ticks=ticks)).ticks) == ticks
