"""Random passwords, one set per instance, kept in a file that only its owner can read."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Role = Literal["app", "grader", "admin", "replication"]
ROLES: tuple[Role, ...] = ("app", "grader", "admin", "replication")


def generate() -> str:
    """Return a new password of 128 random bits, safe in URLs, files and SQL without quoting."""
    return secrets.token_hex(16)


def token(service: str) -> str:
    """Return the variable that stands for a service's password, e.g. SYSDESIGN_PASSWORD_DB."""
    return "SYSDESIGN_PASSWORD_" + service.upper().replace("-", "_")


@dataclass(frozen=True)
class Passwords:
    """The passwords of one instance: ``of(service, role)``."""

    values: Mapping[str, Mapping[str, str]]

    @classmethod
    def open(cls, file: Path, services: Iterable[str]) -> Passwords:
        """Read ``file``, adding what is missing for ``services`` (written 0600, atomically)."""
        try:
            known: dict[str, dict[str, str]] = json.loads(file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            known = {}
        wanted: dict[str, dict[str, str]] = {
            name: {role: known.get(name, {}).get(role) or generate() for role in ROLES}
            for name in services
        }
        if wanted != known:
            write_private(file, json.dumps(wanted, indent=1))
        return cls(wanted)

    def of(self, service: str, role: Role = "app") -> str:
        """Return the password of one role of one service."""
        return self.values[service][role]

    def all(self) -> tuple[str, ...]:
        """Return every password: what must never be shown in a log."""
        return tuple(each for roles in self.values.values() for each in roles.values())


def write_private(file: Path, text: str) -> None:
    """Replace ``file`` by ``text`` in one step, readable by its owner only."""
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    partial.replace(file)
