"""What a view asks over the widget's comm, answered from threads so that no cell waits for it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.control.calls import Call
from jupyter_sysdesign.errors import InvalidRequestError, SysdesignError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.notebook.connection import Connection

_METHODS = frozenset({"GET", "POST", "PUT", "DELETE"})
#: A check is the longest request there is.
_TIMEOUT_S = 1200.0


class Messages:
    """The Python end of one view's comm (form: ``labextension/README.md``).

    Args:
        send: sends one custom message to the frontend.
    """

    def __init__(self, connection: Connection, send: Callable[[dict[str, Any]], None]) -> None:
        self._connection = connection
        self._send = send
        self._subscriptions: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def receive(self, content: object) -> None:
        """Take one message; what makes no sense is ignored."""
        if not isinstance(content, dict):
            return
        request, subscribe = content.get("request"), content.get("subscribe")
        if isinstance(request, dict):
            _in_thread("request", self._answer, content.get("id"), request)
        elif isinstance(subscribe, dict):
            self._subscribe(str(subscribe.get("environment")), subscribe.get("after"))
        elif isinstance(content.get("unsubscribe"), dict):
            self._end(str(content["unsubscribe"].get("environment")))

    def push(self, events: list[dict[str, Any]]) -> None:
        """Send events unasked: while a cell runs, no subscription reaches the kernel."""
        self._send({"environment": self._connection.environment, "events": events})

    def close(self) -> None:
        """End all subscriptions."""
        with self._lock:
            environments = list(self._subscriptions)
        for environment in environments:
            self._end(environment)

    def _answer(self, message: object, request: dict[str, Any]) -> None:
        try:
            body = self._connection.client.send(_call(request))
        except SysdesignError as error:
            problem = {"code": error.code, "message": error.message, "hint": error.hint}
            response = {"status": error.status, "body": problem}
        else:
            response = {"status": 200, "body": body}
        self._send({"id": message, "response": response})

    def _subscribe(self, environment: str, after: object) -> None:
        ended = threading.Event()
        with self._lock:
            previous = self._subscriptions.get(environment)
            self._subscriptions[environment] = ended
        if previous is not None:
            previous.set()
        start = after if isinstance(after, int) else 0
        _in_thread("events", self._follow, environment, start, ended)

    def _follow(self, environment: str, after: int, ended: threading.Event) -> None:
        try:
            # Says that the stream is open, also when nothing happens for a while.
            self._send({"environment": environment, "events": []})
            for event in self._connection.client.events(environment, after):
                if ended.is_set():
                    return
                self._send({"environment": environment, "events": [event.model_dump(mode="json")]})
        except SysdesignError:
            pass  # the view asks again, with patience
        if not ended.is_set():
            self._send({"environment": environment, "closed": True})

    def _end(self, environment: str) -> None:
        with self._lock:
            ended = self._subscriptions.pop(environment, None)
        if ended is not None:
            ended.set()


def _call(request: dict[str, Any]) -> Call[Any]:
    method, path = str(request.get("method")).upper(), str(request.get("path"))
    if method not in _METHODS or not (path == "/v1" or path.startswith("/v1/")):
        raise InvalidRequestError(f"{method} {path} is no request of the API")
    body = request.get("body")
    return Call(Any, method, path, body if isinstance(body, dict) else None, _TIMEOUT_S)


def _in_thread(name: str, work: Callable[..., None], *arguments: object) -> None:
    # A daemon: a kernel that is shut down does not wait for a check to end.
    threading.Thread(
        target=work, args=arguments, name=f"sysdesign-view-{name}", daemon=True
    ).start()
