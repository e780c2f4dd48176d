from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.simulation.disk import Disk
from jupyter_sysdesign.simulation.faults import Fault, Trigger, arm
from jupyter_sysdesign.simulation.network import Network
from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.snapshot import Snapshot
from jupyter_sysdesign.simulation.verdict import BudgetSpent, NodeFailed
from jupyter_sysdesign.simulation.world import Simulation

if TYPE_CHECKING:
    from collections.abc import Callable

    Pair = Callable[..., Simulation]


def heard(world: Simulation, name: int = 2) -> list[Any]:
    """What a Listener noted, its start apart."""
    return [each for each in world.contexts[name].node.heard if each[1:] != ("start",)]


def send(world: Simulation, message: Any) -> None:
    world.contexts[1].send(2, message)


# Time ------------------------------------------------------------------------------------------


def test_events_happen_in_order_of_time_and_then_of_making(pair: Pair):
    world = pair()
    for number in range(5):
        send(world, number)
    world.contexts[2].set_timer("early", 500)
    world.run(10_000)
    assert heard(world) == [(500, "timer", "early"), *((1000, 1, number) for number in range(5))]
    assert world.time == 10_000


def test_a_timer_is_put_off_brought_forward_and_cancelled(pair: Pair):
    world = pair()
    ctx = world.contexts[1]
    ctx.set_timer("later", 1000)
    ctx.set_timer("later", 5000)
    ctx.set_timer("sooner", 5000)
    ctx.set_timer("sooner", 1000)
    ctx.set_timer("never", 2000)
    ctx.cancel("never")
    ctx.set_timer("again", 2000)
    ctx.cancel("again")
    ctx.set_timer("again", 3000)
    world.run(10_000)
    assert heard(world, 1) == [
        (1000, "timer", "sooner"),
        (3000, "timer", "again"),
        (5000, "timer", "later"),
    ]


def test_a_fast_clock_shows_more_and_rings_sooner(pair: Pair):
    world = pair()
    ctx = world.contexts[1]
    ctx.skew(offset_us=70, ppm=1_000_000)
    ctx.set_timer("ring", 1000)
    world.run(10_000)
    assert heard(world, 1) == [(500 * 2 + 70, "timer", "ring")]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50)), max_size=12))
def test_a_timer_rings_once_when_it_was_last_set_to(settings: list[tuple[str, int]]):
    class Setter(Node):
        def on_start(self) -> None:
            self.rang: list[tuple[int, str]] = []
            for name, delay in settings:
                self.ctx.set_timer(name, delay)

        def on_timer(self, name: str) -> None:
            self.rang.append((self.ctx.now(), name))

    world = Simulation(0)
    world.add(1, Setter)
    world.start()
    world.run(1000)
    assert sorted(world.contexts[1].node.rang) == sorted(
        (delay, name) for name, delay in dict(settings).items()
    )


# Messages --------------------------------------------------------------------------------------


def test_what_was_sent_cannot_be_changed_any_more(pair: Pair):
    world = pair()
    message = {"log": [1, 2]}
    send(world, message)
    message["log"].append(3)
    world.run(10_000)
    assert heard(world) == [(1000, 1, {"log": [1, 2]})]


def test_a_mutable_object_inside_a_tuple_is_copied_too(pair: Pair):
    class Box:
        content = 1

    world = pair()
    box = Box()
    send(world, ("box", box))
    box.content = 2
    world.run(10_000)
    assert heard(world)[0][2][1].content == 1


def test_an_immutable_message_is_the_same_object(pair: Pair):
    world = pair()
    message = ("a", (1, 2), frozenset({3}))
    send(world, message)
    world.run(10_000)
    assert heard(world)[0][2] is message


def test_nobody_can_be_sent_to_who_is_not_there(pair: Pair):
    with pytest.raises(ValueError, match="no node 9"):
        pair().contexts[1].send(9, "hello")


def test_loss_and_duplicates(pair: Pair):
    world = pair(network=Network(1000, 1000, loss=1.0))
    send(world, "gone")
    world.run(10_000)
    assert heard(world) == []
    world = pair(network=Network(1000, 1000, duplicate=1.0))
    send(world, "twice")
    world.run(10_000)
    assert [each[2] for each in heard(world)] == ["twice", "twice"]


@given(st.integers(0, 1000), st.sampled_from(["uniform", "exponential"]))
def test_fifo_links_keep_the_order_whatever_the_delays(seed: int, shape: Any):
    class Listener(Node):
        def on_start(self) -> None:
            self.heard: list[int] = []

        def on_message(self, src: int | str, message: int) -> None:
            self.heard.append(message)

    network = Network(100, 9000, shape=shape, reorder=0.5, duplicate=0.2, fifo=True)
    world = Simulation(seed, network=network)
    world.add(1, Listener)
    world.add(2, Listener)
    world.start()
    for number in range(30):
        world.contexts[1].send(2, number)
    world.run(10_000_000)
    received = world.contexts[2].node.heard
    assert received == sorted(received)
    assert set(received) == set(range(30))


def test_shares_and_delays_that_make_no_sense_are_refused():
    for wrong in ({"loss": 1.5}, {"low_us": 5, "high_us": 1}, {"shape": "cubic"}):
        with pytest.raises(InvalidRequestError):
            Network(**wrong)


def test_one_way_cuts_add_up(pair: Pair):
    world = pair()
    world.links.cut([(1, 2)])
    world.links.cut([(1, 2)])
    send(world, "lost")
    world.contexts[2].send(1, "the other way")
    world.links.mend([(1, 2)])
    send(world, "still cut")
    world.links.mend([(1, 2)])
    send(world, "through")
    world.run(10_000)
    assert [each[2] for each in heard(world)] == ["through"]
    assert [each[2] for each in heard(world, 1)] == ["the other way"]


# Crashes ---------------------------------------------------------------------------------------


def test_a_crash_loses_what_was_not_synced(pair: Pair):
    world = pair()
    disk = world.contexts[1].disk
    disk.write("kept", 1)
    disk.append("log", "a")
    disk.sync()
    disk.write("kept", 2)
    disk.append("log", "b")
    assert disk.read("kept") == 2
    world.crash(1, kept=0)
    assert disk.read("kept") == 1
    assert disk.log("log") == ["a"]


def test_a_crash_may_keep_the_first_writes_only(pair: Pair):
    world = pair()
    disk = world.contexts[1].disk
    for number in range(4):
        disk.append("log", number)
    world.crash(1, kept=2)
    assert disk.log("log") == [0, 1]


def test_what_is_on_disk_does_not_follow_what_was_written(pair: Pair):
    disk = pair().contexts[1].disk
    value = [1]
    disk.write("value", value)
    value.append(2)
    assert disk.read("value") == [1]
    disk.read("value").append(3)
    assert disk.read("value") == [1]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("append"), st.integers(0, 9)),
            st.tuples(st.just("truncate"), st.integers(0, 4)),
            st.tuples(st.just("forget"), st.integers(0, 2)),
            st.tuples(st.just("sync"), st.just(0)),
            st.tuples(st.just("crash"), st.just(0)),
        ),
        max_size=30,
    )
)
def test_a_disk_is_its_last_sync_after_a_crash(steps: list[tuple[str, int]]):
    disk, durable, seen = Disk(), [], []
    for step, value in steps:
        if step == "sync":
            disk.sync()
            durable = list(seen)
        elif step == "crash":
            disk.crash()
            seen = list(durable)
        else:
            getattr(disk, step)("log", value)
            if step == "append":
                seen.append(value)
            elif step == "truncate":
                del seen[value:]
            else:
                del seen[:value]
        assert disk.log("log") == seen


def test_messages_in_flight_die_with_their_sender_or_not(pair: Pair):
    for dies in (True, False):
        world = pair(in_flight_dies=dies)
        send(world, "on its way")
        world.crash(1)
        world.run(10_000)
        assert bool(heard(world)) is not dies


def test_a_restart_is_a_new_object_without_old_timers(pair: Pair):
    world = pair()
    before = world.contexts[1].node
    world.contexts[1].set_timer("old", 5000)
    world.crash(1)
    world.restart(1)
    world.run(10_000)
    assert world.contexts[1].node is not before
    assert heard(world, 1) == []


def test_a_paused_node_hears_everything_late(pair: Pair):
    world = pair()
    world.pause(2)
    send(world, "a")
    send(world, "b")
    world.contexts[2].set_timer("ring", 100)
    world.run(5000)
    assert heard(world) == []
    world.resume(2)
    world.run(6000)
    assert sorted(map(repr, heard(world))) == sorted(
        map(repr, [(5000, 1, "a"), (5000, 1, "b"), (5000, "timer", "ring")])
    )


def test_a_crash_in_the_middle_of_a_handler_ends_it(pair: Pair):
    class Writer(Node):
        def on_message(self, src: int | str, message: Any) -> None:
            try:
                self.ctx.disk.write("told", message)
            except Exception:  # noqa: BLE001
                pytest.fail("a power cut is no exception")
            self.ctx.send(src, "written")

    world = pair(Writer)
    strike = Fault("crash", 0, "it", lasts_us=3000, arguments={})
    arm(world, (Trigger("wrote", (strike,)),))
    send(world, "something")
    world.run(3000)
    assert world.contexts[2].state == 2
    assert world.sent == 1
    world.run(10_000)
    assert world.contexts[2].starts == 2


def test_a_crash_in_a_sync_loses_what_was_answered_before_it(pair: Pair):
    class Hasty(Node):
        def on_message(self, src: int | str, message: Any) -> None:
            self.ctx.disk.write("told", message)
            self.ctx.send(src, "written")
            self.ctx.disk.sync()

    world = pair(Hasty)
    arm(world, (Trigger("syncing", (Fault("crash", 0, "it", None, {"kept": 0}),)),))
    send(world, "something")
    world.run(3000)
    assert world.contexts[2].state == 2
    assert world.sent == 2
    assert world.contexts[2].disk.read("told") is None


# Faults ----------------------------------------------------------------------------------------


def test_faults_end_when_they_should_and_at_once_when_healed(pair: Pair):
    world = pair()
    world.at(1000, Fault("isolate", 1000, 1, lasts_us=2000))
    world.at(4000, Fault("crash", 4000, 2))
    world.run(2000)
    assert world.links.is_cut(1, 2)
    world.run(3500)
    assert not world.links.is_cut(1, 2)
    world.run(5000)
    assert world.contexts[2].state == 2
    world.heal()
    assert world.contexts[2].state == 0


def test_overlapping_network_faults_end_one_by_one(pair: Pair):
    world = pair()
    world.at(0, Fault("network", 0, "all", 3000, {"loss": 0.5}))
    world.at(1000, Fault("network", 1000, "all", 5000, {"duplicate": 0.5}))
    world.run(2000)
    assert (world.links.network.loss, world.links.network.duplicate) == (0.5, 0.5)
    world.run(4000)
    assert (world.links.network.loss, world.links.network.duplicate) == (0.0, 0.5)
    world.run(7000)
    assert world.links.network == world.links.normal


def test_a_fault_of_no_known_kind_is_refused():
    with pytest.raises(InvalidRequestError, match="no fault 'explode'"):
        Fault("explode")


# What goes wrong -------------------------------------------------------------------------------


def test_an_exception_in_a_handler_names_node_and_line(pair: Pair):
    class Broken(Node):
        def on_message(self, src: int | str, message: Any) -> None:
            raise KeyError("nothing here")

    world = pair(Broken)
    send(world, "x")
    with pytest.raises(NodeFailed, match=r"KeyError: 'nothing here' \(line \d+ of test_world.py\)"):
        world.run(10_000)


def test_a_run_without_end_spends_its_budget(pair: Pair):
    class Echo(Node):
        def on_message(self, src: int | str, message: Any) -> None:
            self.ctx.send(src, message)

    world = pair(Echo, max_events=100)
    send(world, "x")
    with pytest.raises(BudgetSpent):
        world.run(10**9)
    assert world.events >= 100


def test_each_stream_of_chance_is_its_own(pair: Pair):
    """A node that draws once more changes nobody else's numbers."""

    class Draws(Node):
        more = 0

        def on_start(self) -> None:
            self.drawn = [self.ctx.random.random() for _ in range(2 + self.more)]

    class DrawsMore(Draws):
        more = 1

    worlds = [Simulation(7), Simulation(7)]
    for world, second in zip(worlds, (Draws, DrawsMore), strict=True):
        world.add(1, Draws)
        world.add(2, second)
        world.start()
    one, other = worlds
    assert one.contexts[1].node.drawn == other.contexts[1].node.drawn
    assert one.contexts[2].node.drawn == other.contexts[2].node.drawn[:2]
    assert one.draw() == other.draw()


def test_a_record_of_a_log_cannot_be_changed_without_writing():
    disk = Disk()
    disk.append("log", ["kept"])
    disk.sync()
    disk.log("log")[0].append("lost")
    assert disk.log("log") == [["kept"]]


class Scribbles(Node):
    """Writes on what it is sent, and keeps it."""

    def __init__(self, ctx):
        super().__init__(ctx)
        self.kept = []

    def on_message(self, src, message):
        message.append(self.ctx.id)
        self.kept.append(message)


def test_a_doubled_message_is_two_messages(pair):
    world = pair(Scribbles, network=Network(1000, 1000, duplicate=1.0))
    world.contexts[1].send(2, ["sent"])
    world.run(10_000)
    assert world.contexts[2].node.kept == [["sent", 2], ["sent", 2]]


def test_a_message_on_its_way_is_the_same_after_going_back(pair):
    world = pair(Scribbles)
    world.contexts[1].send(2, ["sent"])
    moment = Snapshot(world)
    for _ in range(2):
        world.run(10_000)
        assert world.contexts[2].node.kept == [["sent", 2]]
        moment.restore()
