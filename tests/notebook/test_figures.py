"""A number reads the same in a notebook without JupyterLab's views as in them.

``labextension/tests/format.test.ts`` holds the other side to the same table.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_sysdesign.notebook.rendering import figures

TABLE = json.loads((Path(__file__).parents[1] / "data" / "figures.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("name", "given", "written"),
    [(name, given, written) for name, cases in TABLE.items() for given, written in cases],
)
def test_number_is_written_as_in_the_table(name: str, given: list[float], written: str) -> None:
    assert getattr(figures, name)(*given) == written


@pytest.mark.parametrize(
    ("ratio", "written"), [(1.26, "1.3×"), (9.94, "9.9×"), (9.97, "10×"), (1234, "1,234×")]
)
def test_ratio_has_the_digits_of_what_it_is_rounded_to(ratio: float, written: str) -> None:
    assert figures.times(ratio) == written
