"""YAML files that people write, read strictly, with the line of whatever is wrong in them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from jupyter_sysdesign.errors import InvalidFileError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

M = TypeVar("M", bound=BaseModel)

#: What a file may come to with its aliases written out: in 300 bytes there is room for gigabytes.
MOST_BYTES = 4 << 20


class Document:
    """One parsed file: plain Python values, and where each of them stands.

    Attributes:
        name: the file as its author knows it, e.g. ``environments/t1-02-indexes/load.yaml``.
        data: dicts, lists, strings and numbers.
    """

    def __init__(self, name: str, text: str) -> None:
        """Parse ``text`` (YAML 1.2).

        Raises:
            InvalidFileError: no YAML, a key that stands twice, or more than ``MOST_BYTES``.
        """
        self.name = name
        try:
            self._tree = YAML(typ="rt").load(text)
            self.data: Any = _Plain().of(self._tree)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            said = (error.problem or error.context or "not valid YAML").split("\n")[0]
            line = mark.line + 1 if mark else None
            raise InvalidFileError(said, file=name, line=line) from error
        except YAMLError as error:
            raise InvalidFileError("not valid YAML", file=name) from error
        except RecursionError:
            raise InvalidFileError("nested too deeply", file=name) from None
        except Exception as error:  # the 13th month, a number of 5,000 digits, `!!bool maybe`
            raise InvalidFileError(f"cannot be read ({error})", file=name) from error

    def line(self, location: Sequence[str | int]) -> int:
        """Return the 1-based line of the deepest part of ``location`` that is in the file."""
        node, line = self._tree, 0
        for part in location:
            if isinstance(node, CommentedMap) and part in node:
                if part in (node.lc.data or {}):  # else it came in by a merge key (<<)
                    line = node.lc.key(part)[0]
            elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
                line = node.lc.item(part)[0]
            else:
                continue  # pydantic names union members and validators in between
            node = node[part]
        return int(line) + 1

    def validate(self, model: type[M]) -> M:
        """Return the document as ``model``.

        Raises:
            InvalidFileError: with the line of the first mistake; the hint lists the others.
        """
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            found = sorted((self.line(each["loc"]), _say(each)) for each in error.errors())
            rest = [f"line {line}: {message}" for line, message in found[1:]]
            raise InvalidFileError(
                found[0][1], file=self.name, line=found[0][0], hint="\n".join(rest)
            ) from None


def read(path: Path, name: str | None = None) -> Document:
    """Read and parse ``path``; ``name`` is what errors call it.

    Raises:
        InvalidFileError: missing, unreadable, not UTF-8, or not YAML.
    """
    shown = name or path.name
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InvalidFileError("the file is missing", file=shown) from None
    except OSError as error:
        raise InvalidFileError(error.strerror or str(error), file=shown) from error
    return parse(content, shown)


def parse(content: bytes, name: str) -> Document:
    """Parse what a file holds; ``name`` is what errors call it.

    Raises:
        InvalidFileError: not UTF-8, or not YAML.
    """
    try:
        return Document(name, content.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InvalidFileError("not UTF-8 text", file=name, line=line) from None


def _say(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{where}: this key is not known"
    if error["type"] == "missing":
        return f"{where}: this key is missing"
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{where}: {message}" if where else message


class _Plain:
    """Values without ruamel's own subclasses of dict, list, str, int and float."""

    def __init__(self) -> None:
        self._left = MOST_BYTES

    def of(self, node: Any) -> Any:
        """Return ``node`` as plain values.

        Raises:
            ValueError: it would be more than ``MOST_BYTES``.
        """
        self._left -= sys.getsizeof(node)
        if self._left < 0:
            raise ValueError(f"with its aliases it is more than {MOST_BYTES >> 20} MB")
        if isinstance(node, dict):
            return {self.of(key): self.of(value) for key, value in node.items()}
        if isinstance(node, list):
            return [self.of(each) for each in node]
        for kind in (bool, int, float, str):
            if isinstance(node, kind):
                return kind(node)
        return node
