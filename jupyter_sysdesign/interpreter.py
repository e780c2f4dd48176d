"""How this project starts its own Python processes."""

from __future__ import annotations

import sys

#: This interpreter, deaf to the current folder (``-P``, since Python 3.11) and the user's packages.
INTERPRETER = (sys.executable, *(("-P",) if sys.version_info >= (3, 11) else ()), "-s")


def module_command(module: str) -> list[str]:
    """Return the argv that runs one of our modules."""
    return [*INTERPRETER, "-m", module]
