"""Which response heads the HTTP/1.1 client accepts, byte by byte."""

from __future__ import annotations

import pytest

from headrace.net.http1.response_head import HeadParser

PLAIN = b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "x"\r\nServer:s\r\n\r\n'


def test_a_plain_head() -> None:
    head = HeadParser().parse(PLAIN)
    assert head is not None
    assert (head.status, head.length, head.keep_alive) == (200, 5, True)
    assert (head.headers.get("etag"), head.headers.get("Server")) == ('"x"', "s")


@pytest.mark.parametrize(
    ("line", "lasting"),
    [
        (b"Connection: close", False),
        (b"Connection: Keep-Alive", True),
        (b"connection: keep-alive, x", False),
    ],
)
def test_whether_the_connection_lasts(line: bytes, lasting: bool) -> None:
    head = HeadParser().parse(PLAIN.replace(b"Server:s", line))
    assert head is not None
    assert head.keep_alive is lasting


@pytest.mark.parametrize(
    "raw",
    [
        PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"),
        PLAIN.replace(b"HTTP/1.1", b"HTTP/2"),
        PLAIN.replace(b"HTTP/1.1", b"http/1.1"),
        PLAIN.replace(b"200 OK", b"200"),
        PLAIN.replace(b"200", b"0200"),
        PLAIN.replace(b"200", b"100"),
        PLAIN.replace(b"200", b"101"),
        PLAIN.replace(b"200", b"204"),
        PLAIN.replace(b"200", b"304"),
        PLAIN.replace(b"200", b"\xb2\xb0\xb0"),
        PLAIN.replace(b"200", b"+20"),
        PLAIN.replace(b"Content-Length: 5\r\n", b""),
        PLAIN.replace(b": 5", b": 5\r\nContent-Length: 5"),
        PLAIN.replace(b": 5", b": 5\r\ncontent-length: 6"),
        PLAIN.replace(b": 5", b": 5, 5"),
        PLAIN.replace(b": 5", b": +5"),
        PLAIN.replace(b": 5", b": -5"),
        PLAIN.replace(b": 5", b": 0x5"),
        PLAIN.replace(b": 5", b": 5_0"),
        PLAIN.replace(b": 5", b": "),
        PLAIN.replace(b": 5", b": 1" + b"0" * 18),
        PLAIN.replace(b": 5", b": \xb2"),
        PLAIN.replace(b"Content-Length:", b"Content-Length :"),
        PLAIN.replace(b"Server:s", b"Transfer-Encoding: chunked"),
        PLAIN.replace(b"Server:s", b"transfer-encoding: identity"),
        PLAIN.replace(b"Server:s", b"Upgrade: h2c"),
        PLAIN.replace(b"Server:s", b'etag: "y"'),
        PLAIN.replace(b"Server:s", b"Location: a\r\nlocation: b"),
        PLAIN.replace(b"Server:s", b"Server: s\r\n folded"),
        PLAIN.replace(b"Server:s", b" folded: first"),
        PLAIN.replace(b"Server:s", b"Server: s\nX: y"),
        PLAIN.replace(b"Server:s", b"Server: s\rX: y"),
        PLAIN.replace(b"Server:s", b"Server: \0"),
        PLAIN.replace(b"Server:s", b"nameless"),
        PLAIN.replace(b"Server:s", b": nameless"),
        PLAIN.replace(b"Server:s", b"S\xe9rver: s"),
        PLAIN.replace(b"\r\n", b"\n"),
        PLAIN[:-2],
        PLAIN + b"\r\n",
        b"\r\n" + PLAIN,
        b"",
        b"\r\n\r\n",
    ],
)
def test_heads_that_are_not_plain(raw: bytes) -> None:
    assert HeadParser().parse(raw) is None


def test_what_was_read_before_changes_nothing() -> None:
    """Lines are remembered, refusals are not, and there is an end to it."""
    reader = HeadParser()
    for number in range(2_000):
        head = reader.parse(PLAIN.replace(b'"x"', b'"%d"' % number))
        assert head is not None
        assert head.headers["ETag"] == f'"{number}"'
        assert reader.parse(PLAIN.replace(b"Server:s", b"Server :s")) is None
        assert reader.parse(PLAIN.replace(b": 5", b": 5\r\nContent-Length: 5")) is None
