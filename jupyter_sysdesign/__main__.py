"""``python -m jupyter_sysdesign`` is the ``sysdesign`` command."""

from jupyter_sysdesign.cli import main

main()
