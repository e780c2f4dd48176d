"""What is personal to one learner in one lesson: numbers that nobody else gets.

Everybody's data is the same, so that it is built once; what differs is the traffic: each learner's
users have another favourite. A number read off somebody else's screen is wrong then. The numbers
come by HMAC from a key, the learner and the lesson: a course's workspaces carry the course's key
(``variant_key`` in the marker), elsewhere a key is made once for this machine's home. It is no
secret from the learner, whose machine has to know; so is the answer to an ``observe`` question.
"""

from __future__ import annotations

import getpass
import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_sysdesign import paths
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.atomic import locked, replace
from jupyter_sysdesign.errors import ResourceError

if TYPE_CHECKING:
    from pathlib import Path

_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Variant:
    """One learner's variant of one lesson."""

    secret: bytes

    @classmethod
    def derive(cls, key: str, learner: str, lesson: str) -> Variant:
        """Return the variant of ``learner`` in ``lesson`` under ``key`` (hexadecimal)."""
        message = f"{lesson}\0{learner}".encode()
        return cls(hmac.digest(bytes.fromhex(key), message, hashlib.sha256))

    def number(self, name: str, first: int, last: int) -> int:
        """Return the number called ``name``, from ``first`` to ``last``; always the same one."""
        digest = hmac.digest(self.secret, name.encode(), hashlib.sha256)
        return first + int.from_bytes(digest[:16], "big") % (last - first + 1)


def course_variant_key(course_key: bytes) -> str:
    """Return what a course's workspaces carry: it tells nothing of the course key itself."""
    return hmac.new(course_key, b"variants", hashlib.sha256).hexdigest()


def variant(folder: Path) -> Variant:
    """Return the variant of whoever works in the workspace ``folder``.

    Raises:
        NotFoundError, InvalidFileError: it is no workspace, or its marker is damaged.
        ResourceError: this machine's key can neither be read nor made.
    """
    workspace = workspaces.load(folder)
    return Variant.derive(workspace.variant_key or _local_key(), _learner(), workspace.lesson)


def _learner() -> str:
    return os.environ.get("JUPYTERHUB_USER") or getpass.getuser()


def _local_key() -> str:
    path = paths.home() / "variant.key"
    try:
        with locked(path.with_suffix(".lock")):
            kept = path.read_text(encoding="ascii").strip() if path.exists() else ""
            if not _KEY.fullmatch(kept):
                kept = secrets.token_hex(32)
                replace(path, kept + "\n")
            return kept
    except (OSError, UnicodeDecodeError) as error:
        raise ResourceError(f"{path} can neither be read nor made: {error}") from error
