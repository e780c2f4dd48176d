"""Many learners' servers on this machine, a lesson in each: what it takes, and what breaks first.

Each server is a container of the single-user image, limited as hub/machine.py limits it, with a
kernel that holds the lesson and with the lesson's environment. First one learner plays alone, then
all of them at once; ratios of the two say what the crowd costs each.

    python benchmarks/learners.py --image jupyter-sysdesign/singleuser:0.1.0 --learners 20
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil
from websockets.sync.client import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LESSON = "t1-02-indexes"
PROFILE = "glance"
LABEL = "org.jupyter-sysdesign.benchmark=learners"
TOKEN = "benchmark"  # noqa: S105 (of servers on loopback that live for minutes)
USER = "20001:100"
PATIENCE_S = 240.0
_MIB = 1 << 20

_KERNEL = """
import os
os.chdir({folder!r})
from jupyter_sysdesign import Lesson
lesson = Lesson()
"""


def docker(*words: str) -> str:
    """Run the engine's client; return what it says."""
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout


@dataclass
class Learner:
    """One server, and what its learner does in it."""

    number: int
    image: str
    url: str = ""
    environment: str = ""
    took_s: dict[str, float] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the container's name."""
        return f"sysdesign-learner-{self.number}"

    def up(self) -> None:
        """Start the server and wait until it answers."""
        with self._timed("server"):
            docker(
                *("run", "--detach", "--name", self.name, "--label", LABEL, "--user", USER),
                *("--memory", "2g", "--memory-swap", "2g", "--cpus", "1", "--pids-limit", "1024"),
                *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
                *("--publish", "127.0.0.1::8888", self.image, "jupyter", "lab", "--ip=0.0.0.0"),
                f"--IdentityProvider.token={TOKEN}",
            )
            self.url = f"http://{docker('port', self.name, '8888').split()[0]}"
            until = time.monotonic() + PATIENCE_S
            while True:
                with contextlib.suppress(OSError):
                    self.ask("GET", "/api")
                    return
                if time.monotonic() > until:
                    raise TimeoutError(docker("logs", "--tail", "20", self.name))
                time.sleep(0.2)

    def open(self) -> None:
        """Open the lesson in a kernel and start its environment."""
        with self._timed("kernel"):
            workspace = self.lesson("POST", "/workspaces", {"lesson": LESSON})
            self._execute(_KERNEL.format(folder=workspace["folder"]))
        with self._timed("environment"):
            body = {"workspace": workspace["id"], "reuse": True}
            found = self.lesson("POST", "/environments", body)
            self.environment = found["id"]
            until = time.monotonic() + PATIENCE_S
            while found["state"] != "ready":
                if found["state"] == "failed" or time.monotonic() > until:
                    raise RuntimeError(f"{self.name}: {found['state']} {found.get('reason')}")
                time.sleep(0.1)
                found = self.lesson("GET", f"/environments/{self.environment}")

    def play(self) -> None:
        """Predict, and put the lesson's load on the system."""
        answers = f"/workspaces/{self.environment}/answers"
        with self._timed("answer"):
            self.lesson("PUT", f"{answers}/p95-guess", {"value": 300})
        runs = f"/environments/{self.environment}/runs"
        with self._timed("run"):
            run = self.lesson("POST", runs, {"profile": PROFILE, "seed": 1})
            slowest = 0.0
            while run["state"] == "running":
                time.sleep(0.5)
                began = time.perf_counter()
                run = self.lesson("GET", f"{runs}/{run['id']}")
                slowest = max(slowest, time.perf_counter() - began)
        self.took_s["slowest look"] = slowest
        self.run = run

    def down(self) -> None:
        """Remove the server and all that it had."""
        subprocess.run(
            ["docker", "rm", "--force", "--volumes", self.name], check=False, capture_output=True
        )

    def lesson(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the control plane."""
        return self.ask(method, f"/sysdesign/v1{path}", body)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the server."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {TOKEN}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.loads(answer.read() or b"null")

    def _execute(self, code: str) -> None:
        """Start a kernel and run ``code`` in it (Jupyter's messaging protocol 5.3)."""
        kernel = self.ask("POST", "/api/kernels", {"name": "python3"})["id"]
        address = self.url.replace("http", "ws", 1) + f"/api/kernels/{kernel}/channels"
        session = uuid.uuid4().hex
        header = {"msg_id": session, "session": session, "username": "", "version": "5.3"}
        content = {"code": code, "silent": False, "store_history": False, "stop_on_error": True}
        message = {
            "header": {**header, "msg_type": "execute_request"},
            "parent_header": {},
            "metadata": {},
            "content": content,
            "channel": "shell",
        }
        with connect(
            address,
            additional_headers={"Authorization": f"token {TOKEN}"},
            max_size=None,
            open_timeout=60,
        ) as socket:
            socket.send(json.dumps(message))
            while True:
                said = json.loads(socket.recv(timeout=PATIENCE_S))
                if said["header"]["msg_type"] == "execute_reply":
                    if said["content"]["status"] != "ok":
                        raise RuntimeError(f"{self.name}: {said['content']}")
                    return

    @contextlib.contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.took_s[what] = time.perf_counter() - began


def available() -> float:
    """Return the machine's available memory in MiB; what is shared counts once."""
    return psutil.virtual_memory().available / _MIB


def at_once(learners: list[Learner], what: str) -> list[str]:
    """Let all do something at the same time; return what went wrong."""

    def attempt(learner: Learner) -> str | None:
        try:
            getattr(learner, what)()
        except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
            return f"{learner.name} {what}: {error}"
        return None

    with ThreadPoolExecutor(len(learners)) as threads:
        return [each for each in threads.map(attempt, learners) if each]


def measure(image: str, count: int) -> dict[str, Any]:
    """Return figures of one learner alone and of ``count`` at once."""
    learners = [Learner(number, image) for number in range(count)]
    result: dict[str, Any] = {"learners": count, "lesson": LESSON, "cores": os.cpu_count()}
    try:
        for name, members in (("alone", learners[:1]), ("crowd", learners)):
            wrong: list[str] = []
            before = available()
            wrong += at_once(members, "up")
            time.sleep(3)
            servers = available()
            wrong += at_once(members, "open")
            time.sleep(5)
            opened = available()
            with _cpu() as busy:
                wrong += at_once(members, "play")
            done = [each for each in members if each.run.get("summary")]
            result[name] = {
                "memory_of_a_server_mib": round((before - servers) / len(members), 1),
                "memory_of_a_learner_mib": round((before - opened) / len(members), 1),
                "learners_per_gib": round(1024 * len(members) / (before - opened), 2),
                "cpu_while_playing": busy,
                "seconds": {
                    what: _spread([each.took_s.get(what) for each in members])
                    for what in ("server", "kernel", "environment", "answer", "slowest look")
                },
                "requests_per_s": _spread([each.run["summary"]["rps"] for each in done], min),
                "errors": sum(sum(each.run["summary"]["errors"].values()) for each in done),
                "warnings": sum(bool(each.run["summary"]["warning"]) for each in done),
                "played": len(done),
                "wrong": wrong,
            }
            for each in members:
                each.down()
    finally:
        for each in learners:
            each.down()
    return result


@contextlib.contextmanager
def _cpu() -> Iterator[dict[str, float]]:
    """Measure how busy the cores are meanwhile: 1.0 is all of them."""
    busy: dict[str, float] = {}
    psutil.cpu_percent()
    yield busy
    busy["share_of_all_cores"] = round(psutil.cpu_percent() / 100, 2)


def _spread(
    values: list[float | None], worst: Callable[[list[float]], float] = max
) -> dict[str, float]:
    known = [each for each in values if each is not None]
    if not known:
        return {}
    return {"median": round(statistics.median(known), 2), "worst": round(worst(known), 2)}


def main() -> int:
    """Measure and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image", default="jupyter-sysdesign/singleuser:0.1.0")
    parser.add_argument("--learners", type=int, default=20)
    options = parser.parse_args()
    print(json.dumps(measure(options.image, options.learners), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
