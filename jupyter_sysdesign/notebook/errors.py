"""Expected failures as a readable box; bugs keep their traceback."""

from __future__ import annotations

import textwrap

from jupyter_sysdesign.errors import SysdesignError

_RED, _BOLD, _PLAIN = "\x1b[31m", "\x1b[1m", "\x1b[0m"
_WIDTH = 88


def box(error: SysdesignError) -> list[str]:
    """Return the lines that IPython shows in place of a traceback."""
    edge = f"{_RED}▌{_PLAIN} "
    lines = [f"{edge}{_BOLD}{line}{_PLAIN}" for line in _wrap(error.message)]
    if error.hint:
        lines += [edge.rstrip(), *(f"{edge}{line}" for line in _wrap(error.hint))]
    return lines


def install() -> None:
    """Let IPython ask every ``SysdesignError`` for its own box.

    ``_render_traceback_`` is IPython's protocol for it. It is set from here, because the errors
    themselves belong to parts that know nothing of notebooks.
    """
    SysdesignError._render_traceback_ = box  # type: ignore[attr-defined]


def _wrap(text: str) -> list[str]:
    """Return the text in lines; its own line breaks (log lines, SQL carets) stay."""
    return [
        part
        for line in text.splitlines() or [""]
        for part in textwrap.wrap(line, _WIDTH, drop_whitespace=False, replace_whitespace=False)
        or [""]
    ]
