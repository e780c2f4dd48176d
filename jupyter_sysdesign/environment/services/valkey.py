"""Valkey: a password and a unix socket of this instance's own, in a file nobody else can read."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING
from urllib.parse import quote

from jupyter_sysdesign.environment import binaries
from jupyter_sysdesign.environment.commands import valkey_settings
from jupyter_sysdesign.environment.compose import image
from jupyter_sysdesign.environment.launch import Launch, NotReady
from jupyter_sysdesign.environment.passwords import write_private
from jupyter_sysdesign.environment.services.base import OnProgress, environment
from jupyter_sysdesign.environment.services.probes import ask

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_sysdesign.environment.addresses import Address
    from jupyter_sysdesign.environment.services.place import Place
    from jupyter_sysdesign.environment.spec import ServiceSpec


class Valkey:
    """One Valkey server."""

    def __init__(self, spec: ServiceSpec, place: Place) -> None:
        """Describe the server; touches no file."""
        self.spec = spec
        self.place = place

    @property
    def address(self) -> Address:
        """Return the server's unix socket."""
        return self.place.addresses.of(self.spec.name)

    @property
    def url(self) -> str:
        """Return a URL with the password that redis-py and valkey-py understand."""
        password = self.place.passwords.of(self.spec.name)
        return f"unix://:{password}@{quote(str(self.address.path))}?db=0"

    @property
    def watched(self) -> tuple[Path, ...]:
        """Nothing: its settings stand in ``compose.yaml``."""
        return ()

    @property
    def data(self) -> Path:
        """Return the folder of its snapshots."""
        return self.place.data(self.spec.name)

    def check(self) -> None:
        """Nothing to look at."""

    def prepare(self, progress: OnProgress | None = None) -> None:  # noqa: ARG002 (protocol)
        """Write the configuration file."""
        binaries.find("valkey-server")
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = self.place.config(self.spec.name)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        ours = {
            "port": "0",
            "unixsocket": f'"{self.address.path}"',
            "unixsocketperm": "700",
            "dir": f'"{self.data}"',
            "requirepass": self.place.passwords.of(self.spec.name),
            "daemonize": "no",
            "logfile": '""',
            "always-show-logo": "no",
            "locale-collate": "C",
        }
        lines = [*ours.items(), *valkey_settings(self.spec)]
        write_private(self._file, "".join(f"{name} {value}\n" for name, value in lines))

    def launch(self) -> Launch:
        """Return the server's process; it removes a stale socket itself."""
        return Launch(
            name=self.spec.name,
            argv=(str(binaries.find("valkey-server")), str(self._file)),
            arguments=(str(self._file),),
            image=image("valkey"),
            reads=(self._file.parent,),
            writes=(self.data, self.place.sockets),
            env=environment(self.place, self.spec.name),
            cwd=self.data,
            cpus=self.spec.cpus,
            memory_bytes=self.spec.memory_bytes,
            stop_timeout_s=self.spec.stop_timeout_s,
            probe=self._probe,
            redact=self.place.passwords.all(),
        )

    def discard(self) -> None:
        """Remove the snapshots: a cache starts empty."""
        shutil.rmtree(self.data, ignore_errors=True)

    def restock(self) -> None:
        """Nothing to keep ready."""

    @property
    def _file(self) -> Path:
        return self.place.config(self.spec.name) / "valkey.conf"

    async def _probe(self) -> None:
        """Authenticate and PING."""
        password = self.place.passwords.of(self.spec.name)
        answers = await ask(self.address, f"AUTH {password}\r\nPING\r\n".encode(), lines=2)
        if answers != [b"+OK", b"+PONG"]:
            raise NotReady(b" ".join(answers).decode(errors="replace") or "it hung up")
