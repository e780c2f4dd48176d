"""What REST and WebSocket handlers share: where they are, who asks, how errors look."""

from __future__ import annotations

import json
from http.client import responses
from typing import TYPE_CHECKING, Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web

from jupyter_sysdesign.control.models import Problem

if TYPE_CHECKING:
    from jupyter_sysdesign.errors import SysdesignError
    from jupyter_sysdesign.server.link import ControlLink

#: What an authorizer is asked about; actions are ``read`` and ``write``.
AUTH_RESOURCE = "sysdesign"


class ControlHandler(JupyterHandler):
    """A handler below ``<base_url>sysdesign/``."""

    auth_resource = AUTH_RESOURCE

    def initialize(self, link: ControlLink) -> None:
        """Keep the link to the control plane."""
        self.link = link

    @property
    def target(self) -> str:
        """Return path and query for the control plane, exactly as they were sent."""
        prefix = url_path_join(self.base_url, "sysdesign")
        return str(self.request.uri)[len(prefix) :]

    @property
    def user(self) -> str:
        """Return the user's name."""
        return str(getattr(self.current_user, "username", ""))

    def get_login_url(self) -> str:
        """Refuse instead of redirecting: whoever asks here is a program."""
        raise web.HTTPError(403, "Log in to Jupyter first")

    def refuse(self, error: SysdesignError) -> None:
        """Answer with an expected failure, in the control plane's form."""
        problem = Problem(code=error.code, message=error.message, hint=error.hint)
        self.set_status(error.status)
        self._finish_with(problem)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer a refusal by Jupyter, or a bug, in the control plane's form too."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        message = getattr(error, "log_message", None) or responses.get(status_code, "Error")
        code = "forbidden" if status_code == web.HTTPError(403).status_code else "refused"
        self._finish_with(Problem(code=code, message=message))

    def _finish_with(self, problem: Problem) -> None:
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(problem.model_dump()))
