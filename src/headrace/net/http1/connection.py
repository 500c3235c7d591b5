"""Connections of the HTTP/1.1 client: a non-blocking socket and the memory that responses are received into."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import Any

from headrace.net.http1.origins import Origin

HEAD_BYTES = 64 * 1024
"""Bytes received before it is known what follows. A response head must fit into them."""


class Connection:
    """A connected socket, used by one exchange at a time.

    ``answered`` counts its responses. Between the head and the end of a large body, ``prefix`` holds the body bytes that
    came with the head and ``left`` the number of bytes still to be received.
    """

    __slots__ = (
        "answered", "buffer", "closed", "is_handshaken", "left", "origin", "prefix", "rested_at", "socket",
    )  # fmt: skip

    def __init__(self, sock: socket.socket, origin: Origin) -> None:
        self.socket = sock
        self.origin = origin
        self.answered = 0
        self.buffer = bytearray(HEAD_BYTES)
        self.prefix = memoryview(b"")
        self.left = 0
        self.rested_at = 0.0
        self.closed = False
        self.is_handshaken = not isinstance(sock, ssl.SSLSocket)

    @property
    def decrypted(self) -> int:
        """Bytes that TLS has decrypted already: no poll reports them."""
        return self.socket.pending() if isinstance(self.socket, ssl.SSLSocket) else 0

    @property
    def is_quiet(self) -> bool:
        """Whether the connection is open and has no unread bytes."""
        if self.decrypted:
            return False
        try:
            return not socket.socket.recv(self.socket, 1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False

    def handshake(self) -> bool:
        """Go on with the TLS handshake; True once it is complete. Raises OSError."""
        if isinstance(self.socket, ssl.SSLSocket):
            try:
                self.socket.do_handshake()
            except ssl.SSLWantReadError:
                return False
        self.is_handshaken = True
        return True

    def send(self, request: bytes) -> None:
        """Send a request. A connection that does not take all of it is shut down, which the next read reports."""
        try:
            sent = self.socket.send(request)
        except OSError:
            sent = 0
        if sent < len(request):
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket."""
        self.closed = True
        self.socket.close()


async def connect(origin: Origin, tls: ssl.SSLContext | None) -> Connection:
    """Connect to the first address of the host that accepts; the TLS handshake is left to the first exchange.

    Raises OSError, or ValueError where the host is no valid name.
    """
    sock = await _connected(asyncio.get_running_loop(), origin)
    if tls is None:
        return Connection(sock, origin)
    try:
        sock = tls.wrap_socket(sock, server_hostname=origin.host, do_handshake_on_connect=False)
    except BaseException:
        sock.close()
        raise
    return Connection(sock, origin)


async def _connected(loop: asyncio.AbstractEventLoop, origin: Origin) -> socket.socket:
    failure: OSError | None = None
    for family, kind, protocol, _, address in await _addresses(loop, origin):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure or OSError("no address")


async def _addresses(loop: asyncio.AbstractEventLoop, origin: Origin) -> list[Any]:
    try:
        # A numeric address needs no resolver, and no thread for it.
        host = origin.host.encode("ascii")
        flags = socket.AI_NUMERICHOST
        return socket.getaddrinfo(host, origin.port, type=socket.SOCK_STREAM, flags=flags)
    except OSError:
        return await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
