"""Every operation of the API, written once for the sync and the async client.

A client is whatever has ``send(call)``; what its methods return, a value or an awaitable of one,
follows from what its ``send`` returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, overload

from jupyter_sysdesign.control import calls

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jupyter_sysdesign.control.calls import Call

T = TypeVar("T")
P = ParamSpec("P")


class SendsAndWaits(Protocol):
    """A sync client."""

    def send(self, call: Call[T]) -> T:
        """Send one request and return its answer."""


class Sends(Protocol):
    """An async client."""

    async def send(self, call: Call[T]) -> T:
        """Send one request and return its answer."""


class Operation(Generic[P, T]):
    """A method of a client that sends the call which ``build`` makes of its arguments."""

    def __init__(self, build: Callable[P, Call[T]]) -> None:
        self._build = build
        self.__doc__ = build.__doc__

    @overload
    def __get__(self, client: SendsAndWaits, owner: type[Any]) -> Callable[P, T]: ...

    @overload
    def __get__(self, client: Sends, owner: type[Any]) -> Callable[P, Awaitable[T]]: ...

    def __get__(self, client: Any, owner: type[Any]) -> Any:
        if client is None:
            return self

        def operate(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.send(self._build(*args, **kwargs))

        operate.__doc__ = self.__doc__
        return operate


class Operations:
    """What both clients can do."""

    info = Operation(calls.info)
    machine = Operation(calls.machine)
    lessons = Operation(calls.lessons)
    lesson = Operation(calls.lesson)
    workspaces = Operation(calls.workspaces)
    create_workspace = Operation(calls.create_workspace)
    workspace = Operation(calls.workspace)
    import_work = Operation(calls.import_work)
    answer = Operation(calls.answer)
    environments = Operation(calls.environments)
    create_environment = Operation(calls.create_environment)
    environment = Operation(calls.environment)
    start = Operation(calls.start)
    stop = Operation(calls.stop)
    reset = Operation(calls.reset)
    apply = Operation(calls.apply)
    delete = Operation(calls.delete)
    detach = Operation(calls.detach)
    end_detached = Operation(calls.end_detached)
    end_lease = Operation(calls.end_lease)
    service = Operation(calls.service)
    logs = Operation(calls.logs)
    metrics = Operation(calls.metrics)
    drift = Operation(calls.drift)
    sql = Operation(calls.sql)
    console = Operation(calls.console)
    profiles = Operation(calls.profiles)
    runs = Operation(calls.runs)
    start_run = Operation(calls.start_run)
    run = Operation(calls.run)
    stop_run = Operation(calls.stop_run)
    faults = Operation(calls.faults)
    active_faults = Operation(calls.active_faults)
    inject_fault = Operation(calls.inject_fault)
    recover_fault = Operation(calls.recover_fault)
    fault_schedules = Operation(calls.fault_schedules)
    play_faults = Operation(calls.play_faults)
    stop_faults = Operation(calls.stop_faults)
    checks = Operation(calls.checks)
    check = Operation(calls.check)
