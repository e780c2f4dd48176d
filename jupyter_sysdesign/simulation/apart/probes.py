"""What a server shows after each event, told as what changed: logs are long, and grow by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.values import immutable

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.apart.wire import Wire

_SAME, _NEW, _CHANGED = 0, 1, 2
_WHOLE, _MERGED = -1, -2
#: Stands for what may change in place: it is told every time.
_UNSTABLE = object()


class Teller:
    """The server's side."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._kind: type | None = None
        self._told: list[Any] = []

    def tell(self, probe: Any) -> Any:
        """Return what to say so that the other side has ``probe``, too."""
        kind = type(probe)
        if kind is not self._kind:
            comparable = issubclass(kind, tuple) and self._wire.knows(kind)
            self._kind = kind if comparable else None
            self._told = [_kept(each) for each in probe] if comparable else []
            return [_NEW, self._wire.write(probe)]
        changes = []
        told = self._told
        for place, value in enumerate(probe):
            before = told[place]
            if type(value) is type(before) and value == before:
                continue
            changes.append([place, *self._change(place, value, before)])
        return [_CHANGED, changes] if changes else _SAME

    def _change(self, place: int, value: Any, before: Any) -> tuple[int, Any]:
        if type(value) is list and type(before) is list:
            length = len(before)
            added = value[length:]
            if added and value[:length] == before and all(map(immutable, added)):
                before += added
                return length, [self._wire.write(each) for each in added]
        if type(value) is dict and type(before) is dict and before.keys() <= value.keys():
            news = {
                key: each
                for key, each in value.items()
                if (known := before.get(key, _UNSTABLE)) is not each and known != each
            }
            if all(map(immutable, news.values())):
                before |= news
                return _MERGED, self._wire.write(news)
        self._told[place] = _kept(value)
        return _WHOLE, self._wire.write(value)


class Hearer:
    """The other side.

    Attributes:
        probe: what the server shows now.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.probe: Any = None

    def hear(self, said: Any) -> None:
        """Take in what ``Teller.tell`` returned.

        Raises:
            ValueError, TypeError, LookupError: it never did.
        """
        if said == _SAME:
            return
        what, changed = said
        if what == _NEW:
            self.probe = self._wire.read(changed)
            return
        fields = list(self.probe)
        for place, kept, value in changed:
            if kept == _WHOLE:
                fields[place] = self._wire.read(value)
            elif kept == _MERGED:
                fields[place] = {**fields[place], **self._wire.read(value)}
            else:
                fields[place] = [*fields[place][:kept], *map(self._wire.read, value)]
        self.probe = type(self.probe)._make(fields)


def _kept(value: Any) -> Any:
    """Return what to compare with later: a copy, if all in it stays as it is."""
    if immutable(value):
        return value
    if type(value) is list and all(map(immutable, value)):
        return list(value)
    if type(value) is dict and all(map(immutable, value.values())):
        return dict(value)
    return _UNSTABLE
