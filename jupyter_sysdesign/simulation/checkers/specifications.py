"""Sequential specifications: what one object does when one client at a time uses it.

A consistency model says which orders of the operations are allowed; the specification says what
each operation then answers. Each one here is a state machine: a state to begin with, and
``apply``, which gives the next state and the answer. States are values that can be hashed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.simulation.checkers.narration import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.simulation.checkers.history import Operation, Value

State: TypeAlias = Any


class _Unchecked:
    def __repr__(self) -> str:
        return "UNCHECKED"


#: The answer of an operation that only says it was done.
UNCHECKED: Final = _Unchecked()


class Specification:
    """What an object does.

    Attributes:
        name: what it is called.
        kinds: the operations it knows.
        reads: those of them that never change the state.
        per_key: whether each key is an object of its own; linearizability may then look at one
            key at a time (Herlihy and Wing 1990, theorem 1: it is a local property).
    """

    name: ClassVar[str] = "object"
    kinds: ClassVar[frozenset[str]] = frozenset()
    reads: ClassVar[frozenset[str]] = frozenset({"read"})
    per_key: ClassVar[bool] = True

    def start(self) -> State:
        """Return the state before the first operation."""
        raise NotImplementedError

    def apply(self, state: State, kind: str, value: Value) -> tuple[State, Any]:
        """Return the state after an operation, and its answer or ``UNCHECKED``.

        Raises:
            InvalidRequestError: no such operation, or not with that value.
        """
        raise NotImplementedError

    def agrees(self, answer: Any, result: Value) -> bool:
        """Return whether a client that was told ``result`` was given ``answer``."""
        return bool(answer == result)

    def is_read(self, operation: Operation) -> bool:
        """Return whether ``operation`` changes nothing, whatever the state."""
        return operation.kind in self.reads

    def needs(self, operation: Operation) -> tuple[State] | None:  # noqa: ARG002
        """Return the one state in which ``operation`` fits; None where that cannot be said."""
        return None

    def makes(self, operation: Operation) -> tuple[State] | None:  # noqa: ARG002
        """Return the one state that ``operation`` may lead to; None if it changes nothing.

        Only asked of objects whose operations ``needs`` something.
        """
        return None

    def shows(self, state: State) -> str:
        """Return ``state`` as a reader is told it."""
        return shown(state)

    def unknown(self, kind: str) -> InvalidRequestError:
        """Return the error for an operation the object does not know."""
        return InvalidRequestError(
            f"a {self.name} has no operation {kind!r}",
            hint=f"It has {', '.join(sorted(self.kinds))}.",
        )


class Register(Specification):
    """One value. ``write`` sets it, ``read`` answers it; ``initial`` before the first write."""

    name = "register"
    kinds = frozenset({"read", "write"})

    def __init__(self, initial: Value = None) -> None:
        self.initial = initial

    def start(self) -> State:
        """Return the initial value."""
        return self.initial

    def apply(self, state: State, kind: str, value: Value) -> tuple[State, Any]:
        """Read or write."""
        if kind == "read":
            return state, state
        if kind == "write":
            return value, UNCHECKED
        raise self.unknown(kind)

    def needs(self, operation: Operation) -> tuple[State] | None:
        """Return the value that was read."""
        return (operation.result,) if operation.kind == "read" and operation.happened else None

    def makes(self, operation: Operation) -> tuple[State] | None:
        """Return the value to be written."""
        return (operation.value,) if operation.kind == "write" else None


class CasRegister(Register):
    """A register that can also compare and set.

    ``cas`` with ``[expected, new]`` answers true and sets the new value, or answers false and
    leaves the old one.
    """

    name = "cas-register"
    kinds = frozenset({"read", "write", "cas"})

    def apply(self, state: State, kind: str, value: Value) -> tuple[State, Any]:
        """Read, write, or compare and set."""
        if kind == "cas":
            expected, new = _several(kind, value, "expected", "new")
            return (new, True) if state == expected else (state, False)
        return super().apply(state, kind, value)

    def is_read(self, operation: Operation) -> bool:
        """Return whether it is a read, or a ``cas`` that was told no."""
        return super().is_read(operation) or (operation.kind == "cas" and operation.result is False)

    def needs(self, operation: Operation) -> tuple[State] | None:
        """Return the value that was read or expected."""
        if operation.kind == "cas" and operation.result is True:
            return (_several("cas", operation.value, "expected", "new")[0],)
        return super().needs(operation)

    def makes(self, operation: Operation) -> tuple[State] | None:
        """Return the value to be written or set."""
        if operation.kind == "cas" and not self.is_read(operation):
            return (_several("cas", operation.value, "expected", "new")[1],)
        return super().makes(operation)


class Set(Specification):
    """A set. ``add`` and ``remove`` one value; ``contains`` one; ``read`` all, in any order."""

    name = "set"
    kinds = frozenset({"add", "remove", "contains", "read"})
    reads = frozenset({"contains", "read"})

    def start(self) -> State:
        """Return the empty set."""
        return frozenset()

    def apply(self, state: State, kind: str, value: Value) -> tuple[State, Any]:
        """Add, remove, look for one or read all."""
        if kind == "add":
            return state | {value}, UNCHECKED
        if kind == "remove":
            return state - {value}, UNCHECKED
        if kind == "contains":
            return state, value in state
        if kind == "read":
            return state, state
        raise self.unknown(kind)

    def agrees(self, answer: Any, result: Value) -> bool:
        """Compare what was read as a set without repetitions."""
        if isinstance(answer, frozenset):
            several = result if isinstance(result, tuple) else (result,)
            return len(several) == len(answer) and answer == frozenset(several)
        return bool(answer == result)

    def shows(self, state: State) -> str:
        """Return its members."""
        return "{" + ", ".join(sorted(map(shown, state))) + "}"


class Counter(Specification):
    """A number from 0. ``add`` only adds; ``increment`` adds and answers the sum; ``read``."""

    name = "counter"
    kinds = frozenset({"add", "increment", "read"})

    def start(self) -> State:
        """Return 0."""
        return 0

    def apply(self, state: State, kind: str, value: Value) -> tuple[State, Any]:
        """Add, add and tell, or tell."""
        if kind == "read":
            return state, state
        if kind not in self.kinds:
            raise self.unknown(kind)
        _number(kind, value)
        total = state + value
        return total, total if kind == "increment" else UNCHECKED


class Queue(Specification):
    """First in, first out. ``enqueue`` a value; ``dequeue`` answers the oldest, null when empty."""

    name = "queue"
    kinds = frozenset({"enqueue", "dequeue"})
    reads = frozenset()

    def start(self) -> State:
        """Return the empty queue."""
        return ()

    def apply(self, state: State, kind: str, value: Value) -> tuple[State, Any]:
        """Put at the end or take from the front."""
        if kind == "enqueue":
            return (*state, value), UNCHECKED
        if kind == "dequeue":
            return (state[1:], state[0]) if state else (state, None)
        raise self.unknown(kind)

    def is_read(self, operation: Operation) -> bool:
        """Return whether it is a ``dequeue`` that found the queue empty."""
        return operation.happened and operation.kind == "dequeue" and operation.result is None

    def shows(self, state: State) -> str:
        """Return its values, the oldest first."""
        return shown(list(state))


class Log(Specification):
    """A list that only grows. ``append`` a value; ``read`` answers all of it."""

    name = "log"
    kinds = frozenset({"append", "read"})

    def start(self) -> State:
        """Return the empty log."""
        return ()

    def apply(self, state: State, kind: str, value: Value) -> tuple[State, Any]:
        """Append or read."""
        if kind == "append":
            return (*state, value), UNCHECKED
        if kind == "read":
            return state, state
        raise self.unknown(kind)

    def shows(self, state: State) -> str:
        """Return its values, the oldest first."""
        return shown(list(state))


class KeyValue(Specification):
    """A map, of which each key is an object of its own.

    ``get`` answers the value or null; ``put`` sets it; ``append`` adds text at its end; ``delete``
    removes it.
    """

    name = "key-value map"
    kinds = frozenset({"get", "put", "append", "delete"})
    reads = frozenset({"get"})

    def start(self) -> State:
        """Return null: the key is not there."""
        return None

    def apply(self, state: State, kind: str, value: Value) -> tuple[State, Any]:
        """Get, put, append or delete."""
        if kind == "get":
            return state, state
        if kind == "put":
            return value, UNCHECKED
        if kind == "append":
            before = "" if state is None else state
            if not isinstance(value, str) or not isinstance(before, str):
                raise InvalidRequestError(f"append needs text, not {value!r} after {state!r}")
            return before + value, UNCHECKED
        if kind == "delete":
            return None, UNCHECKED
        raise self.unknown(kind)


class Bank(Specification):
    """Accounts with balances, all one object, because a transfer changes two at once.

    ``transfer`` with ``[from, to, amount]`` answers true, or false and does nothing where the
    balance is too small; ``read`` answers ``[[account, balance], …]`` of all, in any order.
    """

    name = "bank"
    kinds = frozenset({"transfer", "read"})
    per_key = False

    def __init__(self, balances: Mapping[Value, int]) -> None:
        self.balances = dict(balances)

    def start(self) -> State:
        """Return the balances to begin with."""
        return frozenset(self.balances.items())

    def apply(self, state: State, kind: str, value: Value) -> tuple[State, Any]:
        """Transfer or read."""
        if kind == "read":
            return state, state
        if kind != "transfer":
            raise self.unknown(kind)
        source, target, amount = _several(kind, value, "from", "to", "amount")
        _number(kind, amount)
        balances = dict(state)
        if source not in balances or target not in balances:
            missing = source if source not in balances else target
            raise InvalidRequestError(f"the bank has no account {missing!r}")
        if balances[source] < amount:
            return state, False
        balances[source] -= amount
        balances[target] += amount
        return frozenset(balances.items()), True

    def agrees(self, answer: Any, result: Value) -> bool:
        """Compare balances by account."""
        if isinstance(answer, frozenset):
            return isinstance(result, tuple) and answer == frozenset(result)
        return bool(answer == result)

    def is_read(self, operation: Operation) -> bool:
        """Return whether it is a read, or a transfer that was refused."""
        return super().is_read(operation) or (
            operation.kind == "transfer" and operation.result is False
        )

    def shows(self, state: State) -> str:
        """Return the balance of each account."""
        return ", ".join(sorted(f"{shown(account)}: {balance}" for account, balance in state))


def _several(kind: str, value: Value, *names: str) -> tuple[Value, ...]:
    if isinstance(value, tuple) and len(value) == len(names):
        return value
    raise InvalidRequestError(f"{kind} needs [{', '.join(names)}], not {value!r}")


def _number(kind: str, value: Value) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidRequestError(f"{kind} needs a number, not {value!r}")
