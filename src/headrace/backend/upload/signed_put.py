"""Upload one range of a file to a signed URL: retry, renew the URL when it expires, compare checksums."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import aiohttp
import anyio
from msgspec import Struct

from headrace.backend.remote_file import EXPIRED, MARGIN_SECONDS
from headrace.backend.upload.file_body import FileBody, Snapshot
from headrace.errors import ChecksumError, TransferError, error_for_status
from headrace.net.checksums import header_digests
from headrace.net.response import HttpResponse
from headrace.net.retry import STORAGE_TRANSIENT, RetryPolicy, send_with_retries
from headrace.net.storage_session import StorageSession
from headrace.net.urls import expires_at, redact

STORAGE_ALGORITHMS = ("sha256", "md5")
"""The digests that storages report which are no headrace servers: the ETag of an object that S3 has is its MD5."""

MAX_CHECKSUM_FAILURES = 2
"""Checksum failures after which an upload fails."""


class UploadTarget(Struct, frozen=True, kw_only=True):
    """Where to send a range of a file. Never show ``url``; its signature is a secret.

    Attributes:
        method: The HTTP method.
        url: The signed URL.
        headers: Headers that the signature demands.
        head: Body before the range, as in a form.
        tail: Body after the range.
        algorithms: The digests to compute, where the storage reports others than the uploader's.
    """

    method: str
    url: str
    headers: Mapping[str, str] = {}
    head: bytes = b""
    tail: bytes = b""
    algorithms: Sequence[str] = ()

    def __repr__(self) -> str:
        return f"UploadTarget({self.method} {redact(self.url)})"


class FileRange(Struct, frozen=True):
    """``length`` bytes of a file from ``start``."""

    file: Snapshot
    start: int
    length: int


class UploadedRange(Struct, frozen=True):
    """The response of the storage, and the digests of the bytes that were sent, in hexadecimal by algorithm."""

    response: HttpResponse
    digests: dict[str, str]


class SignedUploader:
    """Uploads ranges of files. ``algorithms`` are the digests that are computed on the way."""

    def __init__(
        self,
        storage: StorageSession,
        *,
        policy: RetryPolicy | None = None,
        algorithms: Sequence[str] = ("sha256", "md5"),
    ) -> None:
        self.algorithms = algorithms
        self._storage = storage
        self._policy = policy

    async def upload(
        self,
        part: FileRange,
        ask: Callable[[], Awaitable[UploadTarget]],
        *,
        final: frozenset[int] = frozenset(),
    ) -> UploadedRange:
        """Upload a range.

        Args:
            part: The range.
            ask: Returns the target; called again when its URL expires.
            final: Statuses that are returned even though they are errors.

        Raises:
            ChecksumError: The storage reports another checksum repeatedly.
            APIError: The storage rejects the upload.
            TransferError: The storage cannot be reached, or the file changes during the upload.
            OSError: The file cannot be read.
        """
        for _ in range(MAX_CHECKSUM_FAILURES):
            sent_range = await self._until_accepted(part, _TargetSource(ask), final)
            response = sent_range.response
            if response.status >= 400 or not _differs(sent_range):
                return sent_range
        raise ChecksumError(f"the storage has other bytes of {part.file.path} than were sent")

    async def ask(self, target: UploadTarget) -> HttpResponse:
        """Send a request without a body."""

        async def send() -> HttpResponse:
            headers = {**target.headers, "Content-Length": "0"}
            return await self._storage.send(target.method, target.url, data=b"", headers=headers)

        return await self._with_retries(send, target.url)

    async def _until_accepted(
        self, part: FileRange, targets: _TargetSource, final: frozenset[int]
    ) -> UploadedRange:
        sent: dict[str, str] = {}
        where = ""

        async def send() -> HttpResponse:
            nonlocal sent, where
            target = await targets.current()
            response, sent = await self._once(part, target)
            if response.status in EXPIRED - final and targets.may_renew:
                target = await targets.renew()
                response, sent = await self._once(part, target)
            where = redact(target.url)
            return response

        response = await self._with_retries(send, (await targets.current()).url)
        if "Location" in response.headers and 300 <= response.status < 400:
            # The signature is valid for this address only.
            raise TransferError(
                f"{where} redirects the upload", hint="the file was not sent to the other address"
            )
        if response.status >= 400 and response.status not in final:
            raise error_for_status(
                response.status, f"{where} refused the upload (status {response.status})"
            )
        return UploadedRange(response, sent)

    async def _once(
        self, part: FileRange, target: UploadTarget
    ) -> tuple[HttpResponse, dict[str, str]]:
        total = len(target.head) + part.length + len(target.tail)
        headers = {**target.headers, "Content-Length": str(total)}
        body = FileBody(
            part.file, part.start, part.length,
            head=target.head, tail=target.tail, algorithms=target.algorithms or self.algorithms,
        )  # fmt: skip
        with body:
            whole = await body.whole()
            data = aiohttp.AsyncIterablePayload(body) if whole is None else whole
            try:
                response = await self._storage.send(
                    target.method, target.url, data=data, headers=headers
                )
            except TransferError:
                if body.failure is not None:
                    raise body.failure from None
                raise
            return response, body.digests()

    async def _with_retries(
        self, send: Callable[[], Awaitable[HttpResponse]], url: str
    ) -> HttpResponse:
        async def wait(seconds: float) -> None:
            await anyio.sleep(seconds)
            await self._storage.host(url).wait_for_retry()

        return await send_with_retries(
            send, repeatable=True, policy=self._policy, transient=STORAGE_TRANSIENT, sleep=wait
        )


class _TargetSource:
    """The target of one range. It is requested again before its URL expires, and once after a rejection."""

    def __init__(self, ask: Callable[[], Awaitable[UploadTarget]]) -> None:
        self._ask = ask
        self._target: UploadTarget | None = None
        self._used = False
        self.may_renew = True

    async def current(self) -> UploadTarget:
        if self._target is None:
            self._target = await self._ask()
            return self._target
        ends = expires_at(self._target.url) if self._used else None
        if ends is not None and ends - time.time() < MARGIN_SECONDS:
            self._target = await self._ask()
        self._used = True
        return self._target

    async def renew(self) -> UploadTarget:
        self.may_renew = False
        self._target = await self._ask()
        return self._target


def _differs(sent_range: UploadedRange) -> bool:
    """Whether the storage reports another digest."""
    reported = header_digests(sent_range.response.headers, whole=True)
    return any(
        reported[name] != mine for name, mine in sent_range.digests.items() if name in reported
    )
