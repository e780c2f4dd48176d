"""What a view asks over the widget's comm, answered from threads so that no cell waits for it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_sysdesign.control.calls import Call
from jupyter_sysdesign.errors import InvalidRequestError, SysdesignError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.control.subscription import Subscription
    from jupyter_sysdesign.notebook.connection import Connection

_METHODS = frozenset({"GET", "POST", "PUT", "DELETE"})
#: A check is the longest request there is.
_TIMEOUT_S = 1200.0
#: A page that was closed does not unsubscribe: with more than these, the oldest end.
_MOST_SUBSCRIPTIONS = 8


class _Subscriber(NamedTuple):
    """Who hears of what."""

    view: str
    environment: str


class Messages:
    """The Python end of one model's comm (form: ``labextension/README.md``).

    A model may have several views, and all of them hear what is sent: an answer names the one that
    asked, as it named itself.

    Args:
        send: sends one custom message to the frontend.
    """

    def __init__(self, connection: Connection, send: Callable[[dict[str, Any]], None]) -> None:
        self._connection = connection
        self._send = send
        self._subscriptions: dict[_Subscriber, Subscription] = {}
        self._lock = threading.Lock()

    def receive(self, content: object) -> None:
        """Take one message; what makes no sense is ignored."""
        if not isinstance(content, dict):
            return
        view = str(content.get("view", ""))
        request, subscribe = content.get("request"), content.get("subscribe")
        if isinstance(request, dict):
            _in_thread("request", self._answer, view, content.get("id"), request)
        elif isinstance(subscribe, dict):
            subscriber = _Subscriber(view, str(subscribe.get("environment")))
            self._subscribe(subscriber, subscribe.get("after"))
        elif isinstance(content.get("unsubscribe"), dict):
            self._end(_Subscriber(view, str(content["unsubscribe"].get("environment"))))

    def push(self, events: list[dict[str, Any]]) -> None:
        """Send events unasked: while a cell runs, no subscription reaches the kernel."""
        self._send({"environment": self._connection.environment, "events": events})

    def close(self) -> None:
        """End all subscriptions."""
        with self._lock:
            subscribers = list(self._subscriptions)
        for each in subscribers:
            self._end(each)

    def _answer(self, view: str, message: object, request: dict[str, Any]) -> None:
        try:
            body = self._connection.client.send(_call(request))
        except SysdesignError as error:
            problem = {"code": error.code, "message": error.message, "hint": error.hint}
            response = {"status": error.status, "body": problem}
        else:
            response = {"status": 200, "body": body}
        self._send({"view": view, "id": message, "response": response})

    def _subscribe(self, subscriber: _Subscriber, after: object) -> None:
        self._end(subscriber)
        start = after if isinstance(after, int) else 0
        events = self._connection.client.events(subscriber.environment, start)
        with self._lock:
            self._subscriptions[subscriber] = events
            oldest = list(self._subscriptions)[:-_MOST_SUBSCRIPTIONS]
        for each in oldest:
            self._end(each)
            self._send({**each._asdict(), "closed": True})  # if it lives, it subscribes again
        _in_thread("events", self._follow, subscriber, events)

    def _follow(self, subscriber: _Subscriber, events: Subscription) -> None:
        address = subscriber._asdict()
        try:
            # Says that the stream is open, also when nothing happens for a while.
            events.opened = lambda: self._send({**address, "events": []})
            for event in events:
                if events.closed.is_set():
                    return
                self._send({**address, "events": [event.model_dump(mode="json")]})
        except SysdesignError:
            pass  # the view asks again, with patience
        if not events.closed.is_set():
            self._send({**address, "closed": True})

    def _end(self, subscriber: _Subscriber) -> None:
        with self._lock:
            events = self._subscriptions.pop(subscriber, None)
        if events is not None:
            events.close()


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
