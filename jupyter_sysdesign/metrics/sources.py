"""What is sampled: plain addresses. Whoever runs the services fills this in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_sysdesign.load.target import Target

#: Returns the process ids of each service's tree now, the main one first.
Processes = Callable[[], Mapping[str, Sequence[int]]]


@dataclass(frozen=True)
class AppSource:
    """A service that answers ``GET /metrics`` in Prometheus's text format."""

    service: str
    target: Target
    path: str = "/metrics"


@dataclass(frozen=True)
class PostgresSource:
    """A PostgreSQL database; ``dsn`` names a role with ``pg_monitor``.

    Attributes:
        replicas: what its streaming replicas call themselves.
    """

    service: str
    dsn: str = field(repr=False)
    replicas: tuple[str, ...] = ()


@dataclass(frozen=True)
class ValkeySource:
    """A Valkey server; a URL that redis-py understands."""

    service: str
    url: str = field(repr=False)


@dataclass(frozen=True)
class HaproxySource:
    """An HAProxy; ``socket`` is the path of its stats socket."""

    service: str
    socket: str


@dataclass(frozen=True)
class Sources:
    """Everything that one environment has to sample.

    Attributes:
        processes: see ``Processes``; called in the sampler's event loop.
        cpu_quotas: of each service that has one, in cores.
    """

    apps: tuple[AppSource, ...] = ()
    postgres: tuple[PostgresSource, ...] = ()
    valkey: tuple[ValkeySource, ...] = ()
    haproxy: tuple[HaproxySource, ...] = ()
    processes: Processes | None = None
    cpu_quotas: Mapping[str, float] = field(default_factory=dict)
