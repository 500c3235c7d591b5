"""The aiohttp client: its sessions and its streaming responses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

import aiohttp
import anyio
from aiohttp.abc import AbstractResolver

from headrace.net.errors import LostAnswerError, slow, translated
from headrace.net.response import StallPolicy, StreamingResponse

CONNECT_SECONDS = 30.0
_BUFFER = 256 * 1024


def client_session(
    headers: dict[str, str],
    *,
    connections: int,
    silence: float,
    auto_decompress: bool,
    resolver: AbstractResolver | None = None,
) -> aiohttp.ClientSession:
    """Create an aiohttp session without cookies.

    Args:
        headers: Sent with each request.
        connections: Most connections at a time.
        silence: Read timeout in seconds.
        auto_decompress: Whether bodies are decompressed.
        resolver: Looks up host names. Default: the system.
    """
    return aiohttp.ClientSession(
        headers=headers,
        connector=aiohttp.TCPConnector(limit=connections, resolver=resolver),
        cookie_jar=aiohttp.DummyCookieJar(),
        read_bufsize=_BUFFER,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silence),
        auto_decompress=auto_decompress,
        # The signature of an upload covers its content type, or demands that there is none.
        skip_auto_headers=("Content-Type",),
        middlewares=(_send_once,),
    )


async def _send_once(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating a request: it does so immediately, uncounted, for errors of the two classes below."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise LostAnswerError from error


def discard_session(session: aiohttp.ClientSession) -> None:
    """Mark a session as closed whose event loop is closed, so that it ends in silence."""
    connector = session.connector
    session.detach()
    if connector is not None:
        # There is nothing to wait for on a closed loop: closing ends at the first step.
        with suppress(StopIteration):
            connector.close().__await__().send(None)


class AiohttpResponse(StreamingResponse):
    """A response received by aiohttp."""

    def __init__(self, response: aiohttp.ClientResponse, stall: StallPolicy, where: str) -> None:
        self.status = response.status
        self.headers = response.headers
        self._response = response
        self.where = where
        self._stall = stall

    async def chunks(self) -> AsyncIterator[bytes | memoryview]:
        """Yield the body as it is received."""
        stall, where = self._stall, self.where
        received, waited = 0, 0.0
        while True:
            began = anyio.current_time()
            with translated(where), anyio.fail_after(stall.silence):
                chunk = await self._response.content.readany()
            if not chunk:
                return
            received += len(chunk)
            waited += anyio.current_time() - began
            if waited >= stall.silence:
                if received < stall.speed * waited:
                    raise slow(where, received / waited)
                received, waited = 0, 0.0
            yield chunk

    def _release(self) -> None:
        self._response.release()
