"""The interface that the SDK and the engine use: one backend for a lake in this process, one for a server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Generic, Protocol, Self
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from headrace.errors import HeadraceError
from headrace.model.records import DataRecord
from headrace.net.ssrf import UrlPolicy
from headrace.net.timeout import UNLIMITED, Timeout
from headrace.protocol.operation import Operation, P, R
from headrace.protocol.operations.uploading import PreparedUpload
from headrace.transfer.source import Source


class Limits(Struct, frozen=True, kw_only=True):
    """How much one call may carry. The defaults hold for every platform; a headrace server accepts more.

    Attributes:
        import_assets: Assets of one import call.
        load_annotations: Annotations of one page.
        asset_ids: Ids of one listing by ids.
        uploads: Small files prepared and registered by one call; 0 if each file needs its own calls.
        concurrency: Calls in progress at a time.
        max_workers: The user's setting for parallel files; None if not set.
        whole_pixels: Whether coordinates are rounded to whole pixels.
        extensions: Whether the calls that only headrace has are available.
        blobs: Whether shapes are sent packed, in a format that this headrace reads.
        local_files: Whether data are files of this machine, which can be linked.
    """

    import_assets: int = 100
    load_annotations: int = 100
    asset_ids: int = 50
    uploads: int = 0
    concurrency: int = 8
    max_workers: int | None = None
    whole_pixels: bool = True
    extensions: bool = False
    blobs: bool = False
    local_files: bool = False


def limited(limits: Limits, workers: int | None) -> Limits:
    """Return the limits with another number of calls and files at a time; None keeps them."""
    if workers is None:
        return limits
    return replace(limits, concurrency=workers, max_workers=workers)


class UploadedFile(Struct, frozen=True):
    """A file that was sent: its ``size`` in bytes, and its ``sha256`` in hexadecimal where it was computed.

    ``direct`` is set where it went to a storage from which the platform would have to fetch what it reads of the file.
    """

    size: int
    sha256: str | None = None
    direct: bool = False


class SmallUpload(Struct, frozen=True):
    """A small file to upload, and the target that was prepared for it."""

    path: Path
    content_type: str
    prepared: PreparedUpload


class FileUpload(Protocol):
    """The upload of one file."""

    @property
    def object_name(self) -> str | None:
        """The object name under which an earlier run began to send this file; None if a new name is needed."""
        ...

    async def send(self, object_name: str, content_type: str) -> UploadedFile:
        """Send the file, in parts if it is large. Raises TransferError if the file changes meanwhile."""
        ...

    async def finish(self) -> None:
        """Delete the resume state: the object has been registered."""
        ...


class CallOptions(Struct, frozen=True, kw_only=True):
    """What a copy of a client does differently.

    Attributes:
        timeout: The limits of each call.
        retries: How often a call is repeated after it failed; None for the default.
        concurrency: Calls and files at a time; None for the default.
    """

    timeout: Timeout = UNLIMITED
    retries: int | None = None
    concurrency: int | None = None


class CallResult(Struct, Generic[R], frozen=True):
    """The answer to a call, with what HTTP says about it.

    Attributes:
        record: The result record of the operation.
        status: The HTTP status; 200 for a lake.
        headers: The headers of the response, which ignore case; none for a lake.
    """

    record: R
    status: int = 200
    headers: Mapping[str, str] = {}


class Caller(Protocol):
    """Executes operations."""

    async def call(self, operation: Operation[P, R], request: P, /) -> R:
        """Execute one operation."""
        ...


class Backend(Protocol):
    """A connection to a lake, a headrace server or a platform."""

    name: str
    """The lake's folder or the server's address, without secrets."""

    limits: Limits

    options: CallOptions

    @property
    def url_policy(self) -> UrlPolicy:
        """Which URLs its files may have."""
        ...

    async def call(self, operation: Operation[P, R], request: P, /) -> R:
        """Execute one operation. Raises the errors of ``headrace.errors``."""
        ...

    async def request(self, operation: Operation[P, R], request: P, /) -> CallResult[R]:
        """Execute one operation, and return status and headers too."""
        ...

    def with_options(self, options: CallOptions) -> Self:
        """Return a copy with other options, on the same connections."""
        ...

    def file(
        self, data: DataRecord, /, *, renew: Callable[[], Awaitable[str]] | None = None
    ) -> Source:
        """The file of a data. A URL that is missing or has expired is renewed.

        Args:
            data: The data.
            renew: For a file that is no data of the lake: returns a new URL. Its URL has just been received.
        """
        ...

    def upload(
        self, path: Path, /, *, connector_id: UUID
    ) -> AbstractAsyncContextManager[FileUpload]:
        """Begin to upload a local file, or resume what an earlier run began.

        Raises ``OSError`` if there is no such file.
        """
        ...

    async def upload_many(
        self, files: Sequence[SmallUpload], /, *, connector_id: UUID, workers: int
    ) -> list[UploadedFile | HeadraceError | OSError]:
        """Upload small files, ``workers`` at a time.

        Returns for each file, in order, what was sent or the error. Raises AuthenticationError for the whole call; it
        is never a per-file error.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...
