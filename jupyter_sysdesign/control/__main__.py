"""``python -m jupyter_sysdesign.control [--detach]``: run the control plane."""

from __future__ import annotations

import sys

from jupyter_sysdesign.control import daemon
from jupyter_sysdesign.errors import SysdesignError

USAGE = "usage: python -m jupyter_sysdesign.control [--detach]\n"


def main(arguments: list[str]) -> int:
    """Return the exit code: 0 after a clean end, 1 when it could not run, 2 for wrong use."""
    if arguments == ["--detach"]:
        return daemon.detach(daemon.serve)
    if arguments:
        sys.stderr.write(USAGE)
        return 2
    try:
        daemon.serve(lambda: None)
    except SysdesignError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
