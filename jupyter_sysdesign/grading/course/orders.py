"""What is graded: one submission, complete in itself, so that any machine can do it."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from jupyter_sysdesign.grading.submission import RejectedError, UnreadableError, collect

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jupyter_sysdesign.curriculum.catalogue import Lesson


class Order(BaseModel):
    """One submission to grade.

    Attributes:
        files: its editable files, by relative path.
        digest: SHA-256 of them; two submissions with the same one are the same.
        seed: of traffic, data and faults; the learner's side never has it.
        curriculum: folders to look for the lesson in, first.
        rejected: why the files are not even run; empty: they are.
        unreadable: why nobody knows what was submitted; empty: it is known.
    """

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64", frozen=True)

    student: str
    lesson: str
    files: dict[str, bytes] = Field(repr=False)
    digest: str
    seed: int = Field(repr=False)
    curriculum: tuple[str, ...] = ()
    rejected: str = ""
    unreadable: str = ""


def read(
    student: str, lesson: Lesson, folder: Path, key: bytes, curriculum: tuple[str, ...] = ()
) -> Order:
    """Read what ``student`` submitted into ``folder``; only editable files are opened."""
    files, rejected, unreadable = dict[str, bytes](), "", ""
    try:
        files = collect(lesson, folder)
    except RejectedError as error:
        rejected = str(error)
    except UnreadableError as error:
        unreadable = str(error)
    digest = digest_of(files)
    return Order(
        student=student,
        lesson=lesson.id,
        files=files,
        digest=digest,
        seed=seed_of(key, lesson.id, digest),
        curriculum=curriculum,
        rejected=rejected,
        unreadable=unreadable,
    )


def digest_of(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of paths and contents."""
    whole = hashlib.sha256()
    for relative, content in sorted(files.items()):
        whole.update(f"{len(relative)} {len(content)} {relative}\n".encode())
        whole.update(content)
    return whole.hexdigest()


def seed_of(key: bytes, lesson: str, digest: str) -> int:
    """Return the held-out seed: HMAC under the course key, below 2**63.

    The same files get the same traffic, whoever submits them and however often; other files get
    other traffic, so that what one grading showed is worth nothing in the next.
    """
    made = hmac.new(key, f"{lesson}:{digest}".encode(), hashlib.sha256).digest()
    return int.from_bytes(made[:8], "big") >> 1
