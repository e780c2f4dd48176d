"""One place in a cell's output that is shown once and replaced later.

What stands there last is what a saved notebook keeps. Outside of IPython the text is printed.
"""

from __future__ import annotations

import uuid
from typing import Any, TypeAlias

from IPython.core.getipython import get_ipython

Bundle: TypeAlias = dict[str, Any]


class Slot:
    """A replaceable piece of output."""

    def __init__(self) -> None:
        self._id = uuid.uuid4().hex
        self._last: Bundle | None = None

    @property
    def shown(self) -> bool:
        """Tell whether there is anything on the page yet."""
        return self._last is not None

    def show(self, bundle: Bundle) -> None:
        """Show ``bundle`` (mime type → data) at the end of the cell that runs now."""
        self._last = bundle
        _publish(bundle, self._id, update=False)

    def update(self, bundle: Bundle, *, final: bool = True) -> None:
        """Replace what is shown; the same again is not sent.

        A terminal cannot replace what it has printed: there only ``final`` ones are printed.
        """
        if self._last is None:
            self.show(bundle)
        elif bundle != self._last and (final or in_kernel()):
            self._last = bundle
            _publish(bundle, self._id, update=True)


class ShownOnce:
    """Base of what a method shows and then returns.

    As the last line of the cell that made it, it would be shown a second time; so there it shows
    nothing, and in any later cell it shows itself.
    """

    _shown_in: object = None

    def mark_shown(self) -> None:
        """Remember that it stands in the output of the cell that runs now."""
        self._shown_in = cell()

    def _repr_html_(self) -> str:
        raise NotImplementedError

    def _ipython_display_(self) -> None:
        if self._shown_in is None or self._shown_in != cell():
            Slot().show(text_and_html(repr(self), self._repr_html_()))


def in_kernel() -> bool:
    """Tell whether a Jupyter kernel runs this (else: a terminal, or a plain script)."""
    return hasattr(_shell(), "kernel")


def cell() -> object:
    """Return what names the cell that runs now; None outside of IPython."""
    shell = _shell()
    return None if shell is None else shell.execution_count


def text_and_html(text: str, html: str) -> Bundle:
    """Return a bundle that every frontend can show."""
    return {"text/plain": text, "text/html": str(html)}


def _shell() -> Any:
    return get_ipython()


def _publish(bundle: Bundle, display_id: str, *, update: bool) -> None:
    shell = _shell()
    if shell is None:
        print(bundle["text/plain"])  # noqa: T201 (there is nothing else to show it with)
        return
    shell.display_pub.publish(
        data=bundle, metadata={}, transient={"display_id": display_id}, update=update
    )
