"""The backend for a headrace server or a platform: operations over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import anyio
from msgspec import UNSET

from headrace._version import __version__
from headrace.backend.base import Limits, SmallUpload, UploadedFile
from headrace.backend.extensions import refuse_extensions, without_digests
from headrace.backend.remote_file import RemoteFile
from headrace.backend.upload.file_body import Snapshot
from headrace.backend.upload.journal import UploadJournal
from headrace.backend.upload.multipart import PARALLEL, PART_BYTES
from headrace.backend.upload.signed_put import SignedUploader
from headrace.backend.upload.uploader import RemoteUpload
from headrace.errors import AuthenticationError, HeadraceError
from headrace.event_loop import LoopBinding
from headrace.model.enums import ImportAnnotationMode
from headrace.model.records import DataRecord
from headrace.net.api_session import ApiSession
from headrace.net.response import HttpResponse
from headrace.net.retry import RetryPolicy, retry_after, send_with_retries
from headrace.net.ssrf import policy_for
from headrace.net.storage_session import StorageSession
from headrace.protocol.codec import decode_response, encode_request
from headrace.protocol.operation import Operation, P, R
from headrace.protocol.operations.annotations import ImportAnnotations
from headrace.protocol.operations.datalake import GET_DATA_URL, DataId
from headrace.protocol.wire import decode_error
from headrace.tasks import map_bounded
from headrace.threads import in_thread

USER_AGENT = f"headrace/{__version__}"

SERVER_LIMITS = Limits(
    import_assets=250,
    load_annotations=1000,
    asset_ids=150,  # part of the URL, of which proxies accept 8 KiB
    uploads=32,
    concurrency=8,
    whole_pixels=False,
    extensions=True,
)
"""The limits of a headrace server."""


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
        self._loop = LoopBinding()

        # A function, since the repr of a partial would show the token.
        def open_api() -> ApiSession:
            return ApiSession(address, api_token, user_agent=USER_AGENT)

        self._open_api = open_api
        self._api = self._open_api()
        url_policy = policy_for(self._api.address, trusted=trust_storage)
        self._open_storage = partial(StorageSession, user_agent=USER_AGENT, url_policy=url_policy)
        self._storage = self._open_storage()
        self._policy = policy
        self._explain_refusal = explain_refusal
        self._organization: UUID | None = None
        self.name = self._api.address

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
        refuse_extensions(operation, request, self.limits)
        self._follow_loop()
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
            return await self._api.send(
                wire.method, wire.path, query=wire.query, body=wire.body, headers=headers
            )

        response = await send_with_retries(
            send, repeatable=repeatable, policy=policy or self._policy
        )
        if 200 <= response.status < 300 and response.status != 208:
            result = decode_response(operation, response.body)
            return result if self.limits.extensions else without_digests(result)
        error = decode_error(
            response.status,
            response.body,
            request_id=response.headers.get("X-Request-ID", headers["X-Request-ID"]),
            retry_after=retry_after(response.headers),
        )
        if isinstance(error, AuthenticationError) and self._explain_refusal is not None:
            raise self._explain_refusal(error)
        raise error

    def file(
        self, data: DataRecord, /, *, renew: Callable[[], Awaitable[str]] | None = None
    ) -> RemoteFile:
        """The file of a data, or one whose new URLs come from ``renew``."""
        self._follow_loop()

        async def sign() -> str:
            return (await self.call(GET_DATA_URL, DataId(data_id=data.id))).presigned_url

        return RemoteFile(
            self._storage,
            data.presigned_url,
            renew=renew or sign,
            what=f"the file of {data.filename!r}",
            fresh=renew is not None,
        )

    @asynccontextmanager
    async def upload(self, path: Path, /, *, connector_id: UUID) -> AsyncIterator[RemoteUpload]:
        """Begin to upload a local file, or resume what an earlier run began."""
        self._follow_loop()
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
        self._follow_loop()
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
        return SignedUploader(self._storage, policy=self._policy, algorithms=algorithms)

    def _follow_loop(self) -> None:
        """Open new connections where the event loop of the old ones was closed."""
        if self._loop.has_moved():
            self._discard()
            self._api, self._storage = self._open_api(), self._open_storage()

    def _discard(self) -> None:
        self._api.discard()
        self._storage.discard()

    async def aclose(self) -> None:
        """Close the connections, even in a cancelled scope."""
        if self._loop.has_moved():
            self._discard()
            return
        with anyio.CancelScope(shield=True):
            await self._api.aclose()
            await self._storage.aclose()


def _repeatable(operation: Operation[P, R], request: P) -> bool:
    if operation.safe or operation.repeatable:
        return True
    # The ledger of an import keeps a chunk from being applied twice.
    return isinstance(request, ImportAnnotations) and UNSET not in (
        request.import_id,
        request.chunk,
    )


def _repeatable_elsewhere(operation: Operation[P, R], request: P) -> bool:
    if isinstance(request, ImportAnnotations):
        # The second time replaces what the first one wrote; another mode would write it twice, or keep it.
        return request.import_type == ImportAnnotationMode.REPLACE
    return bool(operation.safe) or (operation.repeatable and not operation.only_here)
