"""Failure stories: the same document plays the same faults with the same draws."""

from __future__ import annotations

import asyncio
import errno
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_sysdesign.errors import ConflictError, InvalidRequestError, NotFoundError
from jupyter_sysdesign.faults.cache import MemoryLimit
from jupyter_sysdesign.faults.models import FaultSchedule
from jupyter_sysdesign.faults.schedules import Schedules

if TYPE_CHECKING:
    from links_shop import Shop

    from jupyter_sysdesign.faults.fault import Fault

pytestmark = pytest.mark.anyio

LINK = {"source": "app", "target": "stock"}


def story(*steps: dict[str, Any], seed: int = 5) -> FaultSchedule:
    return FaultSchedule.model_validate({"name": "a bad day", "seed": seed, "steps": list(steps)})


async def played(schedules: Schedules) -> Any:
    while schedules.list()[-1].state == "playing":  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    return schedules.list()[-1]


async def test_the_same_story_is_the_same_failures(shop: Shop) -> None:
    schedules = Schedules(shop.instance, shop.injector)
    document = story(
        {"at_s": 0.3, "fault": "reset", "link": LINK, "arguments": {"share": 0.5}, "for_s": 300},
        {"at_s": 0.1, "fault": "flush", "service": "cache"},
        {"at_s": 0.1, "fault": "hold-lock", "service": "db", "arguments": {"table": "nothing"}},
    )
    answers = []
    for _ in range(2):
        shop.told.clear()
        begun = schedules.play(document)
        assert begun.state == "playing"
        with pytest.raises(ConflictError, match="still being played"):
            schedules.play(document)
        done = await played(schedules)
        assert [each.state for each in done.steps] == ["injected", "injected", "refused"]
        assert "no table 'nothing'" in done.steps[2].message
        # Each begins at its time, and none waits for another to have taken effect.
        started = {said.fault: said for kind, said in shop.told if kind == "fault.started"}
        assert started.keys() == {"flush", "reset"}
        assert {each.schedule for each in started.values()} == {done.id}
        answers.append([(await shop.get("/level")).status_code for _ in range(40)])
        assert started["flush"].started_at >= begun.started_at + 0.1
        assert started["reset"].started_at >= begun.started_at + 0.3
        await schedules.stop(done.id)
        assert shop.injector.active == []
    assert answers[0] == answers[1]
    assert set(answers[0]) == {200, 502}


async def test_another_seed_draws_otherwise(shop: Shop) -> None:
    schedules = Schedules(shop.instance, shop.injector)
    seeds = []
    for seed in (1, 1, 2):
        step = {"at_s": 0, "fault": "jitter", "link": LINK}
        schedules.play(story(step, {**step, "at_s": 0.1}, seed=seed))
        done = await played(schedules)
        # The second one is in the way of the first.
        assert [each.state for each in done.steps] == ["injected", "refused"]
        seeds.append(shop.injector.active[0].arguments["seed"])
        await schedules.stop(done.id)
    assert seeds[0] == seeds[1] != seeds[2]


async def test_a_stopped_story_takes_its_faults_back(shop: Shop) -> None:
    schedules = Schedules(shop.instance, shop.injector)
    mine = await shop.inject("latency", ("app", "db"), latency_ms=1)
    begun = schedules.play(
        story(
            {"at_s": 0, "fault": "pause", "service": "stock"},
            {"at_s": 1000, "fault": "kill", "service": "stock"},
        )
    )
    while len(shop.injector.active) < 2:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    await schedules.stop(begun.id)
    await schedules.stop(begun.id)
    assert begun.state == "stopped"
    assert [each.state for each in begun.steps] == ["injected", "waiting"]
    assert [each.id for each in shop.injector.active] == [mine.id]


@pytest.mark.parametrize("while_it_is", ["up", "down"])
async def test_a_story_that_is_stopped_during_a_restart_leaves_it_running(
    shop: Shop, while_it_is: str
) -> None:
    schedules = Schedules(shop.instance, shop.injector)
    before = shop.instance.processes()["stock"][0]
    begun = schedules.play(story({"at_s": 0, "fault": "restart", "service": "stock"}))
    while while_it_is == "down" and before in shop.instance.processes().get("stock", [before]):  # noqa: ASYNC110
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    await schedules.stop(begun.id)
    assert shop.instance.processes().get("stock"), begun.steps
    assert (await shop.get("/level")).status_code == 200
    (stock,) = [each for each in shop.instance.status.services if each.name == "stock"]
    assert stock.state.value == "ready"


async def test_what_cannot_be_recovered_keeps_nothing_else_on(shop: Shop) -> None:
    schedules = Schedules(shop.instance, shop.injector)
    begun = schedules.play(
        story(
            {"at_s": 0, "fault": "cpu-quota", "service": "stock"},
            {"at_s": 0.5, "fault": "memory-limit", "service": "cache"},
        )
    )
    await played(schedules)
    await shop.instance.service("cache", "pause")
    with pytest.raises(ConflictError, match="cache: "):
        await schedules.stop(begun.id)
    assert [each.fault for each in shop.injector.active] == ["memory-limit"]
    await shop.instance.service("cache", "resume")
    await schedules.stop(begun.id)
    assert shop.injector.active == []


async def test_a_full_disk_keeps_nothing_else_on_and_is_told_of_its_step(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_fault: Fault[Any]) -> None:
        raise OSError(errno.ENOSPC, "No space left")

    schedules = Schedules(shop.instance, shop.injector)
    step = {"at_s": 0, "fault": "memory-limit", "service": "cache"}
    with monkeypatch.context() as trouble:
        trouble.setattr(MemoryLimit, "inject", fails)
        schedules.play(story(step))
        (outcome,) = (await played(schedules)).steps
    assert (outcome.state, outcome.message) == ("refused", "[Errno 28] No space left")
    begun = schedules.play(
        story({"at_s": 0, "fault": "cpu-quota", "service": "stock"}, {**step, "at_s": 0.5})
    )
    await played(schedules)
    with monkeypatch.context() as trouble:
        trouble.setattr(MemoryLimit, "recover", fails)
        with pytest.raises(OSError, match="No space left"):
            await schedules.stop(begun.id)
    assert [each.fault for each in shop.injector.active] == ["memory-limit"]


async def test_a_story_may_be_stopped_before_it_begins(shop: Shop) -> None:
    schedules = Schedules(shop.instance, shop.injector)
    document = story({"at_s": 0, "fault": "kill", "service": "stock"})
    begun = schedules.play(document)
    await schedules.stop(begun.id)
    assert begun.state == "stopped"
    assert shop.told == []
    schedules.play(document)
    assert (await played(schedules)).steps[0].state == "injected"


async def test_a_story_that_makes_no_sense_is_not_begun(shop: Shop) -> None:
    schedules = Schedules(shop.instance, shop.injector)
    good = {"at_s": 0, "fault": "kill", "service": "stock"}
    with pytest.raises(NotFoundError):
        schedules.play(story(good, {**good, "fault": "gravity"}))
    with pytest.raises(InvalidRequestError):
        schedules.play(story(good, {**good, "arguments": {"cpus": 1}}))
    assert schedules.list() == []
    assert shop.told == []
