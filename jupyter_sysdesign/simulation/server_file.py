"""A server that stands in a file of the learner's: read anew each time, so that an edit counts."""

from __future__ import annotations

import linecache
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from jupyter_sysdesign.errors import InvalidFileError, NotFoundError
from jupyter_sysdesign.simulation.node import Node

if TYPE_CHECKING:
    from collections.abc import Callable

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
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFoundError(
            f"{path} cannot be read", hint=f"This notebook looks in {Path.cwd()}."
        ) from error
    names: dict[str, Any] = {"__name__": path.stem, "__file__": str(path)}
    # Tracebacks look lines up by the name of the file.
    linecache.cache[str(path)] = (len(source), None, source.splitlines(keepends=True), str(path))
    try:
        exec(compile(source, str(path), "exec"), names)  # noqa: S102 (the learner's own file)
    except SyntaxError as error:
        raise InvalidFileError(error.msg, file=str(path), line=error.lineno) from None
    except Exception as error:
        lines = [each.lineno for each in traceback.extract_tb(error.__traceback__)]
        said = f"{type(error).__name__}: {error}"
        raise InvalidFileError(said, file=str(path), line=lines[-1]) from error
    nodes = [
        each
        for each in names.values()
        if isinstance(each, type) and issubclass(each, Node) and each.__module__ == path.stem
    ]
    if not nodes:
        raise NotFoundError(
            f"There is no node in {path}", hint="Write a class that is derived from Node."
        )
    return nodes[-1]
