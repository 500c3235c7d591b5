"""What the SDK and the engine ask of whoever answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from headrace.errors import HeadraceError
from headrace.model.records import DataRecord
from headrace.protocol.operation import Operation, P, R
from headrace.protocol.operations.uploading import PreparedUpload


class Limits(Struct, frozen=True, kw_only=True):
    """How much one call may carry. The defaults are what every platform takes; a headrace server takes more.

    ``uploads`` is how many small files are prepared and registered by one call, 0 where each file needs its own calls.
    ``concurrency`` is how many calls are under way at once; ``max_workers`` what the user set for files, None where
    nothing was set.
    """

    import_assets: int = 100
    load_annotations: int = 100
    asset_ids: int = 50
    uploads: int = 0
    concurrency: int = 8
    max_workers: int | None = None
    whole_pixels: bool = True
    extensions: bool = False


class Stream(Protocol):
    """An open file on its way here, from byte ``start`` on.

    ``length`` is the number of bytes still to come and ``total`` that of the whole file, None where nobody says;
    ``validator`` names this very content, ``digests`` are of the whole file (hexadecimal, by algorithm).
    ``local_path`` is where it lies as a plain file, ``whole`` all bytes still to come where they are here already;
    where there is ``write_to``, it hands over the bytes by the block, on a thread, in place of :meth:`chunks`.
    """

    start: int
    length: int | None
    total: int | None
    validator: str | None
    digests: Mapping[str, str]
    local_path: Path | None
    whole: memoryview | None

    @property
    def write_to(self) -> Callable[[Callable[[memoryview], None]], Awaitable[None]] | None:
        """The way over a thread, where there is one."""
        ...

    def chunks(self) -> AsyncIterator[bytes | memoryview]:
        """The bytes, in order."""
        ...


class Source(Protocol):
    """A file that can be opened as often as needed."""

    def open(
        self, offset: int = 0, validator: str | None = None
    ) -> AbstractAsyncContextManager[Stream]:
        """Open it once, from ``offset`` on if it is still what ``validator`` names, else from its first byte.

        Nothing is tried again here, except that an expired URL is renewed.
        """
        ...

    async def wait_for_retry(self) -> None:
        """Wait until a second try is in order: all that talk to one host share their second tries."""
        ...


class UploadedFile(Struct, frozen=True):
    """What was sent: ``size`` in bytes, ``sha256`` in hexadecimal where it was taken on the way."""

    size: int
    sha256: str | None = None


class SmallUpload(Struct, frozen=True):
    """A small file, and where it goes."""

    path: Path
    content_type: str
    prepared: PreparedUpload


class FileUpload(Protocol):
    """One file on its way to a storage."""

    @property
    def object_name(self) -> str | None:
        """What an earlier run began to send this very file as, None where there was none: a new name is needed."""
        ...

    async def send(self, object_name: str, content_type: str) -> UploadedFile:
        """Put the file under an object name, in parts where it is large; TransferError where it changes meanwhile."""
        ...

    async def finish(self) -> None:
        """The object is a data now: nothing needs to be kept for another try."""
        ...


class Caller(Protocol):
    """Whoever answers operations."""

    async def call(self, operation: Operation[P, R], request: P, /) -> R:
        """Answer one operation."""
        ...


class Backend(Protocol):
    """One door to a lake, a server or a platform."""

    name: str
    """How people call it: the lake's folder or the server's address, never with a secret."""

    limits: Limits

    async def call(self, operation: Operation[P, R], request: P, /) -> R:
        """Answer one operation; raises the errors of ``headrace.errors``."""
        ...

    def file(self, data: DataRecord, /) -> Source:
        """The file of a data; the URL in the record is renewed where it has expired or is missing."""
        ...

    def upload(
        self, path: Path, /, *, connector_id: UUID
    ) -> AbstractAsyncContextManager[FileUpload]:
        """Take a local file to be sent; what an earlier run has sent of it is not sent again.

        Raises ``OSError`` where there is no such file.
        """
        ...

    async def upload_many(
        self, parcels: Sequence[SmallUpload], /, *, connector_id: UUID, workers: int
    ) -> list[UploadedFile | HeadraceError | OSError]:
        """Send small files, ``workers`` at a time; for each in its order what was sent, or why it was not.

        Raises AuthenticationError: that is none of a file.
        """
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...
