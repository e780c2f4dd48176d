"""The ``sysdesign`` command."""

from __future__ import annotations


def main() -> None:
    """Run the command line; imported late so that ``--help`` and completion stay quick."""
    from jupyter_sysdesign import unused

    unused.leave_out(unused.HTTPX_COMMAND, unused.ADDRESS_GRAMMAR)
    from jupyter_sysdesign.cli.app import app

    app()
