"""One piece of a file to a signed URL: sent until it is there, checked, its URL renewed when its time is over."""

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

SPOILED = 2
"""Times that a piece may arrive as something else."""


class UploadTarget(Struct, frozen=True, kw_only=True):
    """Where a piece goes: what stands around it in the body, and the headers that go with it. ``url`` is a secret."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    head: bytes = b""
    tail: bytes = b""

    def __repr__(self) -> str:
        return f"Place({self.method} {redact(self.url)})"


class FileRange(Struct, frozen=True):
    """``length`` bytes of a file from ``start``."""

    file: Snapshot
    start: int
    length: int


class UploadedRange(Struct, frozen=True):
    """The storage's answer, and the digests of the bytes that were sent."""

    answer: HttpResponse
    digests: dict[str, str]


class SignedUploader:
    """Sends pieces to storages. ``algorithms`` are the digests that are taken on the way."""

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

    async def deliver(
        self,
        piece: FileRange,
        ask: Callable[[], Awaitable[UploadTarget]],
        *,
        final: frozenset[int] = frozenset(),
    ) -> UploadedRange:
        """Send a piece where ``ask`` says; it is asked again when a URL's time is over.

        Answers of the statuses in ``final`` are handed back whatever they mean. Raises ChecksumError where the storage
        has other bytes in the end, the errors of statuses, TransferError, and OSError where the file cannot be read.
        """
        for _ in range(SPOILED):
            delivered = await self._until_there(piece, _TargetSource(ask), final)
            answer = delivered.answer
            if answer.status >= 400 or not _differs(delivered):
                return delivered
        raise ChecksumError(f"{piece.file.path} is not in the storage as it was sent")

    async def ask(self, place: UploadTarget) -> HttpResponse:
        """Send a request without a body and without a file."""

        async def send() -> HttpResponse:
            headers = {**place.headers, "Content-Length": "0"}
            return await self._storage.send(place.method, place.url, data=b"", headers=headers)

        return await self._with_retries(send, place.url)

    async def _until_there(
        self, piece: FileRange, places: _TargetSource, final: frozenset[int]
    ) -> UploadedRange:
        sent: dict[str, str] = {}
        where = ""

        async def send() -> HttpResponse:
            nonlocal sent, where
            place = await places.current()
            answer, sent = await self._once(piece, place)
            if answer.status in EXPIRED - final and places.may_renew:
                place = await places.renewed()
                answer, sent = await self._once(piece, place)
            where = redact(place.url)
            return answer

        answer = await self._with_retries(send, (await places.current()).url)
        if "Location" in answer.headers and 300 <= answer.status < 400:
            # What was signed is good for this address alone, and the file is for no other.
            raise TransferError(f"{where} redirects the upload", hint="nothing was sent elsewhere")
        if answer.status >= 400 and answer.status not in final:
            raise error_for_status(
                answer.status, f"{where} refused the upload (status {answer.status})"
            )
        return UploadedRange(answer, sent)

    async def _once(
        self, piece: FileRange, place: UploadTarget
    ) -> tuple[HttpResponse, dict[str, str]]:
        total = len(place.head) + piece.length + len(place.tail)
        headers = {**place.headers, "Content-Length": str(total)}
        body = FileBody(
            piece.file, piece.start, piece.length,
            head=place.head, tail=place.tail, algorithms=self.algorithms,
        )  # fmt: skip
        with body:
            whole = await body.whole()
            data = aiohttp.AsyncIterablePayload(body) if whole is None else whole
            try:
                answer = await self._storage.send(
                    place.method, place.url, data=data, headers=headers
                )
            except TransferError:
                if body.failure is not None:
                    raise body.failure from None
                raise
            return answer, body.digests()

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
    """The place of one piece, asked for again before its URL ends; and once more where it was refused."""

    def __init__(self, ask: Callable[[], Awaitable[UploadTarget]]) -> None:
        self._ask = ask
        self._place: UploadTarget | None = None
        self._used = False
        self.may_renew = True

    async def current(self) -> UploadTarget:
        if self._place is None:
            self._place = await self._ask()
            return self._place
        ends = expires_at(self._place.url) if self._used else None
        if ends is not None and ends - time.time() < MARGIN_SECONDS:
            self._place = await self._ask()
        self._used = True
        return self._place

    async def renewed(self) -> UploadTarget:
        self.may_renew = False
        self._place = await self._ask()
        return self._place


def _differs(delivered: UploadedRange) -> bool:
    """Whether the storage says that it has other bytes."""
    told = header_digests(delivered.answer.headers, whole=True)
    return any(told[name] != mine for name, mine in delivered.digests.items() if name in told)
