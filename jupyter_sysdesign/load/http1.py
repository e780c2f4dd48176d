"""HTTP/1.1 responses, parsed as they arrive (RFC 9112; RFC 9110 for what has a body).

Bodies are counted, and kept only where somebody asks: a load engine has little use for them.
However the bytes are split, the result is the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_HEAD_BYTES = 65536
_MAX_SIZE_LINE = 4096

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?\Z")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*\Z")
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\Z")
_LONE_LF = re.compile(rb"(?<!\r)\n")
_START = b"HTTP/1."

_NO_CONTENT, _NOT_MODIFIED, _SWITCHING = 204, 304, 101


class ProtocolError(Exception):
    """The peer does not speak HTTP/1.1 (or answers a question nobody asked)."""


class ClosedError(Exception):
    """The peer closed the connection before its response was complete."""


@dataclass(frozen=True)
class Head:
    """Status line and headers, as far as they say how to go on.

    Attributes:
        length: bytes of body to come; None where it ends otherwise.
        chunked: the body is chunked. Neither this nor a length: it lasts until the peer closes.
        keep_alive: the connection can carry another request.
    """

    status: int
    length: int | None
    chunked: bool
    keep_alive: bool


@dataclass(frozen=True)
class Response:
    """A complete response.

    Attributes:
        body_bytes: of the body, chunk framing not counted.
        keep_alive: the connection can carry another request.
        leftover: what came after it.
        head: the raw head without its final blank line, if the response has a fixed length and
            no interim response (1xx) stood before it; else empty.
        body: as much of it as was to be kept.
    """

    status: int
    body_bytes: int
    keep_alive: bool
    leftover: bytes = b""
    head: bytes = b""
    body: bytes = b""


def parse_head(raw: bytes, *, answers_head: bool = False) -> Head:
    """Return what a response's head says; ``answers_head``: the request was a HEAD.

    Raises:
        ProtocolError: malformed, or framed in a way that no two readers would agree on.
    """
    lines = raw.split(b"\r\n")
    status_line = _STATUS_LINE.match(lines[0])
    if status_line is None:
        raise ProtocolError("not an HTTP/1.1 status line")
    status = int(status_line[2])
    fields = _fields(lines[1:])
    connection = _tokens(fields.get(b"connection", []))
    modern = status_line[1] == b"1"
    keep_alive = b"close" not in connection if modern else b"keep-alive" in connection

    lengths = {
        value.strip() for each in fields.get(b"content-length", []) for value in each.split(b",")
    }
    codings = _tokens(fields.get(b"transfer-encoding", []))
    if len(lengths) > 1 or any(not value.isdigit() or len(value) > 18 for value in lengths):  # noqa: PLR2004
        raise ProtocolError("not a content length")
    if codings.count(b"chunked") > 1 or (b"chunked" in codings and codings[-1] != b"chunked"):
        raise ProtocolError("chunked must be the last transfer coding, once")

    if answers_head or status in {_NO_CONTENT, _NOT_MODIFIED} or status < 200:  # noqa: PLR2004
        return Head(status, 0, chunked=False, keep_alive=keep_alive)
    if codings:
        # With a length beside it (or from HTTP/1.0) the next response's start is anybody's guess.
        sure = keep_alive and modern and not lengths
        chunked = codings[-1] == b"chunked"
        return Head(status, None, chunked=chunked, keep_alive=sure and chunked)
    if lengths:
        return Head(status, int(lengths.pop()), chunked=False, keep_alive=keep_alive)
    return Head(status, None, chunked=False, keep_alive=False)


class ResponseParser:
    """Reads one response; give it what arrives until it returns one."""

    def __init__(self, *, answers_head: bool = False, keep: int = 0) -> None:
        """Start before the first byte.

        Args:
            answers_head: the request was a HEAD.
            keep: the most bytes of the body to keep.
        """
        self._answers_head = answers_head
        self._most_kept = keep
        self._body = b""
        self._buffer = b""
        self._started = False
        self._interim = False
        self._raw = b""
        self._head: Head | None = None
        self._body_bytes = 0
        self._left = 0  # of a fixed length, or of a chunk and its line end
        self._chunk_end = 0
        self._trailers = False
        self._trailer_bytes = 0

    def feed(self, data: bytes) -> Response | None:
        """Take what arrived; return the response once it is complete.

        Raises:
            ProtocolError: malformed.
        """
        self._started = self._started or bool(data)
        buffer = self._buffer + data if self._buffer else data
        while self._head is None:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                self._check_beginning(buffer)
                self._buffer = buffer
                return None
            self._begin(buffer[:end])
            buffer = buffer[end + 4 :]
        self._buffer = b""
        if self._head.chunked:
            return self._feed_chunks(buffer)
        return self._feed_plain(self._head, buffer)

    def end(self) -> Response:
        """Say that the peer closed; return the response if that is how it ends.

        Raises:
            ClosedError: something is missing.
        """
        head = self._head
        if head is None or head.chunked or head.length is not None:
            raise ClosedError("closed in the middle of a response" if self._started else "closed")
        return Response(head.status, self._body_bytes, keep_alive=False, body=self._body)

    def _begin(self, raw: bytes) -> None:
        if len(raw) > MAX_HEAD_BYTES:
            raise ProtocolError("the head of the response is too long")
        head = parse_head(raw, answers_head=self._answers_head)
        if head.status == _SWITCHING:
            raise ProtocolError("the server switches to a protocol nobody asked for")
        if head.status < 200:  # noqa: PLR2004 (1xx: the real one follows)
            self._interim = True
            return
        self._head, self._raw = head, raw
        self._left = head.length or 0

    def _check_beginning(self, buffer: bytes) -> None:
        """Refuse what can no longer become a head, instead of waiting for its end."""
        if not _START.startswith(buffer[: len(_START)]):
            raise ProtocolError("not an HTTP/1.1 response")
        if len(buffer) - 3 > MAX_HEAD_BYTES:
            raise ProtocolError("the head of the response is too long")
        if _LONE_LF.search(buffer):
            raise ProtocolError("a line of the head does not end in CR LF")

    def _feed_plain(self, head: Head, data: bytes) -> Response | None:
        if head.length is None:
            self._body_bytes += len(data)
            self._keep(data)
            return None
        self._keep(data[: self._left])
        if len(data) < self._left:
            self._left -= len(data)
            return None
        leftover = data[self._left :]
        raw = b"" if self._interim else self._raw
        return Response(head.status, head.length, head.keep_alive, leftover, raw, self._body)

    def _keep(self, data: bytes) -> None:
        """Keep what is to be kept of a piece of the body."""
        if len(self._body) < self._most_kept:
            self._body += data[: self._most_kept - len(self._body)]

    def _feed_chunks(self, data: bytes) -> Response | None:
        position = 0
        while True:
            position = self._pass_data(data, position)
            if self._left or self._chunk_end:
                return None
            end = data.find(b"\r\n", position)
            line = data[position:end] if end >= 0 else data[position:]
            # Unfinished, its last byte may be the CR of its end.
            if len(line) - (end < 0) > _MAX_SIZE_LINE or b"\n" in line:
                raise ProtocolError("a chunk's size line is malformed")
            if end < 0:
                self._buffer = line
                return None
            position = end + 2
            if self._trailers:
                if not line:
                    return self._chunked(data[position:])
                self._take_trailer(line)
            else:
                self._take_size(line)

    def _pass_data(self, data: bytes, position: int) -> int:
        """Pass over what is left of a chunk and its line end; return the new position."""
        if self._left:
            taken = min(self._left, len(data) - position)
            self._keep(data[position : position + taken])
            self._left -= taken
            position += taken
            if self._left:
                return position
            self._chunk_end = 2
        if self._chunk_end:
            given = data[position : position + self._chunk_end]
            if not b"\r\n"[2 - self._chunk_end :].startswith(given):
                raise ProtocolError("a chunk does not end where it says")
            position += len(given)
            self._chunk_end -= len(given)
        return position

    def _take_size(self, line: bytes) -> None:
        size = _SIZE_LINE.match(line)
        if size is None:
            raise ProtocolError("a chunk's size line is malformed")
        self._left = int(size[1], 16)
        self._body_bytes += self._left
        self._trailers = self._left == 0

    def _take_trailer(self, line: bytes) -> None:
        self._trailer_bytes += len(line)
        if _FIELD.match(line) is None or self._trailer_bytes > MAX_HEAD_BYTES:
            raise ProtocolError("a trailer is malformed")

    def _chunked(self, leftover: bytes) -> Response:
        if self._head is None:  # pragma: no cover (chunks come after a head)
            raise ProtocolError("a chunk without a head")
        head = self._head
        return Response(head.status, self._body_bytes, head.keep_alive, leftover, body=self._body)


def _fields(lines: list[bytes]) -> dict[bytes, list[bytes]]:
    fields: dict[bytes, list[bytes]] = {}
    last: list[bytes] | None = None
    for line in lines:
        if line[:1] in (b" ", b"\t") and last is not None:  # a folded line, obsolete but allowed
            if b"\r" in line or b"\n" in line or b"\0" in line:
                raise ProtocolError("a header is malformed")
            last[-1] += b" " + line.strip()
            continue
        field = _FIELD.match(line)
        if field is None:
            raise ProtocolError("a header is malformed")
        last = fields.setdefault(field[1].lower(), [])
        last.append(field[2])
    return fields


def _tokens(values: list[bytes]) -> list[bytes]:
    return [
        token.strip().lower() for value in values for token in value.split(b",") if token.strip()
    ]
