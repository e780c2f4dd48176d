"""A server that stands in a file of the learner's: read anew each time, so that an edit counts."""

from __future__ import annotations

import linecache
import sys
import traceback
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

from jupyter_sysdesign.errors import InvalidFileError, NotFoundError
from jupyter_sysdesign.simulation.node import Node

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from jupyter_sysdesign.simulation.context import Context

    #: A class, or the file it stands in.
    Server: TypeAlias = Callable[[Context], Node] | str | Path


def loaded(server: Server) -> Callable[[Context], Node]:
    """Return the class itself; from a file, the last one in it that is a ``Node``.

    Raises:
        NotFoundError: there is no such file, or no node in it.
        InvalidFileError: it cannot be read as Python, or raises when it is.
    """
    if not isinstance(server, (str, Path)):
        return server
    path = Path(server).expanduser()
    return node_in(run(read(path), str(path)), str(path))


def read(path: Path) -> str:
    """Return a file's source.

    Raises:
        NotFoundError: there is no such file.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFoundError(
            f"{path} cannot be read", hint=f"This notebook looks in {Path.cwd()}."
        ) from error


@cache
def compiled(source: str, file: str) -> CodeType:
    """Return a file's source as code; nothing of it is run.

    Raises:
        SyntaxError: it is not Python.
    """
    # Tracebacks look lines up by the name of the file.
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    return compile(source, file, "exec", dont_inherit=True)


def run(source: str, file: str) -> dict[str, Any]:
    """Run a file from top to bottom; return the names that it defines.

    Raises:
        InvalidFileError: it cannot be read as Python, or raises when it is.
    """
    module = ModuleType(Path(file).stem)
    module.__file__ = file
    names = vars(module)
    # Where annotations are text, a dataclass asks for its module; no import shall find it later.
    lent = sys.modules.setdefault(module.__name__, module) is module
    try:
        exec(compiled(source, file), names)  # noqa: S102 (the learner's own file)
    except SyntaxError as error:
        raise InvalidFileError(error.msg, file=file, line=error.lineno) from None
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((each.lineno for each in reversed(frames) if each.filename == file), None)
        said = f"{type(error).__name__}: {error}"
        raise InvalidFileError(said, file=file, line=line) from error
    finally:
        if lent:
            sys.modules.pop(module.__name__, None)
    return names


def node_in(names: dict[str, Any], file: str) -> Callable[[Context], Node]:
    """Return the last class among the names of a file that is a ``Node``.

    Raises:
        NotFoundError: there is none.
    """
    own = Path(file).stem
    nodes = [
        each
        for each in names.values()
        if isinstance(each, type) and issubclass(each, Node) and each.__module__ == own
    ]
    if not nodes:
        raise NotFoundError(
            f"There is no node in {file}", hint="Write a class that is derived from Node."
        )
    return nodes[-1]
