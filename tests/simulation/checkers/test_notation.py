"""Histories as a person writes them."""

from __future__ import annotations

import pytest

from jupyter_sysdesign.errors import InvalidFileError
from jupyter_sysdesign.simulation.checkers.notation import read, read_sections, verdicts


def test_lines_follow_each_other_unless_they_say_when():
    one, two, three = read("ann writes x 1 # first\n\nbob reads x nothing [1 3]\ncarl reads y -7")
    assert (one.client, one.kind, one.key, one.value, one.result) == ("ann", "write", "x", 1, None)
    assert (two.client, two.kind, two.result) == ("bob", "read", None)
    assert three.result == -7
    assert one.precedes(three)
    assert not one.precedes(two)
    assert not two.precedes(three)


def test_a_file_may_hold_several():
    found = read_sections("# none\n[read your writes]\nann writes x 1\n[empty]\n")
    assert list(found) == ["read your writes", "empty"]
    assert [len(each) for each in found.values()] == [1, 0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ann writes x 1", "3: this line belongs to no history"),
        ("[a]\nann wrote x 1", "4: 'ann wrote x 1' is no operation"),
        ("[a]\nann writes x nothing", "4: nobody can write nothing"),
        ("[a]\nann reads x 99999999999", "4: 'ann reads x 99999999999' is no operation"),
        ("[a]\nann reads x 1 [3 1]", "4: .* before it was invoked"),
        ("[a]\n[a]", r"4: \[a\] is there twice"),
        ("[a]\nann reads x 1 [1 5]\nann reads x 1", "does two things at once"),
        ("\x00", "3: "),
    ],
)
def test_what_is_no_history_is_refused_with_its_line(text: str, said: str):
    with pytest.raises(InvalidFileError, match=said):
        read_sections(f"\n\n{text}", "h")
    with pytest.raises(InvalidFileError):
        read("[another]")


def test_the_verdicts_name_the_weakest():
    lines = verdicts(read("ann writes x 1\nann reads x nothing\nann reads x 1")).splitlines()
    assert len(lines) == 10
    assert [line for line in lines if "<- the weakest" in line] == [
        "read your writes      broken   <- the weakest"
    ]
