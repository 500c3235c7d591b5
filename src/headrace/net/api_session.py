"""HTTP session of the API."""

from __future__ import annotations

import io
from collections.abc import Mapping

import aiohttp
import anyio
from multidict import CIMultiDictProxy
from yarl import URL

from headrace.errors import ConfigurationError
from headrace.net.aiohttp_client import CONNECT_SECONDS, client_session, discard_session
from headrace.net.errors import translated
from headrace.net.host_gate import THROTTLING, GatePolicy, HostGate
from headrace.net.response import REDIRECTS, HttpResponse
from headrace.net.retry import retry_after
from headrace.net.timeout import UNLIMITED, Timeout
from headrace.net.urls import Proxies, origin

RESPONSE_SECONDS = 300.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class ApiSession:
    """Connections to one server. The token is sent to its origin only, and redirects are not followed.

    ``address`` is the origin; it contains no secret. When the server asks one call to wait, all calls wait.
    """

    def __init__(self, address: str, token: str, *, user_agent: str, connections: int = 32) -> None:
        self.address = origin(address)
        self._base = URL(self.address)
        self._proxy = Proxies().for_origin(self.address)
        self._gate = HostGate(self.address, GatePolicy())
        headers = {
            "Authorization": f"Bearer {token}",
            "User-Agent": user_agent,
            "Content-Type": "application/json",
            # On a loopback connection compression costs more than it saves.
            "Accept-Encoding": "identity" if self._base.host in _LOOPBACK else "gzip",
        }
        self._session = client_session(
            headers, connections=connections, silence=RESPONSE_SECONDS, auto_decompress=True
        )

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: list[tuple[str, str]],
        body: bytes | None,
        headers: Mapping[str, str],
        limits: Timeout = UNLIMITED,
    ) -> HttpResponse:
        """Send one request, without retries.

        Args:
            method: The HTTP method.
            path: Percent-encoded, from the root.
            query: Names and values, not encoded.
            body: None for no body.
            headers: In addition to those of the session.
            limits: The limits of this request; ``total`` is the caller's.

        Raises:
            TransferError: The server cannot be reached, or the connection broke.
            ConfigurationError: The server redirects to another address.
        """
        if self._gate.pause_left() > 0:
            await self._gate.wait()
        url = self._base.join(URL(path, encoded=True)).with_query(query)
        with translated(self.address):
            async with self._session.request(
                method,
                url,
                data=None if body is None else io.BytesIO(body),
                headers=headers,
                allow_redirects=False,
                proxy=self._proxy,
                timeout=self._session.timeout if limits is UNLIMITED else _limits(limits),
            ) as response:
                if response.status in REDIRECTS:
                    raise _redirected(self.address, response.headers)
                answer = HttpResponse(response.status, response.headers, await response.read())
        throttled = answer.status in THROTTLING
        self._gate.record(answer.status, retry_after(answer.headers) if throttled else None)
        return answer

    async def wait_for_retry(self, seconds: float) -> None:
        """Wait so many seconds, and until the server's bucket holds a token for a retry."""
        await anyio.sleep(seconds)
        await self._gate.wait_for_retry()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._session.close()

    def discard(self) -> None:
        """Let go of the connections, whose event loop is closed."""
        discard_session(self._session)


def _limits(timeout: Timeout) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=None,
        sock_connect=timeout.connect or CONNECT_SECONDS,
        sock_read=timeout.read or RESPONSE_SECONDS,
    )


def _redirected(address: str, headers: CIMultiDictProxy[str]) -> ConfigurationError:
    try:
        target = origin(URL(address).join(URL(headers.get("Location", ""))))
    except ValueError:
        target = "another address"
    return ConfigurationError(
        f"{address} redirects to {target}",
        hint=f"connect to {target}; the token is not sent there",
    )
