"""One nginx that answers at once, as the same wall for everybody to run against."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_sysdesign.errors import MissingBinaryError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_TIMEOUT_S = 10.0
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
_CONFIGURATION = """
worker_processes 1;
daemon off;
pid {folder}/pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  {temporary}
  log_format moment '$msec';
  keepalive_requests 1000000000;
  default_type text/plain;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    access_log off;
    location / {{ return 200 "a small body, as an API would send\\n"; }}
    location /logged {{
      access_log {folder}/moments.log moment buffer=64k flush=1s;
      return 200 "a small body, as an API would send\\n";
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Nginx:
    """A running nginx."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Return the address of its small page."""
        return f"http://127.0.0.1:{self.port}/"

    def moments(self) -> list[float]:
        """Stop it, and return when each request to ``/logged`` was answered (s, to the ms)."""
        self.process.terminate()
        self.process.wait()
        return [float(line) for line in (self.folder / "moments.log").read_text().split()]


@contextlib.contextmanager
def nginx() -> Iterator[Nginx]:
    """Run an nginx on loopback, in a folder of its own.

    Raises:
        MissingBinaryError: it is not installed.
        UnavailableError: it does not come up.
    """
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise MissingBinaryError("nginx is not on this machine", hint="apt install nginx-light")
    folder = Path(tempfile.mkdtemp(prefix="sd-bench-nginx-"))
    folder.chmod(0o711)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    temporary = " ".join(f"{name}_temp_path {folder}/{name};" for name in _TEMPORARY)
    configuration = folder / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder, port=port, temporary=temporary))
    process = subprocess.Popen(
        [program, "-c", str(configuration), "-p", str(folder)], stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port, process)
        yield Nginx(port, folder, process)
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _START_TIMEOUT_S
    while True:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        if process.poll() is not None or time.monotonic() > end:
            raise UnavailableError("nginx does not come up")
        time.sleep(0.01)
