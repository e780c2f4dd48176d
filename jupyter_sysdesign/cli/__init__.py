"""The ``sysdesign`` command."""

from __future__ import annotations


def main() -> None:
    """Run the command line; imported late so that ``--help`` and completion stay quick."""
    from jupyter_sysdesign.cli.app import app

    app()
