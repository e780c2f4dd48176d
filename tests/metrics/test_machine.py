from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import pytest

from jupyter_sysdesign.metrics.machine import memory

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20


@pytest.fixture
def machine(tmp_path: Path):
    """Return a maker of what a process sees in /proc and /sys/fs/cgroup."""

    def make(own: str, files: dict[str, object]):
        (tmp_path / "proc" / "self").mkdir(parents=True)
        (tmp_path / "proc" / "self" / "cgroup").write_text(own)
        for name, text in files.items():
            file = tmp_path / "cgroup" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{text}\n")
        return memory(tmp_path / "proc", tmp_path / "cgroup")

    return make


def test_without_a_limit_it_is_the_machine(machine):
    found = machine("0::/user.slice\n", {"user.slice/memory.max": "max"})
    assert found.total_bytes == psutil.virtual_memory().total
    assert 0 < found.available_bytes <= found.total_bytes


def test_the_tightest_group_counts_and_old_file_pages_are_free(machine):
    found = machine(
        "0::/pod/container\n",
        {
            "pod/memory.max": 64 * MIB,
            "pod/memory.current": 60 * MIB,
            "pod/memory.stat": f"anon {10 * MIB}\ninactive_file {20 * MIB}",
            "pod/container/memory.max": 96 * MIB,
            "pod/container/memory.current": 10 * MIB,
            "pod/container/memory.stat": "anon 1",
        },
    )
    assert (found.total_bytes, found.available_bytes) == (64 * MIB, 24 * MIB)


def test_version_1_and_a_path_of_the_host_that_is_not_there(machine):
    found = machine(
        "5:cpu:/x\n4:memory:/docker/abc\n0::/\n",
        {
            "memory/memory.limit_in_bytes": 32 * MIB,
            "memory/memory.usage_in_bytes": 40 * MIB,
            "memory/memory.stat": f"total_inactive_file {2 * MIB}",
        },
    )
    assert (found.total_bytes, found.available_bytes) == (32 * MIB, 0)


def test_version_1_says_no_limit_with_a_huge_number(machine):
    found = machine(
        "4:memory:/\n",
        {
            "memory/memory.limit_in_bytes": 9223372036854771712,
            "memory/memory.usage_in_bytes": MIB,
        },
    )
    assert found.total_bytes == psutil.virtual_memory().total
