"""Values that travel: unchangeable from the moment they are handed over, and the same everywhere.

A node that keeps a list it has sent, and then appends to it, would change a message in flight. So
whatever leaves a node is immutable, or copied.
"""

from __future__ import annotations

import copy
import dataclasses
import enum
from typing import Any, NamedTuple

#: Types that nobody can change.
ATOMS = frozenset({int, str, bool, float, bytes, type(None)})


class Foreign(NamedTuple):
    """A value of a class that is known in the servers' processes only.

    Attributes:
        kind: how its fields are put together again.
        name: of the class.
        fields: each name with its value.
    """

    kind: str
    name: str
    fields: tuple[tuple[str, Any], ...]

    def __getattr__(self, name: str) -> Any:
        for field, value in self.fields:
            if field == name:
                return value
        raise AttributeError(name)


def immutable(value: Any) -> bool:
    """Return whether ``value`` can never change, whatever is done with it."""
    kind = type(value)
    if kind in ATOMS:
        return True
    if issubclass(kind, (tuple, frozenset)):
        return all(map(immutable, value))
    if dataclasses.is_dataclass(kind):
        parameters: Any = getattr(kind, "__dataclass_params__")  # noqa: B009 (mypy knows it not)
        return bool(parameters.frozen) and all(
            immutable(getattr(value, each.name)) for each in dataclasses.fields(kind)
        )
    return isinstance(value, enum.Enum)


def frozen(value: Any) -> Any:
    """Return ``value`` itself if it is immutable, else a deep copy that nobody else holds."""
    return value if immutable(value) else copy.deepcopy(value)


def plain(value: Any) -> Any:  # noqa: PLR0911 (a case for each kind)
    """Return ``value`` as JSON, the same for equal values in every process and Python.

    Sets are sorted, messages become ``{"type": name, field: value, …}``, and nothing depends on
    where an object lies in memory.
    """
    kind = type(value)
    if kind in ATOMS:
        return value.hex() if kind is bytes else value
    if kind is Foreign:
        return _plain_foreign(value)
    if isinstance(value, (list, tuple)):
        names = getattr(kind, "_fields", None)
        if names is None:
            return [plain(each) for each in value]
        return {"type": kind.__name__, **{name: plain(getattr(value, name)) for name in names}}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(each) for each in value), key=repr)
    if isinstance(value, dict):
        return {_key(key): plain(each) for key, each in sorted(value.items(), key=_by_name)}
    if isinstance(value, enum.Enum):
        return f"{kind.__name__}.{value.name}"
    if dataclasses.is_dataclass(kind):
        fields = {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(kind)}
        return {"type": kind.__name__, **fields}
    return {"type": kind.__name__, **plain(dict(getattr(value, "__dict__", {})))}


def _plain_foreign(value: Foreign) -> Any:
    """Return what ``plain`` makes of the value where its class is known."""
    kind = value.name.rpartition(".")[2]
    if value.kind == "enum":
        return f"{kind}.{value.fields[0][1]}"
    fields = {name: plain(each) for name, each in value.fields}
    if value.kind == "object":
        fields = {name: fields[name] for name in sorted(fields)}
    return {"type": kind, **fields}


def _key(key: Any) -> str:
    return key if isinstance(key, str) else str(plain(key))


def _by_name(item: tuple[Any, Any]) -> str:
    return _key(item[0])
