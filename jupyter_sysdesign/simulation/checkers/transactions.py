"""Transactions in a history: what each one did, step by step.

A transaction is an operation of kind ``txn``. Its value is a list of steps, its result the same
list with the answers of the reads filled in:

- lists: ``["append", key, element]`` and ``["r", key, [element, …]]``;
- registers: ``["w", key, value]`` and ``["r", key, value]``, null before the first write.

What failed was rolled back, for certain; what nobody knows counts as committed once somebody has
seen it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.simulation.checkers.narration import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jupyter_sysdesign.simulation.checkers.history import History, Operation, Value

TXN = "txn"
StepKind: TypeAlias = Literal["append", "w", "r"]
_KINDS: tuple[StepKind, ...] = ("append", "w", "r")


@dataclass(frozen=True)
class Step:
    """One read or write.

    Attributes:
        kind: ``append``, ``w`` or ``r``.
        key: of which list or register.
        value: what was written, or what the read answered.
    """

    kind: StepKind
    key: Value
    value: Value

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return self.kind != "r"


@dataclass(frozen=True, eq=False)
class Transaction:
    """One transaction.

    Attributes:
        number: its place in the history, from 1.
        operation: as it stands there.
        steps: what it did; reads only where they were answered.
    """

    number: int
    operation: Operation
    steps: tuple[Step, ...]

    @property
    def aborted(self) -> bool:
        """Whether it was rolled back."""
        return self.operation.status == "fail"

    def writes(self, key: Value) -> list[Value]:
        """Return what it wrote to ``key``, in its order."""
        return [each.value for each in self.steps if each.writes and each.key == key]

    def __str__(self) -> str:
        return f"T{self.number}"

    def tell(self) -> str:
        """Return it in one line."""
        steps = ", ".join(
            f"{'read' if step.kind == 'r' else 'wrote' if step.kind == 'w' else 'appended to'} "
            f"{step.key if isinstance(step.key, str) else shown(step.key)}: {shown(step.value)}"
            for step in self.steps
        )
        ended = {"ok": "", "fail": ", rolled back", "info": ", outcome unknown"}
        return f"{self} (client {self.operation.client}{ended[self.operation.status]}): {steps}"


def transactions(history: History) -> list[Transaction]:
    """Return the transactions of ``history``.

    Raises:
        InvalidRequestError: an operation is no transaction, or a step has no sense, or lists and
            registers are mixed.
    """
    found = [
        Transaction(number, operation, tuple(_steps(operation)))
        for number, operation in enumerate(history, start=1)
    ]
    kinds = {step.kind for each in found for step in each.steps if step.writes}
    if len(kinds) > 1:
        raise InvalidRequestError(
            "the history mixes lists (append) and registers (w)",
            hint="Check each kind in a history of its own.",
        )
    for step in _reads(found):
        if "append" in kinds and not isinstance(step.value, tuple) and step.value is not None:
            raise InvalidRequestError(
                f"a list was read as {step.value!r}", hint="A read of a list answers a list."
            )
    return found


def of_lists(found: Iterable[Transaction]) -> bool:
    """Return whether these are transactions on lists; else they are on registers."""
    steps = [step for each in found for step in each.steps]
    if any(step.writes for step in steps):
        return any(step.kind == "append" for step in steps)
    return any(isinstance(step.value, tuple) for step in steps)


def _reads(found: Iterable[Transaction]) -> Iterator[Step]:
    return (step for each in found for step in each.steps if step.kind == "r")


def _steps(operation: Operation) -> Iterator[Step]:
    if operation.kind != TXN:
        raise InvalidRequestError(
            f"{operation}: isolation is judged of transactions", hint="Their kind is 'txn'."
        )
    told = operation.result if operation.happened else operation.value
    if not isinstance(told, tuple):
        raise InvalidRequestError(f"{operation}: its steps are {told!r}, not a list")
    for each in told:
        if not isinstance(each, tuple) or len(each) != 3 or each[0] not in _KINDS:  # noqa: PLR2004
            raise InvalidRequestError(
                f"{operation}: {each!r} is no step",
                hint='A step is ["r", key, value], ["w", key, value] or ["append", key, value].',
            )
        kind, key, value = each
        if kind != "r" and value is None:
            raise InvalidRequestError(
                f"{operation}: it writes null", hint="That is what is there before any write."
            )
        if kind != "r" or operation.happened:
            yield Step(kind, key, value)
