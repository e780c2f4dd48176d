"""What an instance occupies while it is up: its folder, sockets and ports, and the right to."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign import paths
from jupyter_sysdesign.environment import ledger
from jupyter_sysdesign.environment.ownership import Ownership
from jupyter_sysdesign.environment.runtimes import choice
from jupyter_sysdesign.environment.runtimes.choice import EMBEDDED
from jupyter_sysdesign.environment.services import Place
from jupyter_sysdesign.environment.sweep import RECORD, sweep_instance
from jupyter_sysdesign.environment.templates import Templates
from jupyter_sysdesign.errors import ConflictError, ResourceError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jupyter_sysdesign.environment.runtimes import Ports
    from jupyter_sysdesign.environment.source import Source
    from jupyter_sysdesign.environment.spec import Spec

# Under root PostgreSQL runs as another user, who must be able to walk (not list) to its data.
_MODE = 0o711 if os.geteuid() == 0 else 0o700


class Premises:
    """Held from start to stop. Methods block for milliseconds: run them in a thread.

    Attributes:
        place: what the services are built with.
        moved: services whose port of last time was taken meanwhile: name → (old, new).
    """

    def __init__(
        self,
        place: Place,
        moved: dict[str, tuple[int, int]],
        ownership: Ownership,
        ports: Ports,
    ) -> None:
        self.place = place
        self.moved = moved
        self._ownership = ownership
        self._ports = ports

    @classmethod
    def occupy(cls, source: Source, spec: Spec, purpose: str, runtime: str) -> Premises:
        """Take the instance's folder, end what a crash left in it, reserve its ports.

        Raises:
            ConflictError: another program runs this instance.
            ResourceError: no space, no rights, no ports.
            MissingBinaryError: as ``choice.ports``.
        """
        instance = source.instance_id
        folder = paths.instances() / instance
        try:
            folder.mkdir(mode=_MODE, exist_ok=True)
            ownership = Ownership.take(folder)
            if ownership is None:
                raise ConflictError(
                    f"Another program of yours runs {instance}",
                    hint="Stop it there first.",
                )
            try:
                return cls._furnish(source, spec, purpose, runtime, ownership)
            except BaseException:
                ownership.release()
                raise
        except OSError as error:
            raise ResourceError(
                f"{folder} cannot be used: {error.strerror or error}",
                hint="Free disk space, or set SYSDESIGN_HOME to a folder you can write to.",
            ) from error

    @classmethod
    def _furnish(
        cls, source: Source, spec: Spec, purpose: str, runtime: str, ownership: Ownership
    ) -> Premises:
        folder = paths.instances() / source.instance_id
        sockets = paths.sockets(source.instance_id)
        if (folder / ledger.NAME).exists():
            sweep_instance(folder)
        shutil.rmtree(sockets, ignore_errors=True)
        known = read_record(folder)
        before = known.get("ports", {}) if known.get("runtime", EMBEDDED) == runtime else {}
        ports = choice.ports(runtime, source.instance_id)
        try:
            sockets.mkdir(mode=_MODE)
            for name in ("data", "config", "logs"):
                (folder / name).mkdir(mode=_MODE, exist_ok=True)
            given = {
                name: ports.take(name, wanted, before.get(name))
                for name, wanted in spec.tcp().items()
            }
            record: dict[str, object] = {
                "id": source.instance_id,
                "lesson": source.lesson,
                "workspace": str(source.workspace),
                "purpose": purpose,
                "runtime": runtime,
                "created_at": known.get("created_at", time.time()),
                "ports": given,
            }
            _note(folder, record)
            place = Place(
                instance=source.instance_id,
                folder=folder,
                sockets=sockets,
                source=source,
                spec=spec,
                ports=given,
                templates=Templates(paths.templates(), paths.shared_templates()),
                host=ports.host,
                inherits=ports.inherits,
            )
            place.passwords  # noqa: B018 (made here, by one; services are prepared side by side)
        except BaseException:
            ports.close()
            shutil.rmtree(sockets, ignore_errors=True)
            raise
        moved = {
            name: (before[name], port)
            for name, port in given.items()
            if name in before and before[name] != port and name in spec.services
        }
        return cls(place, moved, ownership, ports)

    def refit(self, spec: Spec) -> Place:
        """Return the place as another ``spec`` needs it; who was there keeps its port.

        Raises:
            ResourceError: no ports, no space.
        """
        given = dict(self.place.ports)
        try:
            for name, wanted in spec.tcp().items():
                if name not in given:
                    given[name] = self._ports.take(name, wanted, None)
            _note(self.place.folder, {**read_record(self.place.folder), "ports": given})
        except OSError as error:
            raise ResourceError(
                f"{self.place.folder} cannot be used: {error.strerror or error}",
                hint="Free disk space, or set SYSDESIGN_HOME to a folder you can write to.",
            ) from error
        self.place = replace(self.place, spec=spec, ports=given)
        return self.place

    def vacate(self) -> None:
        """Give everything back; data and logs stay."""
        self._ports.close()
        shutil.rmtree(self.place.sockets, ignore_errors=True)
        self._ownership.release()


def read_record(folder: Path) -> dict[str, Any]:
    """Return what was noted about an instance; empty if nothing was."""
    try:
        record = json.loads((folder / RECORD).read_text())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _note(folder: Path, record: Mapping[str, object]) -> None:
    _write(folder / RECORD, json.dumps(record, indent=1))


def _write(file: Path, text: str) -> None:
    part = file.with_name(f"{file.name}.part")
    try:
        part.write_text(text)
        part.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
