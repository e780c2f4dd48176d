"""The state machine that the log is for: texts under keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.clients import Request
    from jupyter_sysdesign.simulation.node import NodeId


class KeyValue:
    """Applies commands, each client's each one once.

    Attributes:
        values: key → text.
        sessions: client → the last serial number that was applied, and its answer (§8).
    """

    __slots__ = ("sessions", "values")

    def __init__(self, state: tuple[Any, ...] = ()) -> None:
        values, sessions = state or ((), ())
        self.values: dict[str, Any] = dict(values)
        self.sessions: dict[NodeId, tuple[int, Any]] = {
            client: (serial, answer) for client, serial, answer in sessions
        }

    def apply(self, request: Request) -> Any:
        """Carry out a command and return its answer; one that was carried out is only answered."""
        client, serial, op, key, value = request
        last, answer = self.sessions.get(client, (0, None))
        if serial <= last:
            return answer
        answer = self.carry_out(op, key, value)
        self.sessions[client] = (serial, answer)
        return answer

    def carry_out(self, op: str, key: str, value: Any) -> Any:
        """Change the state, whatever happened before."""
        if op == "get":
            return self.values.get(key)
        self.values[key] = value if op == "put" else (self.values.get(key) or "") + value
        return None

    def state(self) -> tuple[Any, ...]:
        """Return all of it, for a snapshot."""
        return (
            tuple(self.values.items()),
            tuple((client, *session) for client, session in self.sessions.items()),
        )
