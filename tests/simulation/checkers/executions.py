"""Histories made from real executions of one copy, and oracles that try every order."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from jupyter_sysdesign.simulation.checkers.history import History, Operation
from jupyter_sysdesign.simulation.checkers.specifications import (
    UNCHECKED,
    Bank,
    CasRegister,
    Counter,
    KeyValue,
    Log,
    Queue,
    Register,
    Set,
    Specification,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_few = st.integers(1, 3)
#: What can be asked of each object.
REQUESTS: dict[str, tuple[Specification, st.SearchStrategy[tuple[str, Any]]]] = {
    "register": (
        Register(),
        st.just(("read", None)) | st.tuples(st.just("write"), _few),
    ),
    "cas-register": (
        CasRegister(1),
        st.just(("read", None))
        | st.tuples(st.just("write"), _few)
        | st.tuples(st.just("cas"), st.tuples(_few, _few)),
    ),
    "set": (
        Set(),
        st.just(("read", None)) | st.tuples(st.sampled_from(["add", "remove", "contains"]), _few),
    ),
    "counter": (
        Counter(),
        st.just(("read", None)) | st.tuples(st.sampled_from(["add", "increment"]), _few),
    ),
    "queue": (Queue(), st.just(("dequeue", None)) | st.tuples(st.just("enqueue"), _few)),
    "log": (Log(), st.just(("read", None)) | st.tuples(st.just("append"), _few)),
    "map": (
        KeyValue(),
        st.sampled_from([("get", None), ("delete", None)])
        | st.tuples(st.sampled_from(["put", "append"]), st.sampled_from(["a", "b"])),
    ),
    "bank": (
        Bank({"a": 3, "b": 0}),
        st.just(("read", None))
        | st.tuples(
            st.just("transfer"),
            st.tuples(st.sampled_from("ab"), st.sampled_from("ab"), _few),
        ),
    ),
}


def told(answer: Any) -> Any:
    """Return what a client is told when the object answers ``answer``."""
    if answer is UNCHECKED:
        return None
    return tuple(sorted(answer)) if isinstance(answer, frozenset) else answer


@st.composite
def executions(
    draw: st.DrawFn,
    name: str,
    *,
    most: int = 12,
    clients: int = 3,
    keys: str = "xy",
    doubts: bool = True,
) -> History:
    """Draw a linearizable history: each operation takes effect at one moment while it lasts.

    With ``doubts``, some answers are lost and some operations fail.
    """
    specification, requests = REQUESTS[name]
    clock = dict.fromkeys(range(clients), 0)
    planned = []
    for _ in range(draw(st.integers(1, most))):
        client = draw(st.integers(0, clients - 1))
        invoked = clock[client] + draw(st.integers(0, 3))
        effect = invoked + draw(st.integers(1, 5))
        returned = effect + draw(st.integers(1, 5))
        clock[client] = returned
        kind, value = draw(requests)
        key = draw(st.sampled_from(keys)) if specification.per_key else None
        status = draw(st.sampled_from(["ok"] * 6 + ["fail", "info", "late"])) if doubts else "ok"
        # An operation whose answer was lost may take effect long after, or never.
        moment = effect + draw(st.integers(0, 30)) if status == "late" else effect
        planned.append((moment, len(planned), client, kind, key, value, invoked, returned, status))
    states: dict[Any, Any] = {}
    operations = []
    for _, _, client, kind, key, value, invoked, returned, status in sorted(planned):
        result = None
        if status != "fail":
            state = states.get(key, specification.start())
            states[key], answer = specification.apply(state, kind, value)
            result = told(answer) if status == "ok" else None
        operations.append(
            Operation(
                client,
                kind,
                key,
                value,
                result,
                invoked,
                returned,
                "info" if status == "late" else status,
            )
        )
    return History(operations)


@st.composite
def changed(draw: st.DrawFn, executed: st.SearchStrategy[History]) -> History:
    """Draw a history and give one answer of it to another operation; it may be wrong or not."""
    history = draw(executed)
    answered = [each for each in history if each.result is not None]
    if not answered:
        return history
    target, source = draw(st.sampled_from(answered)), draw(st.sampled_from(answered))
    return History(
        Operation(
            each.client,
            each.kind,
            each.key,
            each.value,
            source.result if each is target and each.kind == source.kind else each.result,
            each.invoked,
            each.returned,
            each.status,
        )
        for each in history
    )


def some_order(
    history: History,
    specification: Specification,
    allowed: Callable[[Sequence[Operation]], bool],
) -> bool:
    """Return whether any order that is ``allowed`` explains every answer, by trying all.

    Every choice of operations that nobody knows of is tried, too.
    """
    certain = [each for each in history if each.happened]
    unknown = [each for each in history if each.status == "info"]
    return any(
        allowed(order) and explains(order, specification)
        for count in range(len(unknown) + 1)
        for chosen in itertools.combinations(unknown, count)
        for order in itertools.permutations([*certain, *chosen])
    )


def explains(order: Iterable[Operation], specification: Specification) -> bool:
    """Return whether one copy, used in this order, gives every answer."""
    states: dict[Any, Any] = {}
    for each in order:
        key = each.key if specification.per_key else None
        state = states.get(key, specification.start())
        states[key], answer = specification.apply(state, each.kind, each.value)
        if answer is UNCHECKED or not each.happened:
            continue
        if not specification.agrees(answer, each.result):
            return False
    return True


def in_real_time(order: Sequence[Operation]) -> bool:
    """Return whether no operation comes after one that began when it was over."""
    return in_program_order(order) and not any(
        later.precedes(earlier)
        for position, earlier in enumerate(order)
        for later in order[position + 1 :]
    )


def in_program_order(order: Sequence[Operation]) -> bool:
    """Return whether each client's own operations stand in its order.

    One of unknown outcome may take effect after those that its client asked later.
    """
    return not any(
        later.client == earlier.client and later.happened and later.invoked < earlier.invoked
        for position, earlier in enumerate(order)
        for later in order[position + 1 :]
    )
