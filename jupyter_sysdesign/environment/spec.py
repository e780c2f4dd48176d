"""What an environment consists of: ``compose.yaml``, understood and checked.

``load_spec`` is the door; everything behind it may rely on what is promised here: names are safe as
file names, every dependency exists, every ``service:port`` leads somewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.environment.source import Source

Kind = Literal["postgres", "valkey", "haproxy", "python"]

FILE = "compose.yaml"


@dataclass(frozen=True)
class Mount:
    """One file or folder of the environment that a service sees at ``target``.

    Attributes:
        source: path relative to the environment folder, e.g. ``app`` or ``haproxy.cfg``.
        target: absolute path inside a container, e.g. ``/app``.
    """

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True)
class ServiceSpec:
    """One service.

    Attributes:
        command: program and arguments as written; empty means the image's own.
        environment: values as written, tokens not yet resolved.
        ports: container ports to publish on 127.0.0.1; at most one.
        port: container port it listens on, None for a worker that listens nowhere.
        tcp: it needs a 127.0.0.1 port: it is published, or a client of it cannot use unix sockets.
        depends_on: services that must be ready first.
        cpus: CPU quota in cores, None for no quota.
        configs: files whose ``service:port`` tokens are resolved into a copy (HAProxy's).
        durable: fsync stays on (postgres).
        replica_of: the primary that it is a streaming replica of (postgres); database, roles and
            settings are the primary's, its own settings on top.
    """

    name: str
    kind: Kind
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    volumes: tuple[Mount, ...] = ()
    ports: tuple[int, ...] = ()
    port: int | None = None
    tcp: bool = False
    depends_on: tuple[str, ...] = ()
    cpus: float | None = None
    memory_bytes: int | None = None
    working_dir: str | None = None
    configs: tuple[Mount, ...] = ()
    durable: bool = False
    replica_of: str | None = None
    stop_timeout_s: float = 5.0

    @property
    def published(self) -> int | None:
        """Return the published container port, if there is one."""
        return self.ports[0] if self.ports else None


@dataclass(frozen=True)
class LinkSpec:
    """``source`` talks to ``target``; ``marked`` links can have faults put on them."""

    source: str
    target: str
    marked: bool = False


@dataclass(frozen=True)
class Route:
    """One address that a marked link carries: where ``source`` reaches a port of ``target``.

    Attributes:
        port: container port of the target.
        tcp: it is a port of this machine on both sides, else unix sockets.
    """

    source: str
    target: str
    port: int
    tcp: bool = False

    @property
    def name(self) -> str:
        """Return a name that no service can have."""
        return f"{self.source}>{self.target}:{self.port}"


@dataclass(frozen=True)
class Spec:
    """One environment.

    Attributes:
        services: by name, in start order (dependencies first).
        entry: the published service that load goes to, None when nothing is published.
        routes: what the proxy of marked links carries.
    """

    name: str
    services: Mapping[str, ServiceSpec]
    links: tuple[LinkSpec, ...] = ()
    entry: str | None = None
    routes: tuple[Route, ...] = ()

    def replicas(self, primary: str) -> list[str]:
        """Return the names of a database's replicas."""
        return [each.name for each in self.services.values() if each.replica_of == primary]

    def tcp(self) -> dict[str, int]:
        """Return the services and routes that need a port of their own: name → container port."""
        services = {each.name: each.port or 0 for each in self.services.values() if each.tcp}
        return services | {each.name: each.port for each in self.routes if each.tcp}


def load_spec(source: Source) -> Spec:
    """Read ``compose.yaml`` of ``source`` (the learner's copy if there is one).

    Raises:
        InvalidFileError: with the line of the first thing that is wrong.
    """
    from jupyter_sysdesign.environment.spec_builder import build_spec  # noqa: PLC0415 (imports this file)

    return build_spec(source)
