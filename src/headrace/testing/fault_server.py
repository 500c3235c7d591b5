"""An HTTP server that misbehaves on request, byte by byte, for tests of downloads.

    async with fault_server({"a.bin": content}) as server:
        server.script("a.bin", cut(1_000), refuse(503, retry_after="2"))
        ...  # the first request is cut, the second refused, all further ones are answered correctly
        assert [seen.range for seen in server.seen("a.bin")] == [None, "bytes=1000-", "bytes=1000-"]

A correct answer honours ``Range`` and ``If-Range`` and has the MD5 of the content as ``ETag``. A silent connection
stays silent until the client gives up or the server is stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import re
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus

from msgspec import Struct
from msgspec.structs import replace

__all__ = [
    "FaultServer",
    "Reply",
    "Seen",
    "changed",
    "cut",
    "dropped",
    "expired",
    "fault_server",
    "packed",
    "redirect",
    "refuse",
    "spoiled",
]

_RANGE = re.compile(r"^bytes=(\d+)-(\d*)$")
_PIECE = 64 * 1024
_NO_BODY = frozenset({204, 304})


class Reply(Struct, frozen=True, kw_only=True):
    """How one request is answered. The defaults answer it correctly.

    Attributes:
        status: The status. Default: the correct one.
        headers: Headers that replace the correct ones; None removes a header.
        content: Bytes that replace the file; status, headers and body follow from them.
        body: Bytes that replace the body only.
        honest_ranges: False ignores the ``Range`` header.
        length: The ``Content-Length``: a number, None for the correct one, ``"none"`` for no header (the end of the
            connection ends the body), or ``"chunked"`` for a chunked body.
        cut: End the connection after this number of bytes of the body.
        by: How the connection ends: ``"close"``, ``"reset"`` or ``"silent"`` (it stays open and nothing is sent).
        before: End the connection before the first byte of the answer.
        trickle: Send this number of bytes at a time.
        pause: Seconds between two of them.
    """

    status: int | None = None
    headers: Mapping[str, str | None] = {}
    content: bytes | None = None
    body: bytes | None = None
    honest_ranges: bool = True
    length: int | str | None = None
    cut: int | None = None
    by: str = "close"
    before: bool = False
    trickle: int | None = None
    pause: float = 0.0


class Seen(Struct, frozen=True, kw_only=True):
    """A request that was received.

    Attributes:
        method: The method.
        target: The path with its query.
        headers: The headers, with names in lower case.
    """

    method: str
    target: str
    headers: dict[str, str]

    @property
    def range(self) -> str | None:
        """The ``Range`` header; None if the request has none."""
        return self.headers.get("range")


def cut(at: int, by: str = "close") -> Reply:
    """End the connection within the body.

    Args:
        at: Number of bytes of the body that are sent.
        by: How it ends: ``"close"``, ``"reset"`` or ``"silent"``.
    """
    return Reply(cut=at, by=by)


def dropped(by: str = "close") -> Reply:
    """Read the request and answer nothing.

    Args:
        by: How the connection ends: ``"close"``, ``"reset"`` or ``"silent"``.
    """
    return Reply(before=True, by=by)


def refuse(status: int, *, retry_after: str | None = None, body: bytes = b"") -> Reply:
    """Answer with a status instead of the file.

    Args:
        status: The status.
        retry_after: The text of a ``Retry-After`` header.
        body: The body.
    """
    return Reply(status=status, body=body, headers={"Retry-After": retry_after, "ETag": None})


def expired() -> Reply:
    """Answer as S3 does for an expired signed URL."""
    body = b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
    return refuse(403, body=body)


def redirect(location: str, status: int = 302) -> Reply:
    """Redirect the client.

    Args:
        location: The target.
        status: The status.
    """
    return Reply(status=status, body=b"", headers={"Location": location, "ETag": None})


def changed(content: bytes) -> Reply:
    """Answer as if the file had been replaced by ``content``: other bytes, another ``ETag``."""
    return Reply(content=content)


def spoiled(content: bytes) -> Reply:
    """Send other bytes under the ``ETag`` of the file, as a broken disk or proxy does."""
    return Reply(body=content, honest_ranges=False)


def packed(content: bytes) -> Reply:
    """Send ``content`` compressed with gzip although the client does not accept it."""
    return Reply(
        body=gzip.compress(content), honest_ranges=False, headers={"Content-Encoding": "gzip"}
    )


class FaultServer:
    """The server: files by name, and scripts for the next requests of each file.

    ``fault_server`` starts one.

    Args:
        files: The contents, by name.

    Attributes:
        files: The contents, by name; may be changed at any time.
        requests: All requests, in order.
        every: A pair ``(n, reply)``: every n-th request, for any file, gets this reply.
        nth: A pair ``(n, reply)``: the n-th request, for any file, gets this reply.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self.requests: list[Seen] = []
        self.port = 0
        self.every: tuple[int, Reply] | None = None
        self.nth: tuple[int, Reply] | None = None
        self._scripts: dict[str, list[Reply]] = {}
        self._always: dict[str, Reply] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """The address, ``http://127.0.0.1:<port>``."""
        return f"http://127.0.0.1:{self.port}"

    def url(self, name: str) -> str:
        """Return the URL of a file."""
        return f"{self.address}/{name}"

    def script(self, name: str, *replies: Reply) -> None:
        """Append replies for the next requests of a file."""
        self._scripts.setdefault(name, []).extend(replies)

    def always(self, name: str, reply: Reply) -> None:
        """Set the reply for all requests of a file that have no scripted reply."""
        self._always[name] = reply

    def seen(self, name: str) -> list[Seen]:
        """Return the requests for a file, in order."""
        return [each for each in self.requests if _name(each.target) == name]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until a reply ends it."""
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            with contextlib.suppress(
                ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError
            ):
                while await self._answer(await _request(reader), writer):
                    await writer.drain()
                writer.close()
                await writer.wait_closed()
        finally:
            writer.transport.abort()

    async def start(self, port: int = 0) -> None:
        """Start listening on a port; 0 is a free one."""
        self._listening = await asyncio.start_server(self.serve, "127.0.0.1", port)
        self.port = self._listening.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and end all connections. ``start`` starts it again."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.close()
        await self.hang_up()
        if listening is not None:
            await listening.wait_closed()

    async def hang_up(self) -> None:
        """End all connections, but keep listening."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, seen: Seen, writer: asyncio.StreamWriter) -> bool:
        self.requests.append(seen)
        name = _name(seen.target)
        reply = self._next(name)
        if reply.before:
            return await _end(writer, reply.by)
        if reply.status is None and name not in self.files and reply.body is None:
            reply = replace(reply, status=404, body=b"")
        content = self.files.get(name, b"") if reply.content is None else reply.content
        status, headers, body = _compose(seen, reply, content)
        writer.write(_head(status, headers))
        ends = reply.length == "none"
        if seen.method == "HEAD" or status in _NO_BODY:
            return True
        if reply.length == "chunked":
            body = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in _pieces(body)) + b"0\r\n\r\n"
        await _send(writer, body if reply.cut is None else body[: reply.cut], reply)
        if reply.cut is not None:
            await writer.drain()
            return await _end(writer, reply.by)
        return not ends

    def _next(self, name: str) -> Reply:
        if self.every is not None and len(self.requests) % self.every[0] == 0:
            return self.every[1]
        if self.nth is not None and len(self.requests) == self.nth[0]:
            return self.nth[1]
        waiting = self._scripts.get(name)
        return waiting.pop(0) if waiting else self._always.get(name, Reply())


@asynccontextmanager
async def fault_server(files: Mapping[str, bytes]) -> AsyncIterator[FaultServer]:
    """Serve files on a free port of 127.0.0.1 until the context ends.

    Args:
        files: The contents, by name.

    Yields:
        The running server.
    """
    server = FaultServer(files)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def _compose(seen: Seen, reply: Reply, content: bytes) -> tuple[int, dict[str, str], bytes]:
    etag = f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
    status, body = 200, content
    span = _RANGE.match(seen.range or "")
    if span and reply.honest_ranges and seen.headers.get("if-range", etag) == etag:
        start = int(span[1])
        last = min(int(span[2]) if span[2] else len(content) - 1, len(content) - 1)
        if start >= len(content):
            status, body = 416, b""
            headers["Content-Range"] = f"bytes */{len(content)}"
        else:
            status, body = 206, content[start : last + 1]
            headers["Content-Range"] = f"bytes {start}-{last}/{len(content)}"
    if reply.body is not None:
        body = reply.body
    if reply.length in (None, "none", "chunked"):
        headers["Content-Length"] = str(len(body))
    else:
        headers["Content-Length"] = str(reply.length)
    if reply.length == "chunked":
        del headers["Content-Length"]
        headers["Transfer-Encoding"] = "chunked"
    elif reply.length == "none":
        del headers["Content-Length"]
        headers["Connection"] = "close"
    for key, value in reply.headers.items():
        headers.pop(key, None)
        if value is not None:
            headers[key] = value
    return reply.status or status, headers, body


async def _request(reader: asyncio.StreamReader) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {key.lower(): value.strip() for key, _, value in (x.partition(":") for x in lines)}
    await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(method=method, target=target, headers=headers)


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{key}: {value}" for key, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _send(writer: asyncio.StreamWriter, body: bytes, reply: Reply) -> None:
    if reply.trickle is None:
        for piece in _pieces(body):
            writer.write(piece)
            await writer.drain()
        return
    for start in range(0, len(body), reply.trickle):
        writer.write(body[start : start + reply.trickle])
        await writer.drain()
        await asyncio.sleep(reply.pause)


async def _end(writer: asyncio.StreamWriter, how: str) -> bool:
    if how == "silent":
        await asyncio.Event().wait()
    if how == "reset":
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    return False


def _pieces(body: bytes) -> list[bytes]:
    return [body[start : start + _PIECE] for start in range(0, len(body), _PIECE)]


def _name(target: str) -> str:
    return target.partition("?")[0].lstrip("/")
