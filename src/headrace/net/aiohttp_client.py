"""The aiohttp client: how sessions are made, and its responses as streams."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import anyio

from headrace.net.errors import slow, translated
from headrace.net.response import StallPolicy, StreamingResponse

CONNECT_SECONDS = 30.0
_BUFFER = 256 * 1024


def client_session(
    headers: dict[str, str], *, connections: int, silence: float, auto_decompress: bool
) -> aiohttp.ClientSession:
    """An aiohttp session without cookies; ``silence`` is its read timeout in seconds."""
    return aiohttp.ClientSession(
        headers=headers,
        connector=aiohttp.TCPConnector(limit=connections),
        cookie_jar=aiohttp.DummyCookieJar(),
        read_bufsize=_BUFFER,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silence),
        auto_decompress=auto_decompress,
        # Signed uploads name their content type, or must have none.
        skip_auto_headers=("Content-Type",),
    )


class AiohttpResponse(StreamingResponse):
    """An answer that came through aiohttp."""

    def __init__(self, response: aiohttp.ClientResponse, stall: StallPolicy, where: str) -> None:
        self.status = response.status
        self.headers = response.headers
        self._response = response
        self.where = where
        self._stall = stall

    async def chunks(self) -> AsyncIterator[bytes | memoryview]:
        """The body as it comes."""
        stall, where = self._stall, self.where
        came, waited = 0, 0.0
        while True:
            began = anyio.current_time()
            with translated(where), anyio.fail_after(stall.silence):
                chunk = await self._response.content.readany()
            if not chunk:
                return
            came += len(chunk)
            waited += anyio.current_time() - began
            if waited >= stall.silence:
                if came < stall.speed * waited:
                    raise slow(where, came / waited)
                came, waited = 0, 0.0
            yield chunk

    def _release(self) -> None:
        self._response.release()
