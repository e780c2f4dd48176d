"""The kinds of services an environment can have, all behind one protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.environment.services.base import OnProgress, Service
from jupyter_sysdesign.environment.services.place import Place

if TYPE_CHECKING:
    from jupyter_sysdesign.environment.spec import ServiceSpec

__all__ = ["OnProgress", "Place", "Service", "build"]


def build(spec: ServiceSpec, place: Place) -> Service:
    """Return the service ``spec`` asks for, living at ``place``; touches no file yet."""
    from jupyter_sysdesign.environment.services.haproxy import Haproxy  # noqa: PLC0415
    from jupyter_sysdesign.environment.services.postgres import Postgres  # noqa: PLC0415
    from jupyter_sysdesign.environment.services.postgres_replica import Replica  # noqa: PLC0415
    from jupyter_sysdesign.environment.services.python_app import PythonApp  # noqa: PLC0415
    from jupyter_sysdesign.environment.services.valkey import Valkey  # noqa: PLC0415

    if spec.kind == "postgres":
        return Replica(spec, place) if spec.replica_of else Postgres(spec, place)
    if spec.kind == "valkey":
        return Valkey(spec, place)
    if spec.kind == "haproxy":
        return Haproxy(spec, place)
    return PythonApp(spec, place)
