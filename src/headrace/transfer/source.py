"""The files of a transfer, and the protocols of what they are read from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct


class Stream(Protocol):
    """The open content of a file, from byte ``start`` on.

    Attributes:
        start: Offset of the first byte.
        length: Number of bytes in the stream; None if unknown.
        total: Size of the whole file in bytes; None if unknown.
        validator: A strong ETag of this content; None if there is none.
        digests: Digests of the whole file in hexadecimal, by algorithm.
        local_path: Path of a local file with the whole content; None if there is none.
        whole: All bytes of the stream, if they have been received already; else None.
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
        """Passes each block to a function on a thread, in place of :meth:`chunks`; None if unavailable.

        It raises an error of the source after all bytes received before it were passed on.
        """
        ...

    def chunks(self) -> AsyncIterator[bytes | memoryview]:
        """Yield the bytes in order. A memoryview is valid until the next one is requested."""
        ...


class Source(Protocol):
    """A file that can be opened any number of times."""

    def open(
        self, offset: int = 0, validator: str | None = None
    ) -> AbstractAsyncContextManager[Stream]:
        """Open the file once, without retries.

        Args:
            offset: First byte to read.
            validator: The content to continue; other content is opened from its first byte.
        """
        ...

    async def wait_for_retry(self) -> None:
        """Wait until another attempt is allowed; sources of one host share their retries."""
        ...


OnFile = Callable[[memoryview, Mapping[str, str]], bool]
"""Called on a thread with a complete file and its HTTP headers; returns False to end the batch."""


class BatchSource(ABC):
    """A source whose small files are cheaper to fetch together; those with the same ``batch_key`` may share a batch."""

    __slots__ = ()

    batch_key: object

    @abstractmethod
    async def fetch_batch(self, others: Sequence[Any], on_file: OnFile) -> None:
        """Fetch this file, then ``others``, in order, until one does not arrive complete.

        The response to the first file that is not delivered, or its error, is kept for its :meth:`open`; call
        :meth:`discard` on it if it is not going to be opened.
        """

    @abstractmethod
    def unexpired_url(self) -> str:
        """Return the signed URL; an empty string if it is missing or expires soon."""

    @abstractmethod
    def discard(self) -> None:
        """Close what :meth:`fetch_batch` kept for this file."""


class LocalSource(ABC):
    """A source that may be a file on this machine."""

    __slots__ = ()

    @property
    @abstractmethod
    def local_path(self) -> str | None:
        """Path of the file, whether it exists or not; None if it lies elsewhere."""


class Item(Struct, frozen=True, kw_only=True):
    """A file to fetch.

    Attributes:
        name: Path relative to the target folder, with ``/`` between folders; it must be safe.
        source: Where the bytes come from.
        size: Expected size in bytes; not checked if None.
        sha256: Expected SHA-256 in hexadecimal; not checked if None.
        id: Id of the file in reports.
        own_name: The file's own name where ``name`` differs from it; None where it does not.
    """

    name: str
    source: Source
    size: int | None = None
    sha256: str | None = None
    id: str = ""
    own_name: str | None = None
