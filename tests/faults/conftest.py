"""The shop with links, running once per runtime for all tests of a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from links_shop import close_shop, open_shop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from links_shop import Shop

    from jupyter_sysdesign.environment.source import Source


@pytest.fixture(
    scope="module", params=["embedded", pytest.param("docker", marks=pytest.mark.docker)]
)
async def opened(
    shared_source: Callable[..., Source], request: pytest.FixtureRequest
) -> AsyncIterator[Shop]:
    shop = await open_shop(shared_source("tiny-links", request.param), runs_on=request.param)
    yield shop
    await close_shop(shop)


@pytest.fixture
async def shop(opened: Shop) -> AsyncIterator[Shop]:
    """Return the module's shop; a test leaves it as it was."""
    opened.told.clear()
    yield opened
    await opened.recover_all()
    states = {each.name: each.state.value for each in opened.instance.status.services}
    assert set(states.values()) == {"ready"}, states
