"""What goes between a server's process and the world: values as MessagePack, in frames.

Reading it makes nothing but plain values and the messages of our own protocols, whatever was
written. What a class of the learner's is stays in the servers' processes; in between its values
travel as ``Foreign``, or, where rules look into them, as a likeness: a named tuple is a tuple
everywhere, and a member of an enum that is text or a number is that text or number.
"""

from __future__ import annotations

import dataclasses
import enum
import importlib
import os
import struct
from collections import namedtuple
from functools import lru_cache
from io import FileIO
from typing import TYPE_CHECKING, Any, NamedTuple

import msgpack

from jupyter_sysdesign.simulation.values import ATOMS, Foreign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

#: What a server is told after a write with which the power is cut.
CUT = "cut"
#: What is longer is no answer.
LONGEST = 16 << 20
_HEAD = struct.Struct("!I")
_CHANCE = struct.Struct("!625I")
_VERSION = 3  # of what ``Random.getstate`` returns
_CHUNK = 1 << 16
#: The module of the likenesses of the learner's classes, and how long their names may be.
_ELSEWHERE = "the learner's"
_LONGEST_NAMES = 4096


def _too_large(value: Any) -> list[Any]:
    """Return what is written for a whole number of more than 64 bits.

    Raises:
        TypeError: it is something else.
    """
    if type(value) is not int:
        raise TypeError(f"a {type(value).__name__} cannot be sent: it is no plain value")
    return ["i", hex(value)]


# Half an emoji is text, too.
_encode = msgpack.Packer(default=_too_large, unicode_errors="surrogatepass").pack


def _decode(data: bytes) -> Any:
    return msgpack.unpackb(data, strict_map_key=False, unicode_errors="surrogatepass")


def chance(random: Random) -> list[Any]:
    """Return the state of a stream of chance, for ``take_chance``."""
    _, numbers, gauss = random.getstate()
    return [_CHANCE.pack(*numbers), gauss]


def take_chance(random: Random, told: Any) -> None:
    """Have ``random`` go on where the other side's was.

    Raises:
        ValueError, TypeError, struct.error: it never was there.
    """
    numbers, gauss = told
    random.setstate((_VERSION, _CHANCE.unpack(numbers), gauss))


class Letter(NamedTuple):
    """A message between two servers, as it was written: nobody in between has to read it."""

    data: bytes


class Wire:
    """Writes and reads values.

    Args:
        modules: whose classes both sides know: named tuples, dataclasses and enums.

    Attributes:
        own: names → the learner's classes; None on the side that does not have them.
    """

    def __init__(self, modules: Iterable[str]) -> None:
        self.own: dict[str, Any] | None = None
        self._known: set[type] = set()
        self._writers: dict[type, Callable[[Any], list[Any]]] = {
            tuple: lambda value: ["t", *self._written(value)],
            list: lambda value: ["l", *self._written(value)],
            dict: lambda value: ["d", *([self.write(k), self.write(v)] for k, v in value.items())],
            # In an order that does not depend on where things lie in memory.
            set: lambda value: ["s", *sorted(map(self.write, value), key=repr)],
            frozenset: lambda value: ["z", *sorted(map(self.write, value), key=repr)],
            Foreign: self._write_foreign,
        }
        self._readers: dict[str, Callable[[list[Any]], Any]] = {
            "t": lambda rest: tuple(self._values(rest)),
            "l": self._values,
            "d": lambda rest: {self.read(key): self.read(value) for key, value in rest},
            "s": lambda rest: set(map(self.read, rest)),
            "z": lambda rest: frozenset(map(self.read, rest)),
            "i": lambda rest: int(rest[0], 16),
            "f": self._read_foreign,
        }
        for module in modules:
            for name, value in vars(importlib.import_module(module)).items():
                if isinstance(value, type) and value.__module__ == module and _shape(value):
                    code = f"{module}:{name}"
                    self._known.add(value)
                    self._writers[value] = self._writer_of(value, [code])
                    self._readers[code] = self._reader_of(value)

    def knows(self, kind: type) -> bool:
        """Return whether a class means the same on both sides."""
        return kind in self._known

    def pack(self, message: Any) -> bytes:
        """Return a message as bytes.

        Raises:
            TypeError: it cannot travel.
        """
        return message.data if type(message) is Letter else _encode(self.write(message))

    def unpack(self, data: bytes) -> Any:
        """Return the message again.

        Raises:
            ValueError, TypeError, LookupError: that is none.
        """
        return self.read(_decode(data))

    def write(self, value: Any) -> Any:
        """Return ``value`` as what MessagePack has.

        Raises:
            TypeError: it cannot travel.
        """
        kind = type(value)
        if kind in ATOMS:
            return value
        return (self._writers.get(kind) or self._own_writer(kind))(value)

    def read(self, written: Any) -> Any:
        """Return the value again.

        Raises:
            ValueError, TypeError, LookupError: that is none.
        """
        if type(written) is not list:
            return written
        return self._readers[written[0]](written[1:])

    def _written(self, values: Iterable[Any]) -> list[Any]:
        write = self.write
        return [each if type(each) in ATOMS else write(each) for each in values]

    def _values(self, written: Iterable[Any]) -> list[Any]:
        read = self.read
        return [read(each) if type(each) is list else each for each in written]

    def _writer_of(self, kind: type, head: list[Any]) -> Callable[[Any], list[Any]]:
        """Return what writes a value of a class with named fields: ``head``, and their values."""
        if issubclass(kind, tuple):
            return lambda value: head + self._written(value)
        names = _names(kind)
        if names == _MEMBER_OF_BASE:
            base = str.__str__ if issubclass(kind, str) else int.__int__
            return lambda value: head + self._written([value.name, base(value)])
        return lambda value: head + self._written([getattr(value, name) for name in names])

    def _reader_of(self, kind: Any) -> Callable[[list[Any]], Any]:
        if issubclass(kind, tuple):
            return lambda rest: kind._make(self._values(rest))
        if issubclass(kind, enum.Enum):
            return lambda rest: kind[rest[0]]
        return lambda rest: kind(*self._values(rest))

    def _own_writer(self, kind: type) -> Callable[[Any], list[Any]]:
        """Return what writes a value of a class that only the learner's file has.

        Raises:
            TypeError: it has none like that.
        """
        name, shape = kind.__qualname__, _shape(kind)
        if not (shape or _is_bare(kind)) or not (
            kind.__module__ == _ELSEWHERE if self.own is None else _named(name, self.own) is kind
        ):
            raise TypeError(f"a {kind.__name__} cannot be sent: it is no plain value")
        if shape:
            head = ["f", shape, name, " ".join(_names(kind))]
            writer = self._writer_of(kind, head)
            if self.own is not None:  # likenesses come and go
                self._writers[kind] = writer
            return writer
        return lambda value: self._write_foreign(
            Foreign("object", name, tuple(vars(value).items()))
        )

    def _write_foreign(self, value: Foreign) -> list[Any]:
        names = " ".join(name for name, _ in value.fields)
        return ["f", value.kind, value.name, names, *self._written(map(_last, value.fields))]

    def _read_foreign(self, rest: list[Any]) -> Any:
        shape, name, names, *written = rest
        values = self._values(written)
        if self.own is None:
            if shape == "tuple" and (alike := _tuple_like(name, names)) is not None:
                return alike._make(values)
            if shape == "enum" and (member := _member_like(name, *values)) is not None:
                return member
            return Foreign(shape, name, tuple(zip(_split(names), values, strict=True)))
        kind = _named(name, self.own)
        if shape == "tuple":
            return kind._make(values)
        if shape == "enum":
            return kind[values[0]]
        made = object.__new__(kind)
        for field, value in zip(_split(names), values, strict=True):
            object.__setattr__(made, field, value)
        return made


#: What is told of a member of an enum that is text or a number, too.
_MEMBER_OF_BASE = ("name", "value")


def _shape(kind: type) -> str:
    """Return what kind of class with named fields it is, or an empty string."""
    if issubclass(kind, tuple):
        return "tuple" if hasattr(kind, "_fields") else ""
    if issubclass(kind, enum.Enum):
        return "enum"
    return "dataclass" if dataclasses.is_dataclass(kind) else ""


def _is_bare(kind: type) -> bool:
    """Return whether a value of a class is its attributes and nothing else."""
    try:
        object.__new__(kind)
    except TypeError:  # it is derived from ``int`` or the like
        return False
    return True


def _names(kind: Any) -> tuple[str, ...]:
    """Return the names of the fields of a class that has a shape."""
    if issubclass(kind, tuple):
        return tuple(kind._fields)
    if issubclass(kind, enum.Enum):
        return _MEMBER_OF_BASE if issubclass(kind, (str, int)) else ("name",)
    return tuple(each.name for each in dataclasses.fields(kind))


@lru_cache(maxsize=256)
def _tuple_like(name: str, names: str) -> Any:
    """Return a class of named tuples as the learner's of that name; None if there can be none."""
    if not _is_name(name) or len(names) > _LONGEST_NAMES:
        return None
    try:
        alike = namedtuple(name.rpartition(".")[2], names.split(), module=_ELSEWHERE)  # type: ignore[misc]  # noqa: PYI024
    except (ValueError, SyntaxError):  # names that no field can have
        return None
    alike.__qualname__ = name
    return alike


@lru_cache(maxsize=256, typed=True)
def _member_like(name: str, member: str, base: Any = None) -> Any:
    """Return a member as that of the learner's enum; None if it is neither text nor number."""
    kind: Any = type(base)
    if kind not in (str, int) or not (_is_name(name) and _is_name(member)):
        return None
    if member.startswith("_") or member == "mro" or "." in member:  # to an enum these mean more
        return None
    short = name.rpartition(".")[2]
    make: Any = enum.Enum
    alike = make(short, {member: base}, module=_ELSEWHERE, qualname=name, type=kind)
    return alike[member]


def _is_name(name: Any) -> bool:
    """Return whether a class of the learner's can have that name."""
    return (
        type(name) is str
        and len(name) <= _LONGEST_NAMES
        and all(part.isidentifier() for part in name.split("."))
    )


@lru_cache(maxsize=256)
def _split(names: str) -> tuple[str, ...]:
    return tuple(names.split())


def _last(field: tuple[str, Any]) -> Any:
    return field[1]


def _named(name: str, classes: dict[str, Any]) -> Any:
    """Return the class of that name, or None."""
    first, *rest = name.split(".")
    found = classes.get(first)
    for part in rest:
        found = getattr(found, part, None)
    return found


class Line:
    """One end of a connection: a pipe in each direction, which takes half the time of a socket.

    Args:
        ears, mouth: descriptors to read from and to write to.
        owned: they are closed with it.
    """

    def __init__(self, ears: int, mouth: int, *, owned: bool = True) -> None:
        self._ears = FileIO(ears, "rb", closefd=owned)
        self._mouth = FileIO(mouth, "wb", closefd=owned)
        self._come = b""

    def say(self, what: Any) -> None:
        """Send one frame.

        Raises:
            OSError: nobody is at the other end.
        """
        data = _encode(what)
        data = _HEAD.pack(len(data)) + data
        while (written := self._mouth.write(data)) < len(data):  # a signal came in between
            data = data[written:]

    def hear(self) -> Any:
        """Return what the next frame says.

        Raises:
            EOFError: there is none.
            ValueError: it is none.
        """
        come = self._come
        while len(come) < _HEAD.size:
            come += self._more()
        (size,) = _HEAD.unpack_from(come)
        if size > LONGEST:
            raise ValueError(f"a message of {size:,} bytes")
        end = _HEAD.size + size
        if len(come) < end:
            parts, missing = [come], end - len(come)
            while missing > 0:
                parts.append(more := self._more())
                missing -= len(more)
            come = b"".join(parts)
        self._come = come[end:]
        return _decode(come[_HEAD.size : end])

    def _more(self) -> bytes:
        try:
            said = self._ears.read(_CHUNK)
        except OSError as error:
            raise EOFError from error
        if not said:
            raise EOFError
        return said

    def close(self) -> None:
        """Close it."""
        self._ears.close()
        self._mouth.close()


def new_line() -> tuple[Line, tuple[int, int]]:
    """Return one end of a new connection, and what the other one is made of."""
    theirs_in, out = os.pipe()
    come, theirs_out = os.pipe()
    return Line(come, out), (theirs_in, theirs_out)
