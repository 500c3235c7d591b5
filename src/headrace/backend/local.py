"""The backend for a lake: the platform runs in this process, without HTTP and JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import copy
from pathlib import Path
from uuid import UUID

import anyio
from msgspec.structs import replace

from headrace.backend.base import (
    CallOptions,
    CallResult,
    Limits,
    SmallUpload,
    UploadedFile,
    limited,
)
from headrace.backend.upload.file_body import Snapshot
from headrace.errors import ConfigurationError, HeadraceError, ObjectNotFoundError
from headrace.event_loop import LoopBinding
from headrace.model.records import DataRecord
from headrace.net.ssrf import ANYWHERE, UrlPolicy
from headrace.platform.core.access import Access
from headrace.platform.platform import Platform
from headrace.protocol.operation import Operation, P, R
from headrace.protocol.operations.storage import PRESIGN_UPLOAD, PresignUpload
from headrace.protocol.operations.uploading import FILES_PER_CALL
from headrace.storage.objects.base import ObjectInfo, ObjectStore
from headrace.threads import in_thread
from headrace.transfer.source import LocalSource

LOCAL_LIMITS = Limits(
    import_assets=500,
    load_annotations=1000,
    asset_ids=10_000,
    uploads=FILES_PER_CALL,
    concurrency=4,
    whole_pixels=False,
    extensions=True,
    blobs=True,
    local_files=True,
)


class OpenLake:
    """An open lake, which all copies of a backend share.

    It is opened again where the event loop that it was opened in was closed.
    """

    def __init__(
        self, platform: Platform, reopen: Callable[[], Awaitable[Platform]] | None
    ) -> None:
        self._platform = platform
        self._reopen = reopen
        self._loop = LoopBinding()
        self._lock = anyio.Lock()
        self._is_stale = False

    @property
    def objects(self) -> ObjectStore:
        """The files of the lake, which belong to no event loop."""
        return self._platform.context.objects

    async def current(self) -> Platform:
        """Return the lake, open in the running event loop."""
        if self._loop.has_moved() and self._reopen is not None:
            self._is_stale, self._lock = True, anyio.Lock()
        if self._is_stale and self._reopen is not None:
            async with self._lock:
                # Another task may have opened it meanwhile.
                if self._is_stale:
                    self._platform.discard()
                    self._platform = await self._reopen()
                    self._is_stale = False
        return self._platform

    async def aclose(self) -> None:
        """Finish writing and close the lake, even in a cancelled scope."""
        if self._loop.has_moved() or self._is_stale:
            self._platform.discard()
            return
        with anyio.CancelScope(shield=True):
            await self._platform.aclose()


class LocalBackend:
    """A lake that is open in this process.

    Args:
        platform: The open lake.
        access: The user and organization of the calls.
        reopen: Opens the lake again where the event loop that it was opened in is closed.
    """

    def __init__(
        self,
        platform: Platform,
        access: Access,
        *,
        reopen: Callable[[], Awaitable[Platform]] | None = None,
    ) -> None:
        self.limits = LOCAL_LIMITS
        target = platform.context.target
        if target is not None and target.folder is None:
            self.limits = replace(LOCAL_LIMITS, local_files=False)
        self.name = platform.context.name
        self._lake = OpenLake(platform, reopen)
        self._access = access
        self.options = CallOptions()

    def __repr__(self) -> str:
        return f"LocalBackend({self.name!r})"

    async def call(self, operation: Operation[P, R], request: P, /) -> R:
        """Execute one operation."""
        platform = await self._lake.current()
        with self.options.timeout.limit(self.name):
            return await platform.call(self._access, operation, request)

    async def request(self, operation: Operation[P, R], request: P, /) -> CallResult[R]:
        """Execute one operation; a lake has no headers to return."""
        return CallResult(await self.call(operation, request))

    def with_options(self, options: CallOptions) -> LocalBackend:
        """Return a copy with other options, on the same lake. There is nothing to repeat in a lake."""
        other = copy(self)
        other.options = options
        other.limits = limited(self.limits, options.concurrency)
        return other

    @property
    def url_policy(self) -> UrlPolicy:
        """Which URLs its files may have: any, since its owner chose the storage."""
        return ANYWHERE

    def file(
        self, data: DataRecord, /, *, renew: Callable[[], Awaitable[str]] | None = None
    ) -> LocalFile:
        """The file of a data."""
        return LocalFile(self._lake.objects, data)

    @asynccontextmanager
    async def upload(self, path: Path, /, *, connector_id: UUID) -> AsyncIterator[LocalUpload]:
        """Begin to copy a file into the lake."""
        objects = (await self._lake.current()).context.objects
        file = await in_thread(Snapshot.of, path)
        yield LocalUpload(self, objects, file, connector_id)

    async def upload_many(
        self, uploads: Sequence[SmallUpload], /, *, connector_id: UUID, workers: int
    ) -> list[UploadedFile | HeadraceError | OSError]:
        """Copy small files into the lake."""
        objects = (await self._lake.current()).context.objects
        stored = await objects.put_files(
            [(upload.prepared.object_name, upload.path) for upload in uploads]
        )
        direct = objects.direct is not None
        return [
            UploadedFile(each.size, each.sha256.hex() or None, direct)
            if isinstance(each, ObjectInfo)
            else each
            for each in stored
        ]

    async def aclose(self) -> None:
        """Finish writing and close the lake, even in a cancelled scope."""
        await self._lake.aclose()


class LocalUpload:
    """The upload of a file into the lake, by the cheapest kind of copy available."""

    object_name: str | None = None

    def __init__(
        self, backend: LocalBackend, objects: ObjectStore, file: Snapshot, connector_id: UUID
    ) -> None:
        self._backend = backend
        self._objects = objects
        self._file = file
        self._connector_id = connector_id

    async def send(self, object_name: str, content_type: str) -> UploadedFile:
        """Copy the file. Raises TransferError if it changes meanwhile."""
        ticket = await self._backend.call(
            PRESIGN_UPLOAD,
            PresignUpload(
                connector_id=self._connector_id, object_name=object_name, content_type=content_type
            ),
        )
        if ticket.client_type != "lake":
            raise ConfigurationError(f"the lake demands an upload by {ticket.client_type!r}")
        stored = await self._objects.put_file(object_name, self._file.path)
        await in_thread(self._file.check)
        direct = self._objects.direct is not None
        return UploadedFile(stored.size, stored.sha256.hex() or None, direct)

    async def finish(self) -> None:
        """Do nothing: a copy has no resume state."""


class LocalFile(LocalSource):
    """The object of a data in the object store."""

    __slots__ = ("_data", "_objects")

    def __init__(self, objects: ObjectStore, data: DataRecord) -> None:
        self._objects = objects
        self._data = data

    @property
    def local_path(self) -> str | None:
        """Path of the object, None if the store has no local files."""
        return self._objects.local_path(self._data.object_name)

    @asynccontextmanager
    async def open(
        self, offset: int = 0, validator: str | None = None
    ) -> AsyncIterator[LocalStream]:
        """Open the object from its first byte. Raises ``ObjectNotFoundError`` if the lake does not have it."""
        info = await self._objects.head(self._data.object_name)
        if info is None:
            raise ObjectNotFoundError(
                f"the file of {self._data.filename!r} is not in the lake",
                hint=self._data.object_name,
            )
        yield LocalStream(self._objects, self._data.object_name, info.size)

    async def wait_for_retry(self) -> None:
        """Return at once: there is no host to spare."""


class LocalStream:
    """The content of an object; ``local_path`` is set if the store has it as a plain file."""

    start = 0
    validator: str | None = None
    digests: Mapping[str, str] = {}
    whole: memoryview | None = None
    write_to = None

    def __init__(self, objects: ObjectStore, name: str, length: int) -> None:
        self.length: int | None = length
        self.total: int | None = length
        path = objects.local_path(name)
        self.local_path = None if path is None else Path(path)
        self._objects = objects
        self._name = name

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the bytes in order."""
        return self._objects.get(self._name)
