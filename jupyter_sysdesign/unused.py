"""What libraries bring along as they are imported, and no process of ours uses."""

from __future__ import annotations

import sys

#: httpx's own command line, with rich and pygments: 60 ms and 3 MiB.
HTTPX_COMMAND = "httpx._main"
#: A grammar of addresses in all alphabets, which jsonschema has built for a format that nothing in
#: Jupyter asks for: a second and a half of whatever imports jupyter_server, nbformat or nbgrader.
ADDRESS_GRAMMAR = "rfc3987_syntax"


def leave_out(*modules: str) -> None:
    """Have these count as not installed, in this process; called before they are imported."""
    for name in modules:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
