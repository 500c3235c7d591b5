"""A file behind a signed URL: opened at any byte, its URL renewed before it ends and when it has ended."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp

from headrace.errors import HeadraceError, TransferError, error_for_status
from headrace.net.ranges import Body, asked_for, described
from headrace.net.redact import origin, redact
from headrace.net.retry import retry_after
from headrace.net.session import Patience, StorageSession, body_of
from headrace.net.signed import expires_at

EXPIRED = frozenset({400, 401, 403, 410})
"""How storages say that a URL's time is over: worth one fresh URL."""

MARGIN_SECONDS = 30.0
"""A URL that ends sooner than this is renewed before it is used."""


class RemoteFile:
    """``url`` may be missing; ``renew`` gives a fresh one; ``what`` is how errors call the file."""

    def __init__(
        self,
        storage: StorageSession,
        url: str | None,
        *,
        renew: Callable[[], Awaitable[str]],
        what: str,
    ) -> None:
        self._storage = storage
        self._url = url
        self._fresh = False
        self._renew = renew
        self._what = what

    def __repr__(self) -> str:
        return f"RemoteFile({self._what})"

    @asynccontextmanager
    async def open(
        self, offset: int = 0, validator: str | None = None
    ) -> AsyncIterator[RemoteDownload]:
        """Open it once, from ``offset`` on where the storage plays along, else from the first byte.

        Raises the API's errors and those of the storage, :class:`TransferError` and :class:`ChecksumError`.
        """
        url = await self._current()
        for headers in ([asked_for(offset, validator)] if offset else []) + [{}]:
            async with AsyncExitStack() as stack:
                response = await self._response(stack, url, headers)
                if response.status in EXPIRED and not self._fresh:
                    await stack.aclose()
                    url = await self._renewed()
                    response = await self._response(stack, url, headers)
                at = offset if headers else 0
                if response.status != 200 and not (headers and response.status in (206, 416)):
                    raise self._refusal(response, url)
                self._fresh = False
                body = described(response.status, response.headers, at, origin(url))
                if body is not None:
                    yield RemoteDownload(response, body, self._storage.patience, origin(url))
                    return
        raise TransferError(f"{redact(url)} answers in a way that no file can be read from")

    async def again(self) -> None:
        """Wait until the host's second tries allow one more."""
        if self._url is not None:
            await self._storage.host(self._url).retry_token()

    async def _current(self) -> str:
        if self._url is None:
            return await self._renewed()
        ends = None if self._fresh else expires_at(self._url)
        # A URL that was just made and seems to have ended already says that this machine's clock is wrong.
        if ends is not None and ends - time.time() < MARGIN_SECONDS:
            return await self._renewed()
        return self._url

    async def _renewed(self) -> str:
        self._url = await self._renew()
        self._fresh = True
        return self._url

    async def _response(
        self, stack: AsyncExitStack, url: str, headers: Mapping[str, str]
    ) -> aiohttp.ClientResponse:
        return await stack.enter_async_context(self._storage.get(url, headers=headers))

    def _refusal(self, response: aiohttp.ClientResponse, url: str) -> HeadraceError:
        said = f"{self._what} cannot be read from {redact(url)} (status {response.status})"
        # A storage knows nothing of tokens: its 401 is not the platform's.
        if response.status == 401 or response.status < 400:
            return TransferError(said)
        return error_for_status(response.status, said, retry_after=retry_after(response.headers))


class RemoteDownload:
    """An answer whose body is still to come."""

    local_path: Path | None = None

    def __init__(
        self, response: aiohttp.ClientResponse, body: Body, patience: Patience, where: str
    ) -> None:
        self.start = body.start
        self.length = body.length
        self.total = body.total
        self.validator = body.validator
        self.digests = body.digests
        self._response = response
        self._patience = patience
        self._where = where

    def chunks(self) -> AsyncIterator[bytes]:
        """The bytes, in order; :class:`ConnectError` where they end too early."""
        return body_of(self._response, self._patience, self._where)
