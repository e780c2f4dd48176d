"""A connection to a container: what it prints, and what it is told."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import APIClient


class Attachment:
    """A connection to a container's output; made before it starts, it misses nothing.

    Args:
        stdin: and to its input, which ends with the connection.

    Raises:
        DockerException: as the SDK.
    """

    def __init__(self, client: APIClient, container: str, *, stdin: bool = False) -> None:
        self._stream = client.attach_socket(
            container, params={"stdin": int(stdin), "stdout": 1, "stderr": 1, "stream": 1}
        )

    def fileno(self) -> int:
        """Return the socket's descriptor, for a process that is to have the connection."""
        return int(self._stream.fileno())

    def __iter__(self) -> Iterator[bytes]:
        """Yield pieces until the container ends, or the connection does."""
        from docker.utils.socket import frames_iter  # noqa: PLC0415 (it is there: it attached us)

        # The SDK hands out the socket and keeps what it belongs to.
        self._stream._sock.settimeout(None)  # noqa: SLF001
        with contextlib.suppress(OSError):
            for _, data in frames_iter(self._stream, tty=False):
                yield data

    def close(self) -> None:
        """Let go of it."""
        with contextlib.suppress(Exception):  # both ends may have closed it before
            self._stream._response.close()  # noqa: SLF001 (as above)
