"""Names of files: the system allows any bytes, and not all of them can be said."""

from __future__ import annotations

import os


def is_text(name: str) -> bool:
    """Tell whether a file's name can be said: stored, sent and printed."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(name: str) -> str:
    """Return a file's name for people, with marks in the place of what cannot be said."""
    return os.fsencode(name).decode(errors="replace")
