"""Edits: lines that stand in a file once, and what stands there instead."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Edit(BaseModel):
    """One change of a text, in whole lines.

    How far they are indented does not count, as long as all lines of ``find`` are indented alike;
    ``replace`` is then indented by as much.
    """

    model_config = ConfigDict(extra="forbid")

    find: str = Field(description="one or more lines that stand together, once")
    replace: str = Field(description="what stands there instead; nothing: they go")

    @field_validator("find")
    @classmethod
    def _says_something(cls, find: str) -> str:
        if not find.strip():
            raise ValueError("blank lines stand everywhere")
        return find

    def apply(self, text: str) -> str:
        """Return ``text`` with the change made.

        Raises:
            ValueError: ``find`` does not stand in it exactly once, or nothing would change.
        """
        lines, find = text.split("\n"), _lines(self.find)
        starts = range(len(lines) - len(find) + 1)
        indents = {at: _indent(lines[at : at + len(find)], find) for at in starts}
        found = [at for at, indent in indents.items() if indent is not None]
        if not found:
            raise ValueError("these lines do not stand there")
        if len(found) > 1:
            places = ", ".join(str(at + 1) for at in found)
            raise ValueError(f"these lines stand there more than once: at {places}")
        (at,) = found
        instead = _indented(_lines(self.replace), indents[at] or "")
        if instead == lines[at : at + len(find)]:
            raise ValueError("nothing would change")
        return "\n".join([*lines[:at], *instead, *lines[at + len(find) :]])


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _indented(lines: list[str], indent: str) -> list[str]:
    return [indent + line if line else "" for line in lines]


def _indent(there: list[str], find: list[str]) -> str | None:
    """Return what ``find`` is indented by if it is what stands ``there``, else None."""
    first = next(at for at, line in enumerate(find) if line)
    indent = there[first].removesuffix(find[first])
    return indent if not indent.strip() and there == _indented(find, indent) else None
