"""Histories of real databases, judged: PostgreSQL at its three levels, and Valkey."""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import redis

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.grading.recorder import Recorder, Session, create_tables
from jupyter_sysdesign.simulation.checkers import history as histories
from jupyter_sysdesign.simulation.checkers import isolation, linearizability
from jupyter_sysdesign.simulation.checkers.specifications import Bank, Counter, Register

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from metrics.conftest import Postgres, Valkey

CLIENTS = 4
KEYS = ("x", "y", "z")


@pytest.fixture
def connect(postgres: Postgres) -> Iterator[Callable[[], psycopg.Connection]]:
    """Return what opens a connection to a database with the recorder's tables."""
    with contextlib.ExitStack() as stack:

        def open_() -> psycopg.Connection:
            return stack.enter_context(
                contextlib.closing(psycopg.connect(postgres.dsn("postgres")))
            )

        create_tables(open_(), KEYS)
        yield open_


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def _skew(connect: Callable[[], psycopg.Connection], recorder: Recorder, level: str) -> None:
    """Let two doctors go off call at once, each having seen the other on call."""
    sessions = [Session(name, connect(), recorder) for name in ("alice", "bob")]
    with contextlib.suppress(psycopg.errors.SerializationFailure), contextlib.ExitStack() as both:
        one, other = (both.enter_context(each.transaction(level)) for each in sessions)
        for steps in (one, other):
            steps.elements("x")
            steps.elements("y")
        one.append("x", 1)
        other.append("y", 1)


def test_write_skew_is_found_at_repeatable_read(
    connect: Callable[[], psycopg.Connection], recorder: Recorder
):
    _skew(connect, recorder, "repeatable read")
    report = isolation.check(recorder.history())
    assert [each.name for each in report.anomalies] == ["write skew"]
    assert report.holds == ("snapshot isolation",)
    assert "(client alice): read x: [], read y: [], appended to x: 1" in report.anomalies[0].why


def test_write_skew_is_refused_when_serializable(
    connect: Callable[[], psycopg.Connection], recorder: Recorder
):
    _skew(connect, recorder, "serializable")
    history = recorder.history()
    assert sorted(each.status for each in history) == ["fail", "ok"]
    assert isolation.check(history).holds == ("strict serializable",)


def _update_twice(
    connect: Callable[[], psycopg.Connection], recorder: Recorder, level: str
) -> None:
    """Let two clients read one register and write what they made of it."""
    first, second = (Session(name, connect(), recorder) for name in ("alice", "bob"))
    with (
        contextlib.suppress(psycopg.errors.SerializationFailure),
        second.transaction(level) as late,
    ):
        late.value("x")
        with first.transaction(level) as early:
            early.value("x")
            early.write("x", 1)
        late.write("x", 2)


def test_a_lost_update_is_found_at_read_committed(
    connect: Callable[[], psycopg.Connection], recorder: Recorder
):
    _update_twice(connect, recorder, "read committed")
    report = isolation.check(recorder.history())
    assert [each.name for each in report.anomalies] == ["lost update"]
    assert report.holds == ("read committed",)


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_lost_update_is_refused_above(
    connect: Callable[[], psycopg.Connection], recorder: Recorder, level: str
):
    _update_twice(connect, recorder, level)
    history = recorder.history()
    assert sorted(each.status for each in history) == ["fail", "ok"]
    assert isolation.check(history).holds == ("strict serializable",)


def _crowd(work: Callable[[int, random.Random], None]) -> None:
    """Let several clients work at once; what one of them raises is raised."""
    raised: list[BaseException] = []

    def one(client: int) -> None:
        try:
            work(client, random.Random(client))
        except BaseException as error:  # noqa: BLE001 (for the main thread to raise)
            raised.append(error)

    threads = [threading.Thread(target=one, args=(client,)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


@pytest.mark.parametrize(
    ("level", "kept"),
    [
        ("read committed", "read committed"),
        ("repeatable read", "snapshot isolation"),
        ("serializable", "strict serializable"),
    ],
)
def test_a_crowd_never_breaks_what_postgres_promises(
    connect: Callable[[], psycopg.Connection],
    recorder: Recorder,
    level: str,
    kept: str,
    tmp_path: Path,
):
    sessions = [Session(client, connect(), recorder) for client in range(CLIENTS)]
    numbers, tried = itertools.count(1), [0] * CLIENTS
    refused = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)

    def work(client: int, rng: random.Random) -> None:
        done = 0
        while tried[client] < 40 or done < 12:  # how many are refused is a matter of timing
            tried[client] += 1
            with contextlib.suppress(*refused):
                with sessions[client].transaction(level) as steps:
                    for _ in range(rng.randint(1, 4)):
                        if rng.random() < 0.5:
                            steps.append(rng.choice(KEYS), next(numbers))
                        else:
                            steps.elements(rng.choice(KEYS))
                done += 1

    _crowd(work)
    history = recorder.history()
    assert len(history) == sum(tried)
    assert sum(each.happened for each in history) > 40
    judged = isolation.check(history).judge(kept)
    assert judged.passed, judged.why
    histories.write(history, tmp_path / "history.jsonl")
    assert histories.read(tmp_path / "history.jsonl") == history


def _transfers(
    connect: Callable[[], psycopg.Connection], recorder: Recorder, level: str, *, locked: bool
) -> histories.History:
    """Let two clients take money from one account, each by reading and then writing."""
    setup = connect()
    setup.execute("CREATE TABLE accounts (name text PRIMARY KEY, balance int)")
    setup.execute("INSERT INTO accounts VALUES ('a', 10), ('b', 0)")
    setup.commit()
    read_both = threading.Barrier(2)
    lock = " FOR UPDATE" if locked else ""

    def take(connection: psycopg.Connection, amount: int) -> bool:
        connection.isolation_level = psycopg.IsolationLevel[level]
        with connection.transaction():
            sql = f"SELECT balance FROM accounts WHERE name = 'a'{lock}"
            row = connection.execute(sql).fetchone()
            assert row is not None
            if not locked:
                read_both.wait(60)
            connection.execute(
                "UPDATE accounts SET balance = %s WHERE name = 'a'", [row[0] - amount]
            )
            connection.execute(
                "UPDATE accounts SET balance = balance + %s WHERE name = 'b'", [amount]
            )
        return True

    def client(name: int, amount: int, connection: psycopg.Connection) -> None:
        recorder.perform(
            name, "transfer", None, ["a", "b", amount], lambda: take(connection, amount)
        )

    threads = [
        threading.Thread(target=client, args=(name, amount, connect()))
        for name, amount in ((1, 3), (2, 4))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows: Any = setup.execute("SELECT name, balance FROM accounts").fetchall()
    recorder.perform(3, "read", None, None, lambda: rows)
    return recorder.history()


def test_money_out_of_nowhere_is_no_bank(
    connect: Callable[[], psycopg.Connection], recorder: Recorder
):
    history = _transfers(connect, recorder, "READ_COMMITTED", locked=False)
    judged = linearizability.check(history, Bank({"a": 10, "b": 0}))
    assert judged.failed
    assert 'can only have been "a": 3, "b": 7 by then' in judged.why


def test_a_lock_makes_it_a_bank(connect: Callable[[], psycopg.Connection], recorder: Recorder):
    history = _transfers(connect, recorder, "READ_COMMITTED", locked=True)
    assert linearizability.check(history, Bank({"a": 10, "b": 0})).passed
    assert all(each.happened for each in history)


@pytest.mark.parametrize("level", ["REPEATABLE_READ", "SERIALIZABLE"])
def test_a_higher_level_refuses_one_transfer_and_stays_a_bank(
    connect: Callable[[], psycopg.Connection], recorder: Recorder, level: str
):
    history = _transfers(connect, recorder, level, locked=False)
    assert linearizability.check(history, Bank({"a": 10, "b": 0})).passed
    transfers = [each.status for each in history if each.kind == "transfer"]
    assert sorted(transfers) == ["fail", "ok"]


def test_a_transaction_that_an_error_of_the_client_ends_is_rolled_back(
    connect: Callable[[], psycopg.Connection], recorder: Recorder
):
    session = Session(1, connect(), recorder)

    def fail() -> None:
        with session.transaction("serializable") as steps:
            steps.append("x", 1)
            _ = 1 / 0

    with pytest.raises(ZeroDivisionError):
        fail()
    with session.transaction("serializable") as steps:
        assert steps.elements("x") == []
    failed, read = recorder.history()
    assert (failed.status, failed.result) == ("fail", None)
    assert failed.value == (("append", "x", 1),)
    assert read.result == (("r", "x", ()),)


def test_a_lost_connection_leaves_the_outcome_open(
    connect: Callable[[], psycopg.Connection], recorder: Recorder
):
    connection = connect()
    session = Session(1, connection, recorder)
    killer = connect()

    def fail() -> None:
        with session.transaction("serializable") as steps:
            steps.append("x", 1)
            killer.execute("SELECT pg_terminate_backend(%s, 10000)", [connection.info.backend_pid])

    with pytest.raises(psycopg.OperationalError):
        fail()
    (only,) = recorder.history()
    assert only.status == "info"


def test_a_list_that_was_not_created_is_named(
    connect: Callable[[], psycopg.Connection], recorder: Recorder
):
    session = Session(1, connect(), recorder)
    for ask in (lambda steps: steps.append("w", 1), lambda steps: steps.value("w")):
        with pytest.raises(InvalidRequestError, match="no list or register 'w'"):  # noqa: SIM117
            with session.transaction("serializable") as steps:
                ask(steps)
    assert [each.status for each in recorder.history()] == ["fail", "fail"]


def _valkey_client(valkey: Valkey) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(valkey.path), password="secret", retry=None)


def test_valkeys_incr_is_linearizable(valkey: Valkey, recorder: Recorder):
    def work(client: int, rng: random.Random) -> None:
        with _valkey_client(valkey) as link:
            for _ in range(100):
                if rng.random() < 0.7:
                    recorder.perform(client, "increment", "n", 1, lambda: link.incr("n"))
                else:
                    recorder.perform(client, "read", "n", None, lambda: int(link.get("n") or 0))

    _crowd(work)
    history = recorder.history()
    assert len(history) == 100 * CLIENTS
    assert linearizability.check(history, Counter()).passed


def test_get_and_set_is_no_incr(valkey: Valkey, recorder: Recorder):
    have_read = threading.Barrier(2)

    def increment(link: redis.Redis) -> int:
        before = int(link.get("n") or 0)
        have_read.wait(60)
        link.set("n", before + 1)
        return before + 1

    def work(client: int, _: random.Random) -> None:
        if client < 2:
            with _valkey_client(valkey) as link:
                recorder.perform(client, "increment", "n", 1, lambda: increment(link))

    _crowd(work)
    judged = linearizability.check(recorder.history(), Counter())
    assert judged.failed
    assert "did increment n 1 and got 1" in judged.why


def test_what_valkey_refuses_failed_and_what_it_never_answers_is_open(
    valkey: Valkey, recorder: Recorder
):
    link = _valkey_client(valkey)
    link.set("text", "no number")
    recorder.perform(1, "increment", "text", 1, lambda: link.incr("text"))
    valkey.kill()
    recorder.perform(1, "write", "text", 1, lambda: link.set("text", 1) and None)
    assert [each.status for each in recorder.history()] == ["fail", "info"]
    link.close()


def test_a_mistake_in_the_call_is_raised_and_leaves_the_outcome_open(recorder: Recorder):
    with pytest.raises(ZeroDivisionError):
        recorder.perform(1, "write", "x", 1, lambda: 1 / 0)
    assert [each.status for each in recorder.history()] == ["info"]
    assert linearizability.check(recorder.history(), Register()).passed
