"""``python -m jupyter_sysdesign.control [--detach]``: run the control plane."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from jupyter_sysdesign.control.detach import detach
from jupyter_sysdesign.errors import SysdesignError

if TYPE_CHECKING:
    from collections.abc import Callable

USAGE = "usage: python -m jupyter_sysdesign.control [--detach]\n"


def main(arguments: list[str]) -> int:
    """Return the exit code: 0 after a clean end, 1 when it could not run, 2 for wrong use."""
    if arguments == ["--detach"]:
        return detach(_serve)
    if arguments:
        sys.stderr.write(USAGE)
        return 2
    try:
        _serve(lambda: None)
    except SysdesignError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _serve(ready: Callable[[], None]) -> None:
    from jupyter_sysdesign.control import daemon  # noqa: PLC0415 (in the daemon's process only)

    daemon.serve(ready)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
