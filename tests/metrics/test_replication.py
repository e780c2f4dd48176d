"""The lag of a replica, from positions in its primary's log."""

from __future__ import annotations

from jupyter_sysdesign.metrics.collectors.replication import ReplicationLag


def lag(found: dict[str, float], name: str = "replica") -> tuple[float, float]:
    return found[f"{name}.replication_lag_bytes"], found[f"{name}.replication_lag_s"]


def test_the_time_is_since_the_primary_was_where_the_replica_is() -> None:
    known = ReplicationLag(["replica"])
    assert lag(known.update(0, 100, {"replica": 100})) == (0, 0)
    assert lag(known.update(1, 200, {"replica": 100})) == (100, 0)
    assert lag(known.update(2, 300, {"replica": 100})) == (200, 1)
    assert lag(known.update(3, 400, {"replica": 150})) == (250, 2)
    assert lag(known.update(4, 500, {"replica": 300})) == (200, 1)
    assert lag(known.update(5, 500, {"replica": 500})) == (0, 0)


def test_nobody_who_writes_means_no_lag_however_long_it_takes() -> None:
    known = ReplicationLag(["replica"])
    for second in range(100):
        assert lag(known.update(second, 100, {"replica": 100})) == (0, 0)
    assert lag(known.update(100, 200, {"replica": 100})) == (100, 0)


def test_a_replica_that_is_gone_falls_behind() -> None:
    known = ReplicationLag(["one", "two", "away"])
    known.update(0, 100, {"one": 100, "two": 100})
    known.update(1, 200, {"two": 200})
    found = known.update(3, 300, {"two": 300})
    assert lag(found, "one") == (200, 2)
    assert lag(found, "two") == (0, 0)
    assert "away.replication_lag_s" not in found


def test_others_that_stream_are_not_shown_and_a_reset_begins_anew() -> None:
    known = ReplicationLag(["replica"])
    assert known.update(0, 900, {"pg_receivewal": 1}) == {}
    known.update(1, 1000, {"replica": 400})
    assert lag(known.update(2, 100, {"replica": 100})) == (0, 0)
