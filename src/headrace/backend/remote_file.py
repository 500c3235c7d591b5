"""Files behind signed URLs, which are renewed before they expire and when they have expired."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import takewhile
from pathlib import Path
from typing import Self

from headrace.errors import HeadraceError, TransferError, error_for_status
from headrace.net.content_range import BodyRange, parse_body_range, range_headers
from headrace.net.response import StreamingResponse
from headrace.net.retry import retry_after
from headrace.net.storage_session import StorageSession
from headrace.net.urls import expires_at, redact
from headrace.transfer.source import BatchSource, OnFile

EXPIRED = frozenset({400, 401, 403, 410})
"""Statuses that an expired URL may get; the URL is renewed once."""

MARGIN_SECONDS = 30.0
"""A URL that expires sooner than this is renewed before it is used."""


class RemoteFile(BatchSource):
    """A file in a storage.

    Args:
        storage: The session that downloads it.
        url: The signed URL; None if it is to be requested first.
        renew: Requests a new URL.
        what: Names the file in errors.
        fresh: The URL has just been received, so that it is used even if it seems to expire soon.
    """

    __slots__ = (
        "_fresh",
        "_just_renewed",
        "_renew",
        "_storage",
        "_url",
        "_what",
        "batch_key",
        "prefetched",
    )

    def __init__(
        self,
        storage: StorageSession,
        url: str | None,
        *,
        renew: Callable[[], Awaitable[str]],
        what: str,
        fresh: bool = False,
    ) -> None:
        self.batch_key = self._storage = storage
        self.prefetched: StreamingResponse | HeadraceError | None = None
        """The response that a batch received for this file, or its error."""
        self._url = url
        self._fresh = fresh
        self._just_renewed = False
        self._renew = renew
        self._what = what

    def __repr__(self) -> str:
        return f"RemoteFile({self._what})"

    @asynccontextmanager
    async def open(
        self, offset: int = 0, validator: str | None = None
    ) -> AsyncIterator[RemoteStream]:
        """Open the file once, from ``offset`` on if the storage supports that, else from the first byte.

        Raises:
            APIError: The URL cannot be renewed, or the storage rejects the request.
            TransferError: The storage cannot be reached, or its response is invalid.
            ChecksumError: The response is compressed.
        """
        if offset:
            self.discard()
        prefetched, self.prefetched = self.prefetched, None
        if isinstance(prefetched, HeadraceError):
            raise prefetched
        url = (
            self._url
            if prefetched is not None and self._url is not None
            else await self._valid_url()
        )
        for headers in ([range_headers(offset, validator)] if offset else []) + [{}]:
            response, prefetched = prefetched or await self._storage.get(url, headers=headers), None
            try:
                if response.status in EXPIRED and not self._just_renewed:
                    response.close()
                    url = await self._renew_url()
                    response = await self._storage.get(url, headers=headers)
                at = offset if headers else 0
                if response.status != 200 and not (headers and response.status in (206, 416)):
                    raise self._status_error(response, url)
                body = parse_body_range(response.status, response.headers, at, response.where)
                if body is not None:
                    yield RemoteStream(response, body)
                    return
            except BaseException as error:
                response.close(error)
                raise
            finally:
                self._fresh = self._just_renewed = False
                response.close()
        raise TransferError(f"the responses of {redact(url)} do not fit the requests")

    async def fetch_batch(self, others: Sequence[Self], on_file: OnFile) -> None:
        """Fetch files one after another, up to the first whose URL expires soon."""
        files: list[Self] = [self, *others]
        urls = takewhile(bool, (file.unexpired_url() for file in files))
        delivered, following = await self._storage.get_batch(urls, on_file)
        if following is not None:
            files[delivered].prefetched = following

    def discard(self) -> None:
        """Close the response that a batch received for this file."""
        prefetched, self.prefetched = self.prefetched, None
        if isinstance(prefetched, StreamingResponse):
            prefetched.close()

    async def wait_for_retry(self) -> None:
        """Wait until the limiter of the host allows a retry."""
        if self._url is not None:
            await self._storage.host(self._url).wait_for_retry()

    async def _valid_url(self) -> str:
        if self._url is None:
            return await self._renew_url()
        return await self._renew_url() if self._expires_soon(self._url) else self._url

    def unexpired_url(self) -> str:
        """Return the URL; an empty string if it is missing or expires soon."""
        url = self._url
        return "" if url is None or self._expires_soon(url) else url

    def _expires_soon(self, url: str) -> bool:
        if "?" not in url:
            return False
        # If a new URL seems to have expired, the clock of this machine is wrong.
        expires = None if self._fresh or self._just_renewed else expires_at(url)
        return expires is not None and expires - time.time() < MARGIN_SECONDS

    async def _renew_url(self) -> str:
        self._url = await self._renew()
        self._just_renewed = True
        return self._url

    def _status_error(self, response: StreamingResponse, url: str) -> HeadraceError:
        message = f"{self._what} cannot be read from {redact(url)} (status {response.status})"
        # A 401 of a storage concerns the URL, not the token of the platform.
        if response.status == 401 or response.status < 400:
            return TransferError(message)
        return error_for_status(response.status, message, retry_after=retry_after(response.headers))


class RemoteStream:
    """The content of a response."""

    local_path: Path | None = None

    def __init__(self, response: StreamingResponse, body: BodyRange) -> None:
        self.start = body.start
        self.length = body.length
        self.total = body.total
        self.validator = body.validator
        self.digests = body.digests
        self.whole = response.whole
        self.write_to = response.write_to
        self._response = response

    def chunks(self) -> AsyncIterator[bytes | memoryview]:
        """Yield the bytes in order. Raises :class:`ConnectError` if they end too early."""
        return self._response.chunks()
