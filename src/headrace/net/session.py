"""Two kinds of HTTP session: one that carries the token to one origin, one that carries none anywhere."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from headrace.errors import ConfigurationError, TransferError
from headrace.net.failures import translated
from headrace.net.redact import origin

CONNECT_SECONDS = 30.0
ANSWER_SECONDS = 300.0
STORAGE_SILENCE_SECONDS = 60.0
MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Answer(NamedTuple):
    """An HTTP answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ApiSession:
    """Connections to one server; the token goes to its very origin and nowhere else.

    Redirects are not followed. ``address`` is the origin, and safe to show.
    """

    def __init__(self, address: str, token: str, *, user_agent: str, connections: int = 32) -> None:
        self.address = origin(address)
        self._base = URL(self.address)
        headers = {
            "Authorization": f"Bearer {token}",
            "User-Agent": user_agent,
            "Content-Type": "application/json",
            # Packing costs more than a loopback saves.
            "Accept-Encoding": "identity" if self._base.host in _LOOPBACK else "gzip",
        }
        self._session = _session(
            headers, connections=connections, silence=ANSWER_SECONDS, auto_decompress=True
        )

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: list[tuple[str, str]],
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> Answer:
        """Send one request (``path`` percent-encoded, from the root); raises :class:`TransferError`."""
        url = self._base.join(URL(path, encoded=True)).with_query(query)
        with translated(self.address):
            async with self._session.request(
                method,
                url,
                data=None if body is None else io.BytesIO(body),
                headers=headers,
                allow_redirects=False,
            ) as response:
                if response.status in _REDIRECTS:
                    raise _moved(self.address, response.headers)
                return Answer(response.status, response.headers, await response.read())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._session.close()


class StorageSession:
    """Connections to wherever signed URLs point. The URL is the whole authority: no token, no cookie."""

    def __init__(self, *, user_agent: str, connections: int = 64) -> None:
        self._session = _session(
            {"User-Agent": user_agent, "Accept-Encoding": "identity"},
            connections=connections,
            silence=STORAGE_SILENCE_SECONDS,
            auto_decompress=False,
        )

    @asynccontextmanager
    async def get(
        self, url: str, *, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open a signed URL, through at most five redirects and never from https to http."""
        at = URL(url, encoded=True)
        for _ in range(MAX_REDIRECTS + 1):
            with translated(origin(at)):
                response = await self._session.get(at, headers=headers, allow_redirects=False)
            async with response:
                if response.status not in _REDIRECTS:
                    yield response
                    return
                at = _next(at, response.headers)
        raise TransferError(f"{origin(at)} redirects in circles")

    async def send(
        self, method: str, url: str, *, data: Any, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send bytes or a form to a signed URL, without following redirects."""
        at = URL(url, encoded=True)
        with translated(origin(at)):
            async with self._session.request(
                method, at, data=data, headers=headers, allow_redirects=False
            ) as response:
                return Answer(response.status, response.headers, await response.read())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._session.close()


def _session(
    headers: dict[str, str], *, connections: int, silence: float, auto_decompress: bool
) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        headers=headers,
        connector=aiohttp.TCPConnector(limit=connections),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silence),
        auto_decompress=auto_decompress,
        # Signed uploads name their content type, or must have none.
        skip_auto_headers=("Content-Type",),
    )


def _moved(address: str, headers: CIMultiDictProxy[str]) -> ConfigurationError:
    try:
        target = origin(URL(address).join(URL(headers.get("Location", ""))))
    except ValueError:
        target = "another address"
    return ConfigurationError(
        f"{address} redirects to {target}",
        hint=f"connect to {target}; the token is sent nowhere else",
    )


def _next(at: URL, headers: CIMultiDictProxy[str]) -> URL:
    try:
        target = at.join(URL(headers["Location"], encoded=True))
        where = origin(target)
    except (KeyError, ValueError):
        raise TransferError(f"{origin(at)} redirects to nowhere") from None
    if at.scheme == "https" and target.scheme != "https":
        raise TransferError(f"{origin(at)} redirects to {where}, which is not encrypted")
    if target.scheme not in ("http", "https"):
        raise TransferError(f"{origin(at)} redirects to something that is not HTTP")
    return target
