"""A load is put on a system again where the machine, not the system, spoilt it; nothing else is."""

from __future__ import annotations

import pytest

from jupyter_sysdesign.grading.checks import CannotTell, Crowded, Failed, best, undisturbed


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the pauses that were made; nobody waits for them here."""
    made: list[float] = []
    monkeypatch.setattr("time.sleep", made.append)
    return made


class Loads:
    """Ends in one way after the other."""

    def __init__(self, *ends: Exception | int) -> None:
        self.left = list(ends)

    def __call__(self) -> int:
        end = self.left.pop(0)
        if isinstance(end, Exception):
            raise end
        return end


def test_it_is_tried_again_while_the_machine_was_crowded(pauses: list[float]):
    loads = Loads(Crowded(), Crowded(), 3, 4)
    assert undisturbed(loads) == 3
    assert loads.left == [4]
    assert 0 < pauses[0] < pauses[1]


def test_it_is_given_up_after_some_time():
    with pytest.raises(Crowded, match="third"):
        undisturbed(Loads(Crowded("first"), Crowded("second"), Crowded("third"), 4))


@pytest.mark.parametrize("end", [CannotTell("no"), Failed("no"), ValueError("no")])
def test_what_the_system_did_counts_at_once(end: Exception, pauses: list[float]):
    loads = Loads(end, 2)
    with pytest.raises(type(end)):
        undisturbed(loads)
    assert loads.left == [2]
    assert not pauses


def best_of(monkeypatch: pytest.MonkeyPatch, crowded: list[float], *measured: int) -> int:
    """Return the best of what is ``measured`` in turn; from 3 to 6 it is doubtful."""
    monkeypatch.setattr("jupyter_sysdesign.grading.machine.crowding", lambda: crowded.pop(0))
    first, *others = measured
    return best(
        first, lambda: others.pop(0), doubtful=lambda each: 2 < each < 7, worth=lambda each: each
    )


@pytest.mark.parametrize(
    ("measured", "chosen"),
    [([9, 1], 9), ([1, 9], 1), ([3, 9, 1], 9), ([3, 1, 5], 5), ([5, 4, 3], 5)],
    ids=["good", "bad", "good at last", "doubtful to the end", "worse each time"],
)
def test_what_is_doubtful_is_measured_again(
    monkeypatch: pytest.MonkeyPatch, measured: list[int], chosen: int
):
    assert best_of(monkeypatch, [1.0] * 3, *measured) == chosen


@pytest.mark.parametrize("at", range(3))
def test_what_stays_doubtful_on_a_crowded_machine_decides_nothing(
    monkeypatch: pytest.MonkeyPatch, at: int
):
    crowded = [1.0] * 3
    crowded[at] = 2.0  # whenever it was: all three may have suffered from it
    with pytest.raises(Crowded, match="busy with something else"):
        best_of(monkeypatch, crowded, 3, 4, 5)
