"""``answers.json``: what a learner answered and which checks held. Never silently lost.

The control plane alone writes it; the lock and the rename are for the day somebody else does.
Keys this version does not know are kept as they are.
"""

from __future__ import annotations

import contextlib
import errno
import json
import time
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from jupyter_sysdesign.control.models import Answer, Status
from jupyter_sysdesign.curriculum.atomic import locked, read_plain, replace
from jupyter_sysdesign.errors import InvalidRequestError, ResourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jupyter_sysdesign.control.models import Verdict

NAME = "answers.json"
MAX_BYTES = 4_000_000
_DAMAGED = "answers.damaged-"
#: What reading fails with because of what is there: a link, a folder, a pipe, a socket.
_NO_PLAIN_FILE = (errno.ELOOP, errno.EISDIR, errno.EINVAL, errno.ENXIO)


class AnswersFile:
    """The answers and progress of one workspace.

    Whatever reads or writes raises a ResourceError where the file cannot be read just now.

    Attributes:
        path: the file; it does not exist before the first answer.
    """

    def __init__(self, folder: Path) -> None:
        """Work on the workspace in ``folder``."""
        self.path = folder / NAME
        self._lock = folder / ".sysdesign" / "answers.lock"

    def answers(self) -> dict[str, Answer]:
        """Return the answers by question id; entries that make no sense are left out (and kept)."""
        return _answers(self._read() or {})

    def checks(self) -> dict[str, dict[str, Any]]:
        """Return the last result of each check: ``{status, points, max_points, at}``."""
        checks = (self._read() or {}).get("checks")
        if not isinstance(checks, dict):
            return {}
        return {str(key): each for key, each in checks.items() if isinstance(each, dict)}

    @property
    def passed_at(self) -> float | None:
        """When the lesson's verdict was first ``passed``; finished once is finished."""
        value = (self._read() or {}).get("passed_at")
        with contextlib.suppress(OverflowError):
            return float(value) if isinstance(value, (int, float)) else None
        return None

    @property
    def tried(self) -> bool:
        """Whether a verdict was ever asked for (solutions are kept back until then)."""
        return bool((self._read() or {}).get("verdicts"))

    @property
    def notices(self) -> list[str]:
        """What a person should be told: that a damaged file is there, or was put aside."""
        kept = sorted(self.path.parent.glob(f"{_DAMAGED}*.json"))
        told = [f"{NAME} could not be read; it was kept as {each.name}." for each in kept]
        if self._read() is None:
            told.append(f"{NAME} cannot be read; the next answer puts it aside.")
        return told

    def put(self, question: str, answer: Answer) -> None:
        """Store one answer; all others stay as they are."""
        self.update(question, lambda _: answer)

    def update(self, question: str, change: Callable[[Answer | None], Answer]) -> Answer:
        """Replace one answer by ``change(the present one or None)``, under the lock; return it."""
        kept: list[Answer] = []

        def edit(document: dict[str, Any]) -> None:
            answers = document.setdefault("answers", {})
            previous = answers.get(question)
            kept.append(change(_answers(document).get(question)))
            known = kept[0].model_dump(mode="json", exclude={"model_answer"})
            extra = previous if isinstance(previous, dict) else {}
            answers[question] = {**extra, **known}

        self._edit(edit)
        return kept[0]

    def record(self, verdict: Verdict) -> None:
        """Store a verdict's results; an unknown one is counted, and takes nothing away.

        The lesson is passed where every check of it was made, and held.
        """

        def edit(document: dict[str, Any]) -> None:
            checks = document.setdefault("checks", {})
            now = time.time()
            for each in verdict.checks:
                if each.status is not Status.UNKNOWN or each.id not in checks:
                    fields = {"status", "points", "max_points"}
                    checks[each.id] = {**each.model_dump(mode="json", include=fields), "at": now}
            before = document.get("verdicts")
            document["verdicts"] = (before if isinstance(before, int) else 0) + 1
            if verdict.status is Status.PASSED and verdict.whole:
                document.setdefault("passed_at", now)

        self._edit(edit)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep everybody from writing answers here; made when missing."""
        self._lock.parent.mkdir(exist_ok=True)
        with locked(self._lock):
            yield

    def _edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        try:
            with self.locked():
                there = self._read()
                document = there or {}
                for key in ("answers", "checks"):
                    if not isinstance(document.get(key, {}), dict):
                        document[f"{key}_unreadable"] = document.pop(key)
                document.setdefault("version", 1)
                change(document)
                keep = None
                if there is None:
                    keep = self.path.with_name(f"{_DAMAGED}{time.time_ns()}.json")
                replace(self.path, _written(document), aside=self._lock.parent, keep=keep)
        except OSError as error:
            raise ResourceError(
                f"Your answer could not be saved: {error.strerror}",
                hint=f"Make room, or the right to write, in {self.path.parent}, and answer again.",
            ) from error

    def _read(self) -> dict[str, Any] | None:
        """Return what is in the file, nothing where there is none; None if it is damaged.

        Raises:
            ResourceError: it cannot be read just now, and may well be whole.
        """
        try:
            return _parse(read_plain(self.path, MAX_BYTES + 1))
        except FileNotFoundError:
            return {}
        except OSError as error:
            if error.errno in _NO_PLAIN_FILE:
                return None
            raise ResourceError(
                f"{self.path} cannot be read: {error.strerror}",
                hint="Nothing in it was changed. Try again, or see to your right to read it.",
            ) from error


def _written(document: dict[str, Any]) -> str:
    """Return the text of a document that ``_parse`` can read again.

    Raises:
        InvalidRequestError: there is none.
    """
    try:
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    except RecursionError as error:
        raise InvalidRequestError(f"{NAME} is nested too deeply to be written") from error
    try:
        size = len(text.encode())
    except UnicodeEncodeError:  # half a character that somebody wrote into the file by hand
        text = json.dumps(document, indent=1) + "\n"
        size = len(text)
    if size > MAX_BYTES:
        raise InvalidRequestError(
            f"{NAME} would be larger than {MAX_BYTES:,} bytes", hint="Say it in fewer words."
        )
    return text


def _parse(data: bytes) -> dict[str, Any] | None:
    if len(data) > MAX_BYTES:
        return None
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _answers(document: dict[str, Any]) -> dict[str, Answer]:
    answers = document.get("answers")
    found: dict[str, Answer] = {}
    for question, each in (answers if isinstance(answers, dict) else {}).items():
        answer = _answer(each)
        if answer is not None:
            found[str(question)] = answer
    return found


def _answer(stored: Any) -> Answer | None:
    try:
        answer = Answer.model_validate(stored)
        answer.model_dump_json()  # what cannot be told is no answer: half a character, a deep nest
    except (ValidationError, ValueError):
        return None
    return answer
