"""A file behind a signed URL: opened at any byte, its URL renewed before it ends and when it has ended."""

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
"""How storages say that a URL's time is over: worth one fresh URL."""

MARGIN_SECONDS = 30.0
"""A URL that ends sooner than this is renewed before it is used."""


class RemoteFile(BatchSource):
    """``url`` may be missing; ``renew`` gives a fresh one; ``what`` is how errors call the file."""

    __slots__ = ("_fresh", "_renew", "_storage", "_url", "_what", "batch_key", "prefetched")

    def __init__(
        self,
        storage: StorageSession,
        url: str | None,
        *,
        renew: Callable[[], Awaitable[str]],
        what: str,
    ) -> None:
        self.batch_key = self._storage = storage
        self.prefetched: StreamingResponse | HeadraceError | None = None
        """What asking for the file has come to already."""
        self._url = url
        self._fresh = False
        self._renew = renew
        self._what = what

    def __repr__(self) -> str:
        return f"RemoteFile({self._what})"

    @asynccontextmanager
    async def open(
        self, offset: int = 0, validator: str | None = None
    ) -> AsyncIterator[RemoteStream]:
        """Open it once, from ``offset`` on where the storage plays along, else from the first byte.

        Raises the API's errors and those of the storage, :class:`TransferError` and :class:`ChecksumError`.
        """
        if offset:
            self.discard()
        prefetched, self.prefetched = self.prefetched, None
        if isinstance(prefetched, HeadraceError):
            raise prefetched
        url = (
            self._url if prefetched is not None and self._url is not None else await self._current()
        )
        for headers in ([range_headers(offset, validator)] if offset else []) + [{}]:
            opened, prefetched = prefetched or await self._storage.get(url, headers=headers), None
            try:
                if opened.status in EXPIRED and not self._fresh:
                    opened.close()
                    url = await self._renewed()
                    opened = await self._storage.get(url, headers=headers)
                at = offset if headers else 0
                if opened.status != 200 and not (headers and opened.status in (206, 416)):
                    raise self._refusal(opened, url)
                self._fresh = False
                body = parse_body_range(opened.status, opened.headers, at, opened.where)
                if body is not None:
                    yield RemoteStream(opened, body)
                    return
            except BaseException as error:
                opened.close(error)
                raise
            finally:
                opened.close()
        raise TransferError(f"{redact(url)} answers in a way that no file can be read from")

    async def fetch_batch(self, others: Sequence[Self], on_file: OnFile) -> None:
        """The files whose URLs are good for a while yet, one after another."""
        files: list[Self] = [self, *others]

        urls = takewhile(bool, (file.good_url() for file in files))
        taken, after = await self._storage.get_batch(urls, on_file)
        if after is not None:
            files[taken].prefetched = after

    def discard(self) -> None:
        """Close the answer that is here already."""
        prefetched, self.prefetched = self.prefetched, None
        if isinstance(prefetched, StreamingResponse):
            prefetched.close()

    async def wait_for_retry(self) -> None:
        """Wait until the host's second tries allow one more."""
        if self._url is not None:
            await self._storage.host(self._url).wait_for_retry()

    async def _current(self) -> str:
        if self._url is None:
            return await self._renewed()
        return await self._renewed() if self._ends_soon(self._url) else self._url

    def good_url(self) -> str:
        """The URL, where it is good for a while yet; else an empty one."""
        url = self._url
        return "" if url is None or self._ends_soon(url) else url

    def _ends_soon(self, url: str) -> bool:
        if "?" not in url:
            return False
        # A URL that was just made and seems to have ended already says that this machine's clock is wrong.
        ends = None if self._fresh else expires_at(url)
        return ends is not None and ends - time.time() < MARGIN_SECONDS

    async def _renewed(self) -> str:
        self._url = await self._renew()
        self._fresh = True
        return self._url

    def _refusal(self, opened: StreamingResponse, url: str) -> HeadraceError:
        said = f"{self._what} cannot be read from {redact(url)} (status {opened.status})"
        # A storage knows nothing of tokens: its 401 is not the platform's.
        if opened.status == 401 or opened.status < 400:
            return TransferError(said)
        return error_for_status(opened.status, said, retry_after=retry_after(opened.headers))


class RemoteStream:
    """An answer whose body is still to come; ``whole`` where all of it is here already."""

    local_path: Path | None = None

    def __init__(self, opened: StreamingResponse, body: BodyRange) -> None:
        self.start = body.start
        self.length = body.length
        self.total = body.total
        self.validator = body.validator
        self.digests = body.digests
        self.whole = opened.whole
        self.write_to = opened.write_to
        self._opened = opened

    def chunks(self) -> AsyncIterator[bytes | memoryview]:
        """The bytes, in order; :class:`ConnectError` where they end too early."""
        return self._opened.chunks()
