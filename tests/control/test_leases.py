from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_sysdesign.control.leases import Leases
from jupyter_sysdesign.errors import LeaseEndedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

GRACE_S = 0.02


class Book(Leases):
    """Leases that note what was given up, in order."""

    def __init__(self, grace_s: float = GRACE_S) -> None:
        self.given_up: list[str] = []
        super().__init__(grace_s, self.given_up.append)


def on_a_loop(scenario: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        asyncio.run(scenario())

    run.__name__ = scenario.__name__
    return run


async def given_up(book: Book, *environments: str) -> None:
    while set(book.given_up) != set(environments):  # noqa: ASYNC110 (a list tells nobody)
        await asyncio.sleep(GRACE_S / 4)


@on_a_loop
async def test_a_clean_end_lets_go_at_once() -> None:
    book = Book(grace_s=1000)
    lease = book.open("kernel:a", None)
    book.hold(lease, "env")
    book.end(lease)
    assert book.given_up == ["env"]
    assert lease.ended.is_set()


@on_a_loop
async def test_a_lost_connection_lets_go_after_the_grace_period() -> None:
    book = Book()
    lease = book.open("kernel:a", None)
    book.hold(lease, "env")
    book.lost(lease)
    assert book.given_up == []
    assert book.is_held("env")
    await given_up(book, "env")


@on_a_loop
async def test_what_is_started_for_a_holder_that_went_meanwhile_is_given_up() -> None:
    book = Book(grace_s=1000)
    lease = book.open("kernel:a", None)
    book.end(lease)
    book.open("kernel:a", None)  # another one of that name
    with pytest.raises(LeaseEndedError):
        book.hold(lease, "env")
    assert book.given_up == ["env"]


@on_a_loop
async def test_coming_back_within_the_grace_period_keeps_everything() -> None:
    book = Book()
    lease = book.open("kernel:a", None)
    book.hold(lease, "env")
    book.lost(lease)
    again = book.open("kernel:a", None)
    await asyncio.sleep(3 * GRACE_S)
    assert book.given_up == []
    book.end(again)
    assert book.given_up == ["env"]


@on_a_loop
async def test_an_environment_lives_as_long_as_its_last_holder() -> None:
    book = Book()
    one, other = book.open("kernel:a", None), book.open("jupyter:a", None)
    book.hold(one, "env")
    book.hold(other, "env")
    book.end(one)
    assert book.given_up == []
    book.lost(other)
    await given_up(book, "env")


@on_a_loop
async def test_two_connections_of_a_holder_are_one_holder() -> None:
    book = Book(grace_s=1000)
    one, other = book.open("kernel:a", None), book.open("kernel:a", None)
    book.hold(one, "env")
    book.lost(one)
    book.end(other)
    assert book.given_up == ["env"]


@on_a_loop
async def test_a_holder_goes_with_its_last_connection() -> None:
    book = Book(grace_s=1000)
    one, other = book.open("jupyter:a", None), book.open("jupyter:a", None)
    book.hold(one, "env")
    book.end(one)
    assert book.given_up == []
    book.end(other)
    assert book.given_up == ["env"]


@on_a_loop
async def test_the_clean_end_of_a_parent_ends_its_children_and_theirs() -> None:
    book = Book(grace_s=1000)
    parent = book.open("jupyter:a", None)
    child = book.open("kernel:a", "jupyter:a")
    grandchild = book.open("check:a", "kernel:a")
    stranger = book.open("kernel:b", "jupyter:b")
    book.hold(child, "childs")
    book.hold(grandchild, "grandchilds")
    book.hold(stranger, "strangers")
    book.end(parent)
    assert sorted(book.given_up) == ["childs", "grandchilds"]
    assert child.ended.is_set()
    assert grandchild.ended.is_set()
    with pytest.raises(LeaseEndedError):
        book.get(child.id)


@on_a_loop
async def test_a_parent_that_vanished_takes_no_living_child_along() -> None:
    book = Book()
    parent = book.open("jupyter:a", None)
    child = book.open("kernel:a", "jupyter:a")
    book.hold(parent, "parents")
    book.hold(child, "childs")
    book.lost(parent)
    await given_up(book, "parents")
    assert not child.ended.is_set()
    assert book.is_held("childs")


@on_a_loop
async def test_a_clean_end_by_id_counts_within_the_grace_period() -> None:
    book = Book(grace_s=1000)
    lease = book.open("jupyter:a", None)
    book.hold(lease, "env")
    book.lost(lease)
    book.end_by_id(lease.id)
    assert book.given_up == ["env"]
    book.end_by_id(lease.id)
    book.end_by_id("no such lease")
    assert book.given_up == ["env"]


@on_a_loop
async def test_the_id_from_before_a_return_ends_nothing() -> None:
    book = Book(grace_s=1000)
    lease = book.open("jupyter:a", None)
    book.hold(lease, "env")
    book.lost(lease)
    book.open("jupyter:a", None)
    book.end_by_id(lease.id)
    assert book.given_up == []


@on_a_loop
async def test_a_detached_lease_ends_by_itself() -> None:
    book = Book()
    book.detach("env", GRACE_S)
    assert book.is_held("env")
    await given_up(book, "env")


@on_a_loop
async def test_a_detached_lease_can_be_ended_and_renewed() -> None:
    book = Book()
    book.detach("env", 1000)
    book.detach("env", 2000)
    assert book.end_detached("env")
    assert not book.end_detached("env")
    assert book.given_up == ["env"]


@on_a_loop
async def test_a_detached_lease_does_not_end_what_others_hold() -> None:
    book = Book(grace_s=1000)
    lease = book.open("kernel:a", None)
    book.hold(lease, "env")
    book.detach("env", 1000)
    book.end_detached("env")
    assert book.given_up == []
    book.detach("env", 1000)
    book.end(lease)
    assert book.given_up == []


@on_a_loop
async def test_what_nobody_takes_over_is_given_up() -> None:
    book = Book()
    book.wait_for_holder("env")
    await given_up(book, "env")


@on_a_loop
async def test_what_somebody_takes_over_is_not() -> None:
    book = Book()
    book.wait_for_holder("held")
    book.hold(book.open("kernel:a", None), "held")
    book.wait_for_holder("detached")
    book.detach("detached", 1000)
    await asyncio.sleep(3 * GRACE_S)
    assert book.given_up == []
    book.close()


@on_a_loop
async def test_a_stop_on_purpose_ends_the_detached_lease_quietly() -> None:
    book = Book()
    book.detach("env", GRACE_S)
    book.forget_detached("env")
    await asyncio.sleep(3 * GRACE_S)
    assert book.given_up == []


@on_a_loop
async def test_a_removed_environment_is_held_by_nobody() -> None:
    book = Book(grace_s=1000)
    lease: Any = book.open("kernel:a", None)
    book.hold(lease, "env")
    book.forget("env")
    book.end(lease)
    assert book.given_up == []
