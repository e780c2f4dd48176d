"""Where the services of one instance live and how they find each other."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from jupyter_sysdesign.environment.addresses import Addresses
from jupyter_sysdesign.environment.passwords import Passwords

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

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
        ports: reserved 127.0.0.1 port of each service that ``spec.tcp()`` names.
        cancelled: set it to end a ``prepare`` that builds a template; it raises ConflictError.
    """

    instance: str
    folder: Path
    sockets: Path
    source: Source
    spec: Spec
    ports: Mapping[str, int]
    templates: Templates
    cancelled: threading.Event = field(default_factory=threading.Event)

    @cached_property
    def addresses(self) -> Addresses:
        """Return where every service is reached."""
        return Addresses(self.spec, self.sockets, self.ports)

    @cached_property
    def passwords(self) -> Passwords:
        """Return the instance's passwords, made on first use."""
        return Passwords.open(self.folder / "passwords.json", self.spec.services)

    def data(self, service: str) -> Path:
        """Return the folder that holds a service's data."""
        return self.folder / "data" / service

    def config(self, service: str) -> Path:
        """Return the folder that holds a service's resolved configuration."""
        return self.folder / "config" / service

    def resolve(self, text: str, client: str = "") -> str:
        """Return an environment value of ``client`` with addresses and passwords filled in."""
        return self.addresses.seen_by(client).fill(text, self.passwords)
