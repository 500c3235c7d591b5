"""The backend for a headrace server or a platform: operations over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from copy import copy
from pathlib import Path
from uuid import UUID, uuid4

import anyio
from msgspec import UNSET

from headrace.backend.base import (
    CallOptions,
    CallResult,
    Limits,
    SmallUpload,
    UploadedFile,
    limited,
)
from headrace.backend.extensions import refuse_extensions, without_digests
from headrace.backend.remote_file import RemoteFile
from headrace.backend.upload.file_body import Snapshot
from headrace.backend.upload.journal import UploadJournal
from headrace.backend.upload.multipart import PARALLEL, PART_BYTES
from headrace.backend.upload.signed_put import SignedUploader
from headrace.backend.upload.uploader import RemoteUpload
from headrace.client_name import PRODUCT, client_name
from headrace.errors import AuthenticationError, HeadraceError, TransferError
from headrace.event_loop import LoopBinding
from headrace.garbage import collector_paused
from headrace.model.enums import ImportAnnotationMode
from headrace.model.records import DataRecord
from headrace.net.api_session import ApiSession
from headrace.net.response import HttpResponse
from headrace.net.retry import (
    GATEWAY_LOST,
    RetryPolicy,
    UnreachableError,
    retry_after,
    send_with_retries,
)
from headrace.net.ssrf import UrlPolicy, policy_for
from headrace.net.storage_session import StorageSession
from headrace.protocol.codec import decode_response, decodes_in_pieces, encode_request
from headrace.protocol.operation import Operation, P, R
from headrace.protocol.operations.annotations import ImportAnnotations, ImportPacked
from headrace.protocol.operations.datalake import GET_DATA_URL, DataId
from headrace.protocol.wire import decode_error
from headrace.tasks import map_bounded
from headrace.threads import in_thread, in_thread_if
from headrace.tracing import outgoing_headers, span

SERVER_LIMITS = Limits(
    import_assets=250,
    load_annotations=1000,
    asset_ids=150,  # part of the URL, of which proxies accept 8 KiB
    uploads=100,
    concurrency=8,
    whole_pixels=False,
    extensions=True,
)
"""The limits of a headrace server."""


class ConnectionPool:
    """The connections to one server and its storages, which all copies of a backend share.

    They are opened again where the event loop that they were opened in was closed.
    """

    def __init__(self, address: str, api_token: str, *, trust_storage: bool) -> None:
        self._address = address
        self._token = api_token
        self._trusted = trust_storage
        self._loop = LoopBinding()
        self._open()

    def __repr__(self) -> str:
        return f"ConnectionPool({self.api.address!r})"

    def _open(self) -> None:
        self.api = ApiSession(self._address, self._token, user_agent=client_name())
        url_policy = policy_for(self.api.address, trusted=self._trusted)
        self.storage = StorageSession(user_agent=PRODUCT, url_policy=url_policy)

    def current(self) -> ConnectionPool:
        """Return the pool, with connections of the running event loop."""
        if self._loop.has_moved():
            self._discard()
            self._open()
        return self

    def _discard(self) -> None:
        self.api.discard()
        self.storage.discard()

    async def aclose(self) -> None:
        """Close the connections, even in a cancelled scope."""
        if self._loop.has_moved():
            self._discard()
            return
        with anyio.CancelScope(shield=True):
            await self.api.aclose()
            await self.storage.aclose()


class RemoteBackend:
    """A connection to one server with one token, for one organization.

    Args:
        address: The URL of the server.
        api_token: Its token.
        policy: The retries of calls and uploads.
        state: Folder in which interrupted uploads are recorded; None to restart them from the beginning.
        trust_storage: Whether files may be at any URL, even one closer to this machine than the server.
        explain_refusal: Returns the error for a server that refused the token. Default: the error of the API.
    """

    def __init__(
        self,
        address: str,
        api_token: str,
        *,
        policy: RetryPolicy | None = None,
        state: Path | None = None,
        trust_storage: bool = False,
        explain_refusal: Callable[[AuthenticationError], AuthenticationError] | None = None,
    ) -> None:
        self.state = state
        self.limits = Limits()
        self._pool = ConnectionPool(address, api_token, trust_storage=trust_storage)
        self.policy = policy
        self._explain_refusal = explain_refusal
        self._organization: UUID | None = None
        self.options = CallOptions()
        self.name = self._pool.api.address

    def __repr__(self) -> str:
        return f"RemoteBackend({self.name!r})"

    def configure(self, organization: UUID, limits: Limits) -> None:
        """Set the organization of all further calls, and their limits."""
        self._organization = organization
        self.limits = limits

    async def call(
        self,
        operation: Operation[P, R],
        request: P,
        /,
        *,
        policy: RetryPolicy | None = None,
        key: str | None = None,
    ) -> R:
        """Execute one operation. Raises the errors of the API, :class:`TransferError` and :class:`UnsupportedError`.

        Args:
            operation: The operation.
            request: Its request.
            policy: The retries of this call.
            key: Idempotency key of a call that changes data, the same for all retries. Default: a new one.
        """
        response = await self._send(operation, request, policy, key)
        pieces = decodes_in_pieces(operation, response.body)
        return await in_thread_if(pieces, self._decoded, operation, response)

    async def request(self, operation: Operation[P, R], request: P, /) -> CallResult[R]:
        """Execute one operation, and return status and headers too."""
        response = await self._send(operation, request)
        record = self._decoded(operation, response)
        return CallResult(record, response.status, response.headers)

    def _decoded(self, operation: Operation[P, R], response: HttpResponse) -> R:
        with collector_paused(kept=decodes_in_pieces(operation, response.body)):
            result = decode_response(operation, response.body)
        return result if self.limits.extensions else without_digests(result)

    def with_options(self, options: CallOptions) -> RemoteBackend:
        """Return a copy with other options, on the same connections."""
        other = copy(self)
        other.options = options
        if options.retries is not None:
            other.policy = RetryPolicy(attempts=options.retries + 1)
        other.limits = limited(self.limits, options.concurrency)
        return other

    async def _send(
        self,
        operation: Operation[P, R],
        request: P,
        policy: RetryPolicy | None = None,
        key: str | None = None,
    ) -> HttpResponse:
        """Send one operation; returns the response of a success."""
        pool = self._pool.current()
        refuse_extensions(operation, request, self.limits)
        wire = encode_request(operation, request)
        headers = {"X-Headrace": "1", "X-Request-ID": uuid4().hex}
        repeatable = (_repeatable if self.limits.extensions else _repeatable_elsewhere)(
            operation, request
        )
        if not operation.safe and not (operation.creates and repeatable):
            headers["Idempotency-Key"] = key or uuid4().hex
            # Other platforms may ignore the key.
            repeatable = repeatable or self.limits.extensions
        if self._organization is not None:
            headers["X-Picsellia-Organization"] = str(self._organization)

        async def send() -> HttpResponse:
            return await pool.api.send(
                wire.method,
                wire.path,
                query=wire.query,
                body=wire.body,
                headers=headers,
                limits=self.options.timeout,
            )

        attempts = _Attempts(send)
        with self.options.timeout.limit(self.name), span(operation.name, "CLIENT") as call:
            if self.limits.extensions:
                # Other platforms have no use for it, and need not know it.
                headers |= outgoing_headers()
            response = await send_with_retries(
                attempts.send,
                repeatable=repeatable,
                policy=policy or self.policy,
                sleep=pool.api.wait_for_retry,
            )
            call.set(attempts=attempts.count, status=response.status, bytes=len(response.body))
        if 200 <= response.status < 300 and response.status != 208:
            return response
        if response.status == 404 and operation.deletes_one and attempts.lost:
            # An attempt whose answer was lost has deleted it.
            return response
        error = decode_error(
            response.status,
            response.body,
            request_id=response.headers.get("X-Request-ID", headers["X-Request-ID"]),
            retry_after=retry_after(response.headers),
        )
        error.attempts = attempts.count
        if isinstance(error, AuthenticationError) and self._explain_refusal is not None:
            raise self._explain_refusal(error)
        raise error

    @property
    def url_policy(self) -> UrlPolicy:
        """Which URLs its files may have: none that is closer to this machine than the server."""
        return self._pool.current().storage.url_policy

    def file(
        self, data: DataRecord, /, *, renew: Callable[[], Awaitable[str]] | None = None
    ) -> RemoteFile:
        """The file of a data, or one whose new URLs come from ``renew``."""
        storage = self._pool.current().storage

        async def sign() -> str:
            return (await self.call(GET_DATA_URL, DataId(data_id=data.id))).presigned_url

        return RemoteFile(
            storage,
            data.presigned_url,
            renew=renew or sign,
            what=f"the file of {data.filename!r}",
            fresh=renew is not None,
        )

    @asynccontextmanager
    async def upload(self, path: Path, /, *, connector_id: UUID) -> AsyncIterator[RemoteUpload]:
        """Begin to upload a local file, or resume what an earlier run began."""
        file = await in_thread(Snapshot.of, path)
        uploader = self._uploader()
        parallel = min(PARALLEL, self.limits.max_workers or PARALLEL)
        journal = None
        if self.state is not None and file.size > PART_BYTES:
            owner = f"{self.name}\0{self._organization}\0{connector_id}"
            journal = await in_thread(UploadJournal.open, self.state / "uploads", owner, file)
        try:
            yield RemoteUpload(self, uploader, file, connector_id, journal, parallel=parallel)
        finally:
            if journal is not None:
                with anyio.CancelScope(shield=True):
                    await in_thread(journal.close)

    async def upload_many(
        self, uploads: Sequence[SmallUpload], /, *, connector_id: UUID, workers: int
    ) -> list[UploadedFile | HeadraceError | OSError]:
        """Upload small files, each with one request."""
        files = await in_thread(Snapshot.each, [upload.path for upload in uploads])
        uploader = self._uploader()

        async def send_one(index: int) -> UploadedFile | HeadraceError | OSError:
            file, upload = files[index], uploads[index]
            if not isinstance(file, Snapshot):
                return file
            try:
                return await RemoteUpload(self, uploader, file, connector_id).send(
                    upload.prepared.object_name, upload.content_type, upload.prepared.ticket
                )
            except AuthenticationError:
                raise
            except (HeadraceError, OSError) as error:
                return error

        return await map_bounded(send_one, range(len(files)), concurrency=workers)

    def _uploader(self) -> SignedUploader:
        # A headrace server returns the SHA-256, other storages the MD5.
        algorithms = ("sha256",) if self.limits.extensions else ("sha256", "md5")
        return SignedUploader(
            self._pool.current().storage, policy=self.policy, algorithms=algorithms
        )

    async def aclose(self) -> None:
        """Close the connections, even in a cancelled scope."""
        await self._pool.aclose()


class _Attempts:
    """The attempts of one call: how many, and whether one may have been carried out although its answer was lost."""

    def __init__(self, send: Callable[[], Awaitable[HttpResponse]]) -> None:
        self._send = send
        self.count = 0
        self.lost = False

    async def send(self) -> HttpResponse:
        """Send the request once."""
        self.count += 1
        try:
            response = await self._send()
        except UnreachableError:
            raise
        except TransferError:
            self.lost = True
            raise
        self.lost = self.lost or response.status in GATEWAY_LOST
        return response


def _repeatable(operation: Operation[P, R], request: P) -> bool:
    if operation.safe or operation.repeatable:
        return True
    # The ledger of an import keeps a chunk from being applied twice.
    return isinstance(request, ImportAnnotations | ImportPacked) and UNSET not in (
        request.import_id,
        request.chunk,
    )


def _repeatable_elsewhere(operation: Operation[P, R], request: P) -> bool:
    if isinstance(request, ImportAnnotations):
        # The second time replaces what the first one wrote; another mode would write it twice, or keep it.
        return request.import_type == ImportAnnotationMode.REPLACE
    return bool(operation.safe) or (operation.repeatable and not operation.only_here)
