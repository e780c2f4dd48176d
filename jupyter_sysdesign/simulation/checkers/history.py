"""Histories: which client asked for what, when, and what it was told.

A history is all that a client of a system can know about it, so every checker starts from one,
whether the system was simulated or a real database. The form follows Herlihy and Wing,
"Linearizability: A Correctness Condition for Concurrent Objects" (1990), section 2, and Jepsen's
three outcomes.
"""

from __future__ import annotations

import itertools
import json
import math
import reprlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from jupyter_sysdesign.errors import InvalidFileError, InvalidRequestError, not_utf8

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

#: How an operation ended. ``ok``: it happened. ``fail``: it did not happen, for certain. ``info``:
#: nobody knows (a timeout, a lost connection); it may have happened, or may happen yet.
Status: TypeAlias = Literal["ok", "fail", "info"]
#: What a client, a key, a value and a result are: JSON, with lists as tuples and without objects.
Value: TypeAlias = Any

#: How deep lists may lie in lists.
_DEPTH = 20
_STATUSES: tuple[Status, ...] = get_args(Status)
_REQUIRED = ("client", "kind", "invoked", "status")
_FIELDS = ("client", "kind", "key", "value", "result", "invoked", "returned", "status")


@dataclass(frozen=True)
class Operation:
    """One operation of one client.

    Attributes:
        client: who asked; a client does one thing at a time.
        kind: what it asked for: ``read``, ``write``, ``cas``, ``txn``, …
        key: on what; None where the whole object is meant.
        value: the argument.
        result: what the client was told; None unless ``ok``.
        invoked: when it asked; any integer clock will do (µs in the simulator, ns on real
            systems), the same for all clients.
        returned: when it was answered, or gave up; None if it still waits at the end.
        status: ``ok``, ``fail`` or ``info``.

    Raises:
        InvalidRequestError: a field has no sense, e.g. an answer before the question.
    """

    client: int | str
    kind: str
    key: Value
    value: Value
    result: Value
    invoked: int
    returned: int | None
    status: Status = "ok"

    def __post_init__(self) -> None:
        for name in ("key", "value", "result"):
            object.__setattr__(self, name, frozen(getattr(self, name), name))
        if problem := _problem(self):
            raise InvalidRequestError(f"{_named(self)}: {problem}")

    @property
    def happened(self) -> bool:
        """Whether it certainly took effect."""
        return self.status == "ok"

    @property
    def possible(self) -> bool:
        """Whether it took effect or may have."""
        return self.status != "fail"

    def precedes(self, other: Operation) -> bool:
        """Return whether this one was over, effect and all, before ``other`` began.

        At the same moment they overlap: which of the two came first, the clock does not tell. (That
        a client's own operations follow each other, their order in the history tells.)
        """
        return self.happened and self.returned is not None and self.returned < other.invoked

    def __str__(self) -> str:
        return _named(self)


def frozen(value: Value, what: str = "value", depth: int = _DEPTH) -> Value:
    """Return ``value`` with lists as tuples, so that it can be compared, hashed and not changed.

    Raises:
        InvalidRequestError: it is no JSON value, holds an object (a dict), or too deep lists.
    """
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, (list, tuple)) and depth:
        return tuple(frozen(each, what, depth - 1) for each in value)
    raise InvalidRequestError(
        f"the {what} is {reprlib.repr(value)}" + ("" if depth else ", too deep in lists"),
        hint="A history holds finite numbers, text, true, false, null, and lists of them.",
    )


class History:
    """The operations of one run, in the order they were invoked.

    Attributes:
        operations: all of them; those invoked at the same moment stand in the order given.

    Raises:
        InvalidRequestError: a client asks again before it was answered.
    """

    __slots__ = ("operations",)

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.operations: tuple[Operation, ...] = tuple(
            sorted(operations, key=lambda each: each.invoked)
        )
        for sequence in self.by_client().values():
            _one_at_a_time(sequence)

    def by_client(self) -> dict[int | str, list[Operation]]:
        """Return each client's operations in its own order, which is called program order."""
        found: dict[int | str, list[Operation]] = {}
        for each in self.operations:
            found.setdefault(each.client, []).append(each)
        return found

    def by_key(self) -> dict[Value, History]:
        """Return a history for each key."""
        found: dict[Value, list[Operation]] = {}
        for each in self.operations:
            found.setdefault(each.key, []).append(each)
        return {key: History(operations) for key, operations in found.items()}

    def __len__(self) -> int:
        return len(self.operations)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, History) and self.operations == other.operations

    def __hash__(self) -> int:
        return hash(self.operations)

    def __repr__(self) -> str:
        return f"History({list(self.operations)!r})"


class Recording:
    """Pairs what clients ask with what they are told, as it happens.

    Whoever is not answered when the recording is read has an operation of status ``info``.
    """

    def __init__(self) -> None:
        self._done: list[Operation] = []
        self._waiting: dict[int | str, tuple[str, Value, Value, int]] = {}

    def invoke(
        self, client: int | str, kind: str, key: Value = None, value: Value = None, *, at: int
    ) -> None:
        """Note that ``client`` asks.

        Raises:
            InvalidRequestError: it still waits for an answer.
        """
        if client in self._waiting:
            kind_before = self._waiting[client][0]
            raise InvalidRequestError(
                f"client {client} invokes {kind} at {at} but its {kind_before} was not answered",
                hint="A client does one thing at a time; note how the first one ended.",
            )
        self._waiting[client] = (kind, frozen(key, "key"), frozen(value), at)

    def complete(
        self, client: int | str, status: Status, result: Value = None, *, at: int
    ) -> Operation:
        """Note how what ``client`` asked for ended, and return the whole operation.

        Raises:
            InvalidRequestError: it asked for nothing, or ``at`` lies before the question.
        """
        if client not in self._waiting:
            raise InvalidRequestError(f"client {client} is answered at {at} but asked for nothing")
        kind, key, value, invoked = self._waiting[client]
        operation = Operation(client, kind, key, value, result, invoked, at, status)
        del self._waiting[client]
        self._done.append(operation)
        return operation

    def history(self) -> History:
        """Return everything so far."""
        open_ends = [
            Operation(client, kind, key, value, None, invoked, None, "info")
            for client, (kind, key, value, invoked) in self._waiting.items()
        ]
        return History([*self._done, *open_ends])


def dumps(history: Iterable[Operation]) -> str:
    """Return ``history`` as JSON Lines: one operation a line, fields by their names."""
    return "".join(
        json.dumps({name: getattr(each, name) for name in _FIELDS}) + "\n" for each in history
    )


def loads(text: str, name: str = "history.jsonl") -> History:
    """Return the history that ``dumps`` wrote; empty lines do not matter.

    ``key``, ``value``, ``result`` and ``returned`` may be left out where they are null. ``name``
    is what errors call the file.

    Raises:
        InvalidFileError: with the line that is wrong.
    """
    operations = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                operations.append(_operation(line))
            except InvalidRequestError as error:
                raise InvalidFileError(
                    error.message, file=name, line=number, hint=error.hint
                ) from None
    try:
        return History(operations)
    except InvalidRequestError as error:
        raise InvalidFileError(error.message, file=name, hint=error.hint) from None


def write(history: Iterable[Operation], path: Path) -> None:
    """Write ``history`` to a JSON Lines file."""
    path.write_text(dumps(history), encoding="utf-8")


def read(path: Path) -> History:
    """Read a JSON Lines file.

    Raises:
        InvalidFileError: missing, unreadable, not UTF-8, or with the line that is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise not_utf8(error, path.name) from None
    except OSError as error:
        raise InvalidFileError(error.strerror or str(error), file=path.name) from error
    return loads(text, path.name)


def _operation(line: str) -> Operation:
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise InvalidRequestError(f"not JSON: {error}") from None
    except RecursionError:
        raise InvalidRequestError("not JSON that can be read: nested too deeply") from None
    if not isinstance(fields, dict):
        raise InvalidRequestError("an operation is a JSON object")
    if unknown := [name for name in fields if name not in _FIELDS]:
        raise InvalidRequestError(
            f"the field {unknown[0]!r} is not known", hint=f"The fields are {', '.join(_FIELDS)}."
        )
    if missing := [name for name in _REQUIRED if name not in fields]:
        raise InvalidRequestError(f"the field {missing[0]!r} is missing")
    given: dict[str, Any] = {name: fields.get(name) for name in _FIELDS}
    return Operation(**given)


def _problem(operation: Operation) -> str:
    """Return what is wrong with one operation, or nothing."""
    return _wrong_type(operation) or _wrong_order(operation)


def _wrong_type(operation: Operation) -> str:
    for name in ("invoked", "returned"):
        moment = getattr(operation, name)
        if not _is_integer(moment) and not (name == "returned" and moment is None):
            return f"{name} is {moment!r}, not an integer"
    if not _is_integer(operation.client) and not isinstance(operation.client, str):
        return f"client is {operation.client!r}, neither a number nor a name"
    if not isinstance(operation.kind, str) or not operation.kind:
        return f"kind is {operation.kind!r}, not a name"
    if operation.status not in _STATUSES:
        return f"status is {operation.status!r}, not one of {', '.join(_STATUSES)}"
    return ""


def _wrong_order(operation: Operation) -> str:
    if operation.returned is None:
        return "" if operation.status == "info" else f"it is {operation.status} but never returned"
    if operation.returned < operation.invoked:
        return f"it returned at {operation.returned}, before it was invoked"
    if operation.status != "ok" and operation.result is not None:
        return f"it is {operation.status} but has a result"
    return ""


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _one_at_a_time(sequence: Sequence[Operation]) -> None:
    """Refuse a client whose next operation begins before the one before has ended."""
    for before, after in itertools.pairwise(sequence):
        if before.returned is None or before.returned > after.invoked:
            ended = "never returned" if before.returned is None else f"returned {before.returned}"
            raise InvalidRequestError(
                f"client {after.client} does two things at once: {before} {ended}, "
                f"yet {after} follows",
                hint="Give a client that did not wait for its answer a new name.",
            )


def _named(operation: Operation) -> str:
    on = "" if operation.key is None else f" {operation.key}"
    return f"{operation.kind}{on} of client {operation.client} invoked {operation.invoked}"
