"""Which engine there is, is looked at each time: it comes and goes."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler
from socketserver import UnixStreamServer
from typing import TYPE_CHECKING

from jupyter_sysdesign.grading.course.containers import Containers

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class Broken(BaseHTTPRequestHandler):
    """An engine that can do nothing."""

    def do_GET(self) -> None:
        if not self.path.endswith("/version"):
            self.send_error(500, "broken")
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"ApiVersion": "1.41"}')

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def address_string(self) -> str:
        return "somebody"


def test_an_engine_that_comes_or_goes_is_noticed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = home.parent / "engine.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{where}")
    none = Containers().unusable()
    assert none.startswith("No Docker engine answers")
    with UnixStreamServer(str(where), Broken) as engine:
        threading.Thread(target=engine.serve_forever).start()
        assert Containers().unusable() not in ("", none)
        engine.shutdown()
    where.unlink()
    assert Containers().unusable() == none
