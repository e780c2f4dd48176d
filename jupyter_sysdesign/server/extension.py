"""The extension application: routes, the server's lease, what kernels are told."""

from __future__ import annotations

import atexit
import os
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
        # Without a terminal, SIGINT ends a Jupyter server past all its hooks.
        atexit.register(self.link.end_now)

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
        for name, value in self._exported.items():
            if os.environ.get(name) == value:
                del os.environ[name]
        await self.link.close()
