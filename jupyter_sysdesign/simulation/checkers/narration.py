"""Operations in words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_sysdesign.simulation.checkers.history import Operation, Value


def shown(value: Value) -> str:
    """Return ``value`` as it stands in a history file."""
    return json.dumps(value, ensure_ascii=False)


def name(key: Value) -> str:
    """Return a key by its name, or what an object without one is called."""
    if key is None:
        return "the object"
    return key if isinstance(key, str) else shown(key)


def tell(operation: Operation) -> str:
    """Return who did what, e.g. ``client 3 read x and got 1``."""
    on = "" if operation.key is None else f" {name(operation.key)}"
    client = f"client {operation.client}"
    if operation.kind in ("read", "get"):
        said = f"{client} read{on}"
    elif operation.kind in ("write", "put"):
        said = f"{client} wrote{on} = {shown(operation.value)}"
    else:
        argument = "" if operation.value is None else f" {shown(operation.value)}"
        said = f"{client} did {operation.kind}{on}{argument}"
    if operation.status == "fail":
        return f"{said} and was told it failed"
    if operation.status == "info":
        return f"{said} and never learned whether it happened"
    if operation.result is None and operation.kind not in ("read", "get", "dequeue"):
        return said
    return f"{said} and got {shown(operation.result)}"


def timed(operation: Operation) -> str:
    """Return who did what and from when to when."""
    end = "the end" if operation.returned is None else f"{operation.returned:,}"
    return f"{tell(operation)} ({operation.invoked:,} to {end})"


def listed(operations: Iterable[Operation]) -> str:
    """Return one line for each operation."""
    return "\n".join(f"  {timed(each)}" for each in operations)


def either(values: Iterable[str], most: int = 6) -> str:
    """Return ``1``, ``1 or 2``, ``1, 2 or 3``; of many only the first few."""
    several = list(dict.fromkeys(values))
    if len(several) > most:
        return f"{', '.join(several[:most])} or one of {len(several) - most} others"
    if len(several) == 1:
        return several[0]
    return f"{', '.join(several[:-1])} or {several[-1]}"
