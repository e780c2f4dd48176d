"""Real servers, as the tests of the metrics start them; and somebody who may not read."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import pytest
from metrics.conftest import cluster, folder, postgres, start_valkey, valkey  # noqa: F401

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager


@pytest.fixture
def nobody() -> Callable[[], AbstractContextManager[None]]:
    """Give a block in which files can be closed to us, root or not."""

    @contextlib.contextmanager
    def being_nobody() -> Iterator[None]:
        me = os.geteuid()
        if me == 0:
            os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(me)

    return being_nobody
