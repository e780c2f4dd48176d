"""What makes a database of ``compose.yaml`` the streaming replica of another one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_sysdesign.environment.commands import CommandError, postgres_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.environment.spec import ServiceSpec

#: A primary has ten senders of its log; two are for whoever copies it.
MAX_REPLICAS = 8

# A replica stops replaying where its primary allows more of these than itself (PostgreSQL 18,
# 26.4.3); with the defaults.
_AT_LEAST = {
    "max_connections": 100,
    "max_locks_per_transaction": 64,
    "max_prepared_transactions": 0,
    "max_wal_senders": 10,
    "max_worker_processes": 8,
}
_WHERE = ("x-sysdesign", "replica_of")


def slot(replica: str) -> str:
    """Return the name of a replica's replication slot: ``-`` cannot be part of one."""
    return replica.replace("_", "__").replace("-", "_x")


def follow(spec: ServiceSpec, services: Mapping[str, ServiceSpec]) -> ServiceSpec:
    """Return ``spec`` with what a replica takes over from its primary; any other one unchanged.

    Raises:
        CommandError: it cannot be a replica of that.
    """
    if spec.replica_of is None:
        return spec
    primary = _primary(spec, spec.replica_of, services)
    if spec.volumes:
        raise CommandError(
            f"a replica runs no scripts of its own: its data are those of {primary.name}", "volumes"
        )
    _check_settings(spec, primary)
    return replace(
        spec,
        command=(*(primary.command or ("postgres",)), *spec.command[1:]),
        environment=primary.environment,
        volumes=primary.volumes,
        depends_on=tuple(dict.fromkeys((*spec.depends_on, primary.name))),
    )


def _primary(spec: ServiceSpec, wanted: str, services: Mapping[str, ServiceSpec]) -> ServiceSpec:
    if spec.kind != "postgres":
        raise CommandError("only a database can be a replica", *_WHERE)
    if wanted not in services:
        raise CommandError(f"there is no service {wanted}", *_WHERE)
    if wanted == spec.name:
        raise CommandError(f"{spec.name} cannot be a replica of itself", *_WHERE)
    primary = services[wanted]
    if primary.kind != "postgres":
        raise CommandError(f"{wanted} is no database", *_WHERE)
    if primary.replica_of is not None:
        raise CommandError(
            f"{wanted} is a replica itself; name its primary, {primary.replica_of}", *_WHERE
        )
    if sum(each.replica_of == wanted for each in services.values()) > MAX_REPLICAS:
        raise CommandError(f"{wanted} can have {MAX_REPLICAS} replicas", *_WHERE)
    return primary


def _check_settings(spec: ServiceSpec, primary: ServiceSpec) -> None:
    theirs, own = dict(postgres_settings(primary)), dict(postgres_settings(spec))
    for name, usual in _AT_LEAST.items():
        needed = theirs.get(name, str(usual))
        if name in own and _number(own[name]) < _number(needed):
            raise CommandError(f"{name} must be at least {primary.name}'s, {needed}", "command")


def _number(value: str) -> int:
    """Return a setting's number; what is none is for the server to refuse."""
    return int(value) if value.strip().isdigit() else 0
