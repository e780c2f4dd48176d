"""The response parser: however the bytes are split, and compared with h11."""

from __future__ import annotations

import itertools
from typing import Any

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jupyter_sysdesign.load.http1 import (
    MAX_HEAD_BYTES,
    ClosedError,
    ProtocolError,
    Response,
    ResponseParser,
)

Outcome = tuple[Any, ...]


def parse(pieces: list[bytes], *, answers_head: bool = False) -> Outcome:
    """Feed the pieces, then the end; return what came of it, leftovers collected."""
    parser = ResponseParser(answers_head=answers_head)
    try:
        for place, piece in enumerate(pieces):
            response = parser.feed(piece)
            if response is not None:
                rest = response.leftover + b"".join(pieces[place + 1 :])
                return ("complete", response.status, response.body_bytes, response.keep_alive, rest)
        response = parser.end()
    except ProtocolError:
        return ("protocol",)
    except ClosedError:
        return ("closed",)
    return ("at the end", response.status, response.body_bytes, response.keep_alive)


def kept(data: bytes, most: int) -> bytes:
    """Return what is kept of the body of a response that comes byte by byte."""
    parser = ResponseParser(keep=most)
    found = (parser.feed(bytes([byte])) for byte in data)
    return (next(filter(None, found), None) or parser.end()).body


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Cut the data at the given places (taken modulo its length)."""
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in itertools.pairwise(edges)] or [b""]


names = st.sampled_from([b"Server", b"x-a", b"Date", b"Set-Cookie"])
values = st.binary(max_size=12).map(lambda raw: bytes(33 + byte % 90 for byte in raw))
headers = st.lists(st.tuples(names, values), max_size=3)
bodies = st.binary(max_size=60)
connection = st.sampled_from([b"", b"Connection: close\r\n", b"connection: Keep-Alive\r\n"])


@st.composite
def chunked(draw: st.DrawFn) -> bytes:
    """Return a chunked body with extensions and trailers."""
    parts = []
    for piece in draw(st.lists(st.binary(min_size=1, max_size=40), max_size=4)):
        size = f"{len(piece):x}" if draw(st.booleans()) else f"0{len(piece):X}"
        extension = draw(st.sampled_from([b"", b";a", b';a="b"']))
        parts.append(size.encode() + extension + b"\r\n" + piece + b"\r\n")
    trailers = draw(st.sampled_from([b"", b"Expires: never\r\n", b"A: b\r\nC:\r\n"]))
    return b"".join(parts) + b"0\r\n" + trailers + b"\r\n"


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """Return one response, in any framing, perhaps after interim ones."""
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n"]))
    status = draw(st.sampled_from([200, 201, 204, 301, 304, 404, 500]))
    version = draw(st.sampled_from([b"1.1", b"1.1", b"1.0"]))
    reason = draw(st.sampled_from([b" OK", b" ", b" Not \xe9t"]))
    head = b"HTTP/%s %d%s\r\n" % (version, status, reason) + draw(connection)
    head += b"".join(b"%s: %s\r\n" % pair for pair in draw(headers))
    empty = status in (204, 304)
    framing = draw(st.sampled_from(["length", "chunked", "close"]))
    if framing == "length":
        body = b"" if empty else draw(bodies)
        head += b"Content-Length: %d\r\n\r\n" % len(body)
    elif framing == "chunked" and version == b"1.1":
        body = b"" if empty else draw(chunked())
        head += b"Transfer-Encoding: Chunked\r\n\r\n"
    else:
        body = b"" if empty else draw(bodies)
        head += b"\r\n"
    return interim + head + body


def _damage(data: bytes, place: int, byte: int) -> bytes:
    place %= len(data)
    return data[:place] + bytes([byte]) + data[place + 1 :]


places = st.lists(st.integers(0, 4000), max_size=12)


@given(data=responses(), at=places, answers_head=st.booleans())
@example(
    data=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    at=[49, 51],
    answers_head=False,
)
def test_any_split_gives_the_same(data: bytes, at: list[int], answers_head: bool):
    whole = parse([data], answers_head=answers_head)
    assert whole[0] in ("complete", "at the end")
    assert parse(cut(data, at), answers_head=answers_head) == whole
    assert parse([bytes([byte]) for byte in data], answers_head=answers_head) == whole


@given(responses(), places, st.integers(0, 4000), st.integers(0, 255))
def test_any_split_of_a_damaged_response_gives_the_same(
    data: bytes, at: list[int], place: int, byte: int
):
    damaged = _damage(data, place, byte)
    assert parse(cut(damaged, at)) == parse([damaged])


@given(responses(), st.integers(0, 4000), places)
def test_any_split_of_a_cut_off_response_gives_the_same(data: bytes, end: int, at: list[int]):
    short = data[: end % len(data)]
    outcome = parse([short])
    assert parse(cut(short, at)) == outcome
    assert outcome[0] != "protocol"


@given(responses(), responses())
def test_what_follows_is_left_over(first: bytes, second: bytes):
    alone, together = parse([first]), parse([first + second])
    if alone[0] == "complete":
        assert together == (*alone[:4], second)


@given(responses())
def test_h11_reads_the_same(data: bytes):
    client = h11.Connection(our_role=h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(data)
    client.receive_data(b"")
    status, body = 0, b""
    while not isinstance(event := client.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data
    assert parse([data])[1:3] == (status, len(body))
    for most in (1000, 5):
        assert kept(data, most) == body[:most]


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-x\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 099 No\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        OK + b"no colon\r\n\r\n",
        OK + b"Space : before\r\n\r\n",
        OK + b"Lone: line\nfeed: x\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: 1e3\r\n\r\n",
        OK + b"Content-Length: 9999999999999999999\r\n\r\n",
        OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nbad trailer\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 5000 + b"\r\n",
        OK + b"A: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n",
        OK + b"A: " + b"x" * MAX_HEAD_BYTES,
    ],
)
def test_malformed_is_a_protocol_error_in_one_piece_and_in_many(data: bytes):
    assert parse([data]) == ("protocol",)
    assert parse(cut(data, list(range(0, len(data), 7)))) == ("protocol",)


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        (b"", ("closed",)),
        (b"HTTP/1.1 200 OK\r\nContent-Le", ("closed",)),
        (OK + b"Content-Length: 5\r\n\r\nhell", ("closed",)),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", ("closed",)),
        (OK + b"\r\nto the end", ("at the end", 200, 10, False)),
        (OK + b"Transfer-Encoding: gzip\r\n\r\nabc", ("at the end", 200, 3, False)),
        # The same length twice is one length; a length beside chunks is ignored and distrusted.
        (
            OK + b"Content-Length: 2, 2\r\ncontent-length: 2\r\n\r\nok",
            ("complete", 200, 2, True, b""),
        ),
        (
            OK + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
            ("complete", 200, 1, False, b""),
        ),
        (
            b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n",
            ("complete", 200, 0, True, b""),
        ),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", ("complete", 200, 0, False, b"")),
        (OK + b"Folded: a\r\n  b\r\nContent-Length: 0\r\n\r\n", ("complete", 200, 0, True, b"")),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\nX", ("complete", 200, 0, True, b"X")),
        (b"HTTP/1.1 304 Same\r\nContent-Length: 7\r\n\r\n", ("complete", 304, 0, True, b"")),
    ],
)
def test_where_a_response_ends(data: bytes, outcome: Outcome):
    assert parse([data]) == outcome


def test_only_a_head_that_says_everything_is_offered_for_remembering():
    def head(data: bytes) -> bytes:
        response = ResponseParser().feed(data)
        assert isinstance(response, Response)
        return response.head

    assert head(OK + b"Content-Length: 0\r\n\r\n") == OK + b"Content-Length: 0"
    assert head(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == b""
    assert head(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n") == b""
