"""What a real Prometheus would read."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from jupyter_sysdesign.metrics.exposition import exposition


def test_it_is_valid_and_says_everything():
    text = exposition(
        {
            "tiny-1": {
                "app.cpu_cores": 0.25,
                "db.cpu_cores": 0.5,
                "db.table.orders.seq_tuples_per_s": 10,
                "db.table.audit.log.seq_tuples_per_s": 3,
                'lb.server.a"b.up': 1,
            },
            "tiny-2": {"app.cpu_cores": 0.75},
        }
    )
    types = [line for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(types) == len({*types}) == 3
    found = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    here, there = ("environment", "tiny-1"), ("environment", "tiny-2")
    assert found == {
        ("sysdesign_cpu_cores", (there, ("service", "app"))): 0.75,
        ("sysdesign_cpu_cores", (here, ("service", "app"))): 0.25,
        ("sysdesign_cpu_cores", (here, ("service", "db"))): 0.5,
        (
            "sysdesign_table_seq_tuples_per_s",
            (here, ("service", "db"), ("table", "orders")),
        ): 10,
        (
            "sysdesign_table_seq_tuples_per_s",
            (here, ("service", "db"), ("table", "audit.log")),
        ): 3,
        ("sysdesign_server_up", (here, ("server", 'a"b'), ("service", "lb"))): 1,
    }


def test_nothing_is_an_empty_page():
    assert exposition({}) == ""
