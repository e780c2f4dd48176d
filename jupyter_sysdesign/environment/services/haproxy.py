"""HAProxy: the lesson's own file, with addresses filled in, plus a stats socket of ours."""

from __future__ import annotations

import math
import re
import socket
import subprocess
from typing import TYPE_CHECKING

from jupyter_sysdesign.environment import binaries
from jupyter_sysdesign.environment.addresses import Address, TokenError
from jupyter_sysdesign.environment.compose import image
from jupyter_sysdesign.environment.confinement import boxed
from jupyter_sysdesign.environment.launch import Launch, NotReady
from jupyter_sysdesign.environment.passwords import write_private
from jupyter_sysdesign.environment.ports import ANYWHERE
from jupyter_sysdesign.environment.services.base import OnProgress, environment
from jupyter_sysdesign.environment.services.probes import ask
from jupyter_sysdesign.errors import InvalidFileError

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_sysdesign.environment.services.place import Place
    from jupyter_sysdesign.environment.spec import ServiceSpec

_BIND = re.compile(r"^(?P<start>\s*bind\s+)(?P<host>\S*?):(?P<port>\d+)(?=\s|$)")
#: What keeps it from working; beside it stand warnings, which do not.
_ALERT = re.compile(r"\[ALERT\]\s+\(\d+\) : (?:config : )?(.*)")
_LOCATED_ALERT = re.compile(r"\[ALERT\].*?\[[^\]:\s]*:(\d+)\]\s*:\s*(.*)")
_LISTEN_FD = "SYSDESIGN_LISTEN_FD"
_CHECK_TIMEOUT_S = 20
#: By itself it makes room for as many as it may have files open: a million in many a container.
#: A run opens 2,000 at most.
_MAX_CONNECTIONS = 2048


class Haproxy:
    """One HAProxy."""

    def __init__(self, spec: ServiceSpec, place: Place) -> None:
        """Describe the load balancer; touches no file."""
        self.spec = spec
        self.place = place

    @property
    def address(self) -> Address | None:
        """Return its published or asked-for address, None if it only listens on sockets."""
        return self.place.reached(self.spec.name) if self.spec.port else None

    @property
    def stats(self) -> Address:
        """Return its runtime API: commands such as ``show stat`` over a unix socket."""
        return Address(path=self.place.sockets / f"{self.spec.name}.stats")

    @property
    def watched(self) -> tuple[Path, ...]:
        """Return the configuration file."""
        return (self._source,)

    def check(self) -> None:
        """Let HAProxy itself read the file.

        Raises:
            InvalidFileError: with the line HAProxy names.
        """
        self.prepare()
        try:
            with socket.socket() as inherited:  # it looks at the descriptor it will get
                done = subprocess.run(
                    # What it reads can make it run programs.
                    boxed([*self._argv(), "-c"], self.launch()),
                    env=self._env(str(inherited.fileno())),
                    pass_fds=(inherited.fileno(),),
                    capture_output=True,
                    text=True,
                    timeout=_CHECK_TIMEOUT_S,
                    check=False,
                )
        except subprocess.TimeoutExpired as error:
            raise InvalidFileError("HAProxy cannot finish reading it", file=self._shown) from error
        if done.returncode:
            located = _LOCATED_ALERT.search(done.stderr)
            if located:
                raise InvalidFileError(located[2], file=self._shown, line=int(located[1]))
            alert = _ALERT.search(done.stderr)
            last = (done.stderr.strip().splitlines() or ["HAProxy refuses it"])[-1]
            raise InvalidFileError(alert[1] if alert else last, file=self._shown)

    def prepare(self, progress: OnProgress | None = None) -> None:  # noqa: ARG002 (protocol)
        """Write both configuration files.

        Raises:
            InvalidFileError: the file is unreadable, or binds no published port.
        """
        binaries.find("haproxy")
        folder = self.place.config(self.spec.name)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(folder / "haproxy.cfg", self._resolved())
        # By itself it has a thread per core, each with its own memory, to share the quota.
        threads = max(1, math.ceil(self.spec.cpus)) if self.spec.cpus else None
        ours = (
            f"global\n    stats socket {self.stats.path} mode 600 level admin\n"
            f"    maxconn {_MAX_CONNECTIONS}\n" + (f"    nbthread {threads}\n" if threads else "")
        )
        write_private(folder / "sysdesign.cfg", ours)

    def launch(self) -> Launch:
        """Return the process; it replaces stale sockets itself."""
        folder = self.place.config(self.spec.name)
        program, *words = self._argv()
        inherits = self.spec.tcp and self.place.inherits
        return Launch(
            name=self.spec.name,
            argv=(program, *words, "-db"),
            env=self._env("{listen_fd}" if inherits else "0"),
            cwd=folder,
            listen=self.place.ports[self.spec.name] if inherits else None,
            cpus=self.spec.cpus,
            memory_bytes=self.spec.memory_bytes,
            stop_timeout_s=self.spec.stop_timeout_s,
            probe=self._probe,
            redact=self.place.passwords.all(),
            image=image("haproxy"),
            arguments=(*words, "-db"),
            reads=(folder, *self.place.database_sockets()),
            writes=(self.place.sockets,),
            network=self.place.by_port or (self.spec.tcp and not inherits),
            untrusted=True,
        )

    def discard(self) -> None:
        """It keeps no data."""

    def restock(self) -> None:
        """Nothing to keep ready."""

    @property
    def _shown(self) -> str:
        return self.spec.configs[0].source

    @property
    def _source(self) -> Path:
        return self.place.source.locate(self._shown)

    def _argv(self) -> tuple[str, ...]:
        folder = self.place.config(self.spec.name)
        program = str(binaries.find("haproxy"))
        # The last word is the learner's.
        return (program, "-f", str(folder / "sysdesign.cfg"), "-f", str(folder / "haproxy.cfg"))

    def _env(self, descriptor: str) -> dict[str, str]:
        return environment(self.place, self.spec.name) | {_LISTEN_FD: descriptor}

    def _resolved(self) -> str:
        try:
            text = self._source.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidFileError(f"not readable ({error})", file=self._shown) from error
        bound: list[int] = []
        lines = []
        for number, line in enumerate(text.splitlines(keepends=True), 1):
            lines.append(self._line(self._bind(line, bound), number))
        if self.spec.port and self.spec.port not in bound:
            raise InvalidFileError(f"nothing binds port {self.spec.port}", file=self._shown)
        return "".join(lines)

    def _line(self, line: str, number: int) -> str:
        try:
            return self.place.addresses.seen_by(self.spec.name).config(line)
        except TokenError as error:
            raise InvalidFileError(str(error), file=self._shown, line=number) from error

    def _bind(self, line: str, bound: list[int]) -> str:
        """Return a ``bind *:port`` line bound to the inherited socket or to a unix socket."""
        found = _BIND.match(line)
        if not found or found["host"] not in ("", "*", "0.0.0.0", "127.0.0.1"):  # noqa: S104
            return line
        port = int(found["port"])
        bound.append(port)
        if self.spec.tcp and port == self.spec.port and self.place.inherits:
            target = f'"fd@${{{_LISTEN_FD}}}"'
        elif self.spec.tcp and port == self.spec.port:
            target = f"{ANYWHERE}:{self.place.ports[self.spec.name]}"
        else:
            target = f"unix@{self.place.addresses.of(self.spec.name, port).path} mode 600"
        return found["start"] + target + line[found.end() :]

    async def _probe(self) -> None:
        """Ask for its uptime over the stats socket."""
        answer = await ask(self.stats, b"show info\n")
        if not answer[0].startswith(b"Name: HAProxy"):
            raise NotReady(answer[0].decode(errors="replace") or "it hung up")
