"""A load is put on a system again where the machine, not the system, spoilt it; nothing else is."""

from __future__ import annotations

import pytest

from jupyter_sysdesign.grading.checks import CannotTell, Crowded, Failed, undisturbed


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
