from __future__ import annotations

import errno
import socket
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from jupyter_sysdesign.environment import ports

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.environment.launch import Launch
    from jupyter_sysdesign.environment.runtimes.embedded import Embedded

SERVE = """
import http.server, socket, sys
server = http.server.HTTPServer(("", 0), http.server.BaseHTTPRequestHandler, False)
server.socket = socket.socket(fileno=int(sys.argv[1]))
print("serving", flush=True)
server.serve_forever()
"""


def _bind(port: int) -> None:
    """Do what any other program would do to get the port."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        sock.listen()


def test_nobody_else_gets_a_reserved_port_and_nobody_answers_on_it() -> None:
    reservation = ports.reserve()
    with pytest.raises(OSError, match="in use") as refused:
        _bind(reservation.port)
    assert refused.value.errno == errno.EADDRINUSE
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", reservation.port)) == errno.ECONNREFUSED
    reservation.close()
    _bind(reservation.port)


def test_the_preferred_port_is_taken_if_it_is_free_and_another_if_not() -> None:
    first = ports.reserve()
    first.close()
    again = ports.reserve(first.port)
    assert again.port == first.port
    again.close()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # the hard case: it shares
        other.bind(("127.0.0.1", first.port))
        other.listen()
        elsewhere = ports.reserve(first.port)
        assert elsewhere.port != first.port
        elsewhere.close()


@pytest.mark.anyio
async def test_the_port_stays_ours_while_the_service_is_down_and_refuses(
    runtime: Embedded, python: Callable[..., Launch]
) -> None:
    reservation = ports.reserve()
    launch = python("app", SERVE, "{listen_fd}", listen=reservation.port)
    for _ in range(3):
        await runtime.spawn(launch)
        async with httpx.AsyncClient(timeout=30) as client:
            answer = await client.get(f"http://127.0.0.1:{reservation.port}/")
        assert answer.status_code == 501  # it answers: it is up
        with pytest.raises(OSError, match="in use"):
            _bind(reservation.port)
        await runtime.kill("app")
        with socket.socket() as knock:
            assert knock.connect_ex(("127.0.0.1", reservation.port)) == errno.ECONNREFUSED
        with pytest.raises(OSError, match="in use"):
            _bind(reservation.port)
    reservation.close()
    _bind(reservation.port)  # though connections to it linger


def test_small_answers_are_sent_at_once() -> None:
    if sys.platform != "linux":
        pytest.skip("inheritance of TCP_NODELAY is Linux's")
    reservation = ports.reserve()
    listener = ports.listening(reservation.port)
    with socket.create_connection(("127.0.0.1", reservation.port)):
        accepted, _ = listener.accept()
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        accepted.close()
    listener.close()
    reservation.close()
