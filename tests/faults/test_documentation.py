"""The page about faults says what the library says."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_sysdesign.faults import documentation
from jupyter_sysdesign.faults.library import FAULTS

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"


def test_the_checked_in_page_is_current() -> None:
    assert PAGE.read_text() == documentation.render(), (
        "run python -m jupyter_sysdesign.faults.documentation > docs/faults.md"
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_every_default_is_allowed(fault: str) -> None:
    kind = FAULTS[fault]
    assert kind.takes.model_validate({}) == kind.takes.model_validate(kind.takes().model_dump())
    described = kind.describe()
    assert all(each.get("description") for each in described.arguments["properties"].values())
    assert bool(described.kinds) == (described.target != "link")


def test_who_excludes_is_excluded() -> None:
    for one in FAULTS.values():
        for other in one.excludes:
            assert one.id in FAULTS[other].excludes
