"""The one widget: ``kind`` says which view, the rest is data (see ``labextension/README.md``).

A view draws its snapshot at once and then brings itself up to date through the Jupyter server;
where there is none, it asks over the widget's comm, and ``Messages`` answers from a thread.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from jupyter_sysdesign.notebook.messages import Messages
from jupyter_sysdesign.notebook.output import Bundle, Slot, cell
from jupyter_sysdesign.notebook.rendering.static import Static, render

if TYPE_CHECKING:
    from jupyter_sysdesign.notebook.connection import Connection

_STATIC = Path(__file__).parent / "static"
_WIDGET_MIME = "application/vnd.jupyter.widget-view+json"
VIEW_MIME = "application/vnd.sysdesign.view+json"

#: In a checkout whose frontend was not built: the static form stays what it is.
_NOT_BUILT = "export default { render({ el }) { el.textContent = 'The frontend is not built.'; } };"


def _asset(name: str, otherwise: str) -> Path | str:
    path = _STATIC / name
    return path if path.is_file() else otherwise


class View(anywidget.AnyWidget):
    """A live view with a static form.

    Attributes:
        kind: which view it is.
        props: names and ids; nothing that grows old, no URL, no token.
        snapshot: the last known state; the frontend writes it too.

    A view of nothing that runs, such as a recorded run, has no ``connection``.
    """

    _esm = _asset("widget.js", _NOT_BUILT)
    _css = _asset("widget.css", "")

    kind = traitlets.Unicode().tag(sync=True)
    props = traitlets.Dict().tag(sync=True)
    snapshot = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        kind: str,
        props: dict[str, Any],
        snapshot: dict[str, Any] | None = None,
        *,
        connection: Connection | None,
    ) -> None:
        super().__init__(kind=kind, props=props, snapshot=snapshot or {})
        self._slot = Slot()
        self._messages = None if connection is None else Messages(connection, self.send)
        self.on_msg(lambda _view, content, _buffers: self.receive(content))
        self.observe(self._changed, names="snapshot")
        self._shown_in: object = None

    def show(self) -> None:
        """Show it in the cell that runs now."""
        self._shown_in = cell()
        self._slot.show(self._bundle())

    def settle(self) -> None:
        """Let what is shown be the present state for good, in a terminal too."""
        self._slot.update(self._bundle())

    def static(self) -> Static:
        """Return the present state for pages without our JavaScript."""
        return render(self.kind, self.props, self.snapshot)

    def receive(self, content: object) -> None:
        """Take one message of the frontend."""
        if self._messages is not None:
            self._messages.receive(content)

    def tell(self, events: list[dict[str, Any]]) -> None:
        """Push events to the frontend, which may be unable to hear them from the server."""
        if self._messages is not None:
            self._messages.push(events)

    def close(self) -> None:
        """End its threads and the widget's model."""
        if self._messages is not None:
            self._messages.close()
        super().close()

    def _changed(self, _change: object) -> None:
        if self._slot.shown:
            self._slot.update(self._bundle(), final=False)

    def _bundle(self) -> Bundle:
        static = self.static()
        widget = {"version_major": 2, "version_minor": 1, "model_id": self.model_id}
        return {
            "text/plain": static.text,
            "text/html": str(static.html),
            VIEW_MIME: {"model_id": self.model_id, "html": str(static.html)},
            _WIDGET_MIME: widget,
        }

    def __repr__(self) -> str:
        return self.static().text

    def _repr_mimebundle_(self, **_kwargs: object) -> tuple[Bundle, dict[str, Any]]:
        return self._bundle(), {}

    def _ipython_display_(self) -> None:
        # As the last line of the cell that shows it already, it would stand there twice.
        if self._shown_in is None or self._shown_in != cell():
            self.show()
