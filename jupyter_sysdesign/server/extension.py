"""The extension application: routes, the server's lease, what kernels are told."""

from __future__ import annotations

import atexit
import os
import signal
import threading
from pathlib import Path
from typing import Any

from jupyter_server.extension.application import ExtensionApp

from jupyter_sysdesign.control import calls, transport
from jupyter_sysdesign.server.events import EventsHandler
from jupyter_sysdesign.server.forwarding import ForwardHandler
from jupyter_sysdesign.server.link import ControlLink


class SysdesignApp(ExtensionApp):
    """Serves the control plane under ``<base_url>sysdesign/``."""

    name = "jupyter_sysdesign"
    app_name = "Jupyter System Design"
    description = "Learn system design on real systems that really break."
    extension_url = "/lab"
    load_other_extensions = True

    link: ControlLink | None = None

    def initialize_settings(self) -> None:
        """Prepare the link, and tell kernels whose lease theirs depend on."""
        assert self.serverapp is not None  # noqa: S101 (jupyter_server has linked it)
        root = str(Path(self.serverapp.root_dir).expanduser().resolve())
        self.link = ControlLink(root)
        self._exported = {
            transport.PARENT_VARIABLE: self.link.holder,
            calls.ROOT_VARIABLE: root,
        }
        os.environ.update(self._exported)
        atexit.register(self.link.end_now)  # where it ends past all its hooks
        self._hear_interrupts()

    def _hear_interrupts(self) -> None:
        """Without a terminal, have SIGINT stop the server in order, as SIGTERM does.

        Jupyter leaves it to Python then, whose exception comes up wherever the program stands: past
        all hooks of the server, or where nobody hears it, such as in the end of an object.
        """
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._interrupted)

    def _interrupted(self, _number: int, _frame: object) -> None:
        if self.serverapp is not None:
            self.serverapp.stop(from_signal=True)

    def initialize_handlers(self) -> None:
        """Serve everything below ``sysdesign/``."""
        link = {"link": self.link}
        self.handlers.extend(
            [
                (r"/sysdesign/v1/environments/[^/]+/events", EventsHandler, link),
                (r"/sysdesign/.*", ForwardHandler, link),
            ]
        )

    async def _start_jupyter_server_extension(self, _serverapp: Any) -> None:
        """Take up again what an earlier server of this folder had running."""
        if self.link is not None:
            await self.link.adopt()

    async def stop_extension(self) -> None:
        """End the lease: what only this server kept alive is stopped."""
        if self.link is None:
            return
        atexit.unregister(self.link.end_now)
        if signal.getsignal(signal.SIGINT) == self._interrupted:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        for name, value in self._exported.items():
            if os.environ.get(name) == value:
                del os.environ[name]
        await self.link.close()
