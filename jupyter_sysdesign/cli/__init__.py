"""The ``sysdesign`` command."""

from __future__ import annotations

import io
import sys

_COULD_NOT = 3  # as in output.py, which may not be there yet


def main() -> None:
    """Run the command line; imported late so that ``--help`` and completion stay quick."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # no terminal is too old for what is said
    try:
        from jupyter_sysdesign import unused

        unused.leave_out(unused.HTTPX_COMMAND, unused.ADDRESS_GRAMMAR)
        from jupyter_sysdesign.cli.app import app

        app()
    except KeyboardInterrupt:
        sys.exit(_COULD_NOT)
