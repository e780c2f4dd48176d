"""Views of one model over its comm."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_sysdesign.notebook.messages import Messages

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def said() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def messages(said: list[dict[str, Any]]) -> Iterator[Messages]:
    """Return the Python end of a comm; nothing happens in the environment meanwhile."""

    class Silence:
        """Events that do not come, until it is closed."""

        def __init__(self, _environment: str, _after: int) -> None:
            self.closed = threading.Event()
            self.close = self.closed.set

        def __iter__(self) -> Iterator[Any]:
            self.closed.wait()
            return iter(())

    connection: Any = SimpleNamespace(client=SimpleNamespace(events=Silence), environment="e")
    made = Messages(connection, said.append)
    yield made
    made.close()


def closed(said: list[dict[str, Any]]) -> list[str]:
    return [each["view"] for each in list(said) if "closed" in each]


def subscribe(messages: Messages, view: str) -> None:
    messages.receive({"view": view, "subscribe": {"environment": "e", "after": 0}})


def test_a_view_that_subscribes_again_ends_no_other(
    messages: Messages, said: list[dict[str, Any]]
) -> None:
    for _ in range(20):
        subscribe(messages, "one")
        subscribe(messages, "two")
    assert closed(said) == []


def test_views_of_closed_pages_do_not_add_up(
    messages: Messages, said: list[dict[str, Any]]
) -> None:
    for number in range(11):
        subscribe(messages, str(number))
        subscribe(messages, "living")
    # Whoever is told can subscribe again; the others go on.
    assert closed(said) == ["0", "1", "2", "3"]
    assert {"view": "0", "environment": "e", "closed": True} in said
