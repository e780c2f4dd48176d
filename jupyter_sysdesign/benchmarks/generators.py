"""Load generators, ours among them, each run in the same way: N connections for so many seconds."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_sysdesign.errors import UnavailableError
from jupyter_sysdesign.load.profile import parse_profile
from jupyter_sysdesign.load.run import engine_command, engine_environment
from jupyter_sysdesign.load.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
_LOCUSTFILE = """
from locust import FastHttpUser, task

class Visitor(FastHttpUser):
    @task
    def page(self):
        self.client.get("/")
"""


@dataclass(frozen=True)
class Figures:
    """What one run gave.

    Attributes:
        cpu_s: CPU time of the whole process, from its start to its end.
        p50_ms, p99_ms: as the generator itself says.
    """

    requests: int
    seconds: float
    cpu_s: float
    p50_ms: float
    p99_ms: float

    @property
    def requests_per_s(self) -> float:
        """Return the throughput."""
        return self.requests / self.seconds

    @property
    def cpu_us_per_request(self) -> float:
        """Return the CPU time of one request."""
        return self.cpu_s / max(self.requests, 1) * 1e6


def ours(port: int, connections: int, seconds: int) -> Figures:
    """Run this project's engine."""
    document = {
        "connections": connections,
        "duration_s": float(seconds),
        "mix": [{"name": "page", "path": "/"}],
    }
    plan = parse_profile(document).plan(Target("127.0.0.1", port), seed=1)
    output, cpu_s = _run(engine_command(), json.dumps(plan), engine_environment())
    done = json.loads(output.splitlines()[-1])["done"]
    return Figures(done["ok"], done["duration_s"], cpu_s, done["p50_ms"], done["p99_ms"])


def wrk(port: int, connections: int, seconds: int) -> Figures | None:
    """Run wrk with one thread."""
    program = shutil.which("wrk")
    if program is None:
        return None
    argv = [program, "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", _url(port)]
    output, cpu_s = _run(argv)
    requests = int(_find(r"(\d+) requests in", output))
    quantiles = [
        float(number) * _UNITS_MS[unit]
        for number, unit in re.findall(r"(?:50|99)%\s+([\d.]+)(us|ms|s|m)", output)
    ]
    rate = float(_find(r"Requests/sec:\s+([\d.]+)", output))
    return Figures(requests, requests / rate, cpu_s, quantiles[0], quantiles[1])


def hey(port: int, connections: int, seconds: int) -> Figures | None:
    """Run hey."""
    program = shutil.which("hey")
    if program is None:
        return None
    output, cpu_s = _run([program, "-z", f"{seconds}s", "-c", str(connections), _url(port)])
    requests = sum(int(count) for count in re.findall(r"\[2\d\d\]\s+(\d+) responses", output))
    p50 = float(_find(r"50%+ in ([\d.]+) secs", output)) * 1000
    p99 = float(_find(r"99%+ in ([\d.]+) secs", output)) * 1000
    return Figures(requests, float(_find(r"Total:\s+([\d.]+) secs", output)), cpu_s, p50, p99)


def autocannon(port: int, connections: int, seconds: int) -> Figures | None:
    """Run autocannon: on ``PATH``, or where ``$SYSDESIGN_AUTOCANNON`` says."""
    program = os.environ.get("SYSDESIGN_AUTOCANNON") or shutil.which("autocannon")
    if program is None:
        return None
    argv = [program, "-c", str(connections), "-d", str(seconds), "-j", _url(port)]
    output, cpu_s = _run(argv)
    done = json.loads(output)
    latency = done["latency"]
    return Figures(done["2xx"], done["duration"], cpu_s, latency["p50"], latency["p99"])


def locust(port: int, connections: int, seconds: int) -> Figures | None:
    """Run Locust with its faster client; one process."""
    if importlib.util.find_spec("locust") is None:
        return None
    with tempfile.TemporaryDirectory(prefix="sd-bench-locust-") as folder:
        file = Path(folder) / "locustfile.py"
        file.write_text(_LOCUSTFILE)
        argv = [sys.executable, "-m", "locust", "-f", str(file), "--headless", "--json"]
        argv += ["-u", str(connections), "-r", str(connections), "-t", f"{seconds}s"]
        argv += ["-H", _url(port).rstrip("/"), "--loglevel", "ERROR"]
        output, cpu_s = _run(argv)
    done = json.loads(output[output.index("[") :])[0]
    seconds_run = done["last_request_timestamp"] - done["start_time"]
    times = sorted((float(ms), count) for ms, count in done["response_times"].items())
    p50, p99 = (_quantile(times, share) for share in (0.5, 0.99))
    return Figures(done["num_requests"], seconds_run, cpu_s, p50, p99)


GENERATORS: dict[str, Callable[[int, int, int], Figures | None]] = {
    "ours": ours,
    "wrk": wrk,
    "hey": hey,
    "autocannon": autocannon,
    "locust": locust,
}


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}/"


def _run(
    argv: Sequence[str], text: str = "", environment: dict[str, str] | None = None
) -> tuple[str, float]:
    """Run a program to its end; return its output and its CPU seconds, children included."""
    with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+") as output:
        given.write(text)
        given.seek(0)
        process = subprocess.Popen(
            argv, stdin=given, stdout=output, stderr=subprocess.DEVNULL, env=environment
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise UnavailableError(f"{argv[0]} ended with {process.returncode}")
        output.seek(0)
        return output.read(), usage.ru_utime + usage.ru_stime


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise UnavailableError(f"unexpected output, no {pattern!r}", hint=text[-500:])
    return found[1]


def _quantile(times: list[tuple[float, int]], share: float) -> float:
    """Return a quantile of ``(value, count)``, sorted."""
    rank = share * sum(count for _, count in times)
    for value, count in times:
        rank -= count
        if rank <= 0:
            return value
    return times[-1][0]
