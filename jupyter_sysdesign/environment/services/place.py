"""Where the services of one instance live and how they find each other."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from jupyter_sysdesign.environment.addresses import Addresses
from jupyter_sysdesign.environment.owner import make_folder, server_owner
from jupyter_sysdesign.environment.passwords import Passwords
from jupyter_sysdesign.environment.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from jupyter_sysdesign.environment.addresses import Address
    from jupyter_sysdesign.environment.source import Source
    from jupyter_sysdesign.environment.spec import Spec
    from jupyter_sysdesign.environment.templates import Templates


@dataclass(frozen=True)
class Place:
    """What all services of one instance share. Whoever builds it has made both folders.

    Attributes:
        instance: instance id; every process carries it as ``SYSDESIGN_INSTANCE``.
        folder: the instance's folder: ``data/``, ``config/``, ``passwords.json``, ``psql.env``.
        sockets: a short folder of the instance's own, for unix sockets.
        ports: reserved port of each service that ``spec.tcp()`` names.
        host: where this machine finds them; to the services they are always on 127.0.0.1.
        inherits: a service inherits the socket that listens on its port; else it makes its own.
        cancelled: set it to end a ``prepare`` that builds a template, or waits for somebody else to
            have built it, and a ``launch`` that copies a primary; they raise ConflictError.
    """

    instance: str
    folder: Path
    sockets: Path
    source: Source
    spec: Spec
    ports: Mapping[str, int]
    templates: Templates
    host: str = HOST
    inherits: bool = True
    cancelled: threading.Event = field(default_factory=threading.Event)

    @cached_property
    def addresses(self) -> Addresses:
        """Return where every service is reached."""
        return Addresses(self.spec, self.sockets, self.ports)

    @property
    def by_port(self) -> bool:
        """Tell whether services reach each other by ports, not only by sockets."""
        return any(each.tcp and not each.ports for each in self.spec.services.values()) or any(
            each.tcp for each in self.spec.routes
        )

    @cached_property
    def passwords(self) -> Passwords:
        """Return the instance's passwords, made on first use; a replica's are its primary's."""
        own = [each.name for each in self.spec.services.values() if not each.replica_of]
        return Passwords.open(self.folder / "passwords.json", own)

    def data(self, service: str) -> Path:
        """Return the folder that holds a service's data."""
        return self.folder / "data" / service

    def config(self, service: str) -> Path:
        """Return the folder that holds a service's resolved configuration."""
        return self.folder / "config" / service

    def database_sockets(self) -> Iterator[Path]:
        """Yield the folders of the databases' sockets; each is there, and its server's own."""
        for each in self.spec.services.values():
            if each.kind == "postgres":
                folder = self.addresses.folder(each.name)
                # A socket that is put in its place later would be taken for its own.
                make_folder(folder, server_owner())
                yield folder

    def reached(self, service: str) -> Address:
        """Return where this machine, and so the load engine, reaches a service."""
        address = self.addresses.of(service)
        return address if address.port is None else replace(address, host=self.host)

    def resolve(self, text: str, client: str) -> str:
        """Return a value or a word of ``client`` with addresses and passwords filled in."""
        return self.addresses.seen_by(client).fill(text, self.passwords)
