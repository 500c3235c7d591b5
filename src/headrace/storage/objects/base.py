"""The protocol of an object store: objects under unique names, visible only when complete."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from headrace.errors import HeadraceError

Stamp = tuple[int, int]
"""What tells a file from the one that has replaced it: its inode, and when it was written, in nanoseconds."""


class ObjectInfo(Struct, frozen=True):
    """A stored object: its size in bytes, and the digest of its content (empty if the store does not know it).

    ``stored`` is when it was stored, in milliseconds since 1970; None where that was not looked up.
    ``stamp`` tells the object that was looked up from one that is stored under the name later.
    """

    name: str
    size: int
    sha256: bytes = b""
    stored: int | None = None
    stamp: Stamp = (0, 0)


Replacing = Callable[[str], AbstractAsyncContextManager[None]]
"""Makes the block inside which the object of a name is replaced. It raises before the block where that is forbidden."""


class Unfinished(Struct, frozen=True):
    """What uploads that never ended have left: how many files or uploads, and their bytes."""

    count: int = 0
    bytes: int = 0


class StoredObject(Struct, frozen=True, gc=False):
    """An object as a store lists it: its size in bytes, and when it was stored, in milliseconds since 1970."""

    name: str
    size: int
    stored: int


class DirectUrls(Protocol):
    """Signs URLs by which clients reach the storage of objects themselves.

    ``life`` is how long a URL is valid, in seconds.
    """

    @property
    def put_headers(self) -> Mapping[str, str]:
        """The headers that a ``PUT`` to a URL of :meth:`put` must carry."""
        ...

    def downloads(self, life: int, /) -> Callable[[str], str]:
        """Return what signs URLs to download objects by name."""
        ...

    def put(self, name: str, life: int, /) -> str:
        """Sign a URL for a ``PUT`` of a new object."""
        ...

    def part(self, name: str, upload_id: str, number: int, life: int, /) -> str:
        """Sign a URL for a ``PUT`` of one part of an upload."""
        ...

    def form(self, name: str, life: int, most: int, /) -> tuple[str, dict[str, str]]:
        """Sign a form to upload an object of at most ``most`` bytes; returns its URL and its fields."""
        ...


class ObjectStore(Protocol):
    """A store of objects. Names are relative POSIX paths; :class:`BadRequestError` for one that could leave the store.

    Of two puts under one name the later one counts, where the store's owner permits that; see :data:`Replacing`.
    """

    @property
    def direct(self) -> DirectUrls | None:
        """What signs URLs to the storage itself; None where this process sends and receives the bytes."""
        ...

    @property
    def locked(self) -> bool:
        """Whether objects are replaced and deleted under the lock of the catalog, and looked at there.

        Where they are not, an object never changes, and it is deleted only at an age at which it is no longer
        registered.
        """
        ...

    async def put(self, name: str, content: AsyncIterable[bytes], /) -> ObjectInfo:
        """Store a stream; the object becomes visible when it is complete."""
        ...

    async def put_file(self, name: str, source: Path, /, *, move: bool = False) -> ObjectInfo:
        """Store a local file by the cheapest copy, or with ``move`` by a rename."""
        ...

    async def put_files(
        self, sources: Sequence[tuple[str, Path]], /
    ) -> list[ObjectInfo | HeadraceError]:
        """Store local files by name; returns for each the object or the error."""
        ...

    async def heads(self, names: Sequence[str], /) -> list[ObjectInfo | None]:
        """Look up objects; None for each that does not exist."""
        ...

    async def receive(self, names: Sequence[str], /) -> list[ObjectInfo | None]:
        """Look up objects that clients have uploaded, as :meth:`heads` does; it may store them under their names first."""
        ...

    async def unchanged(self, infos: Sequence[ObjectInfo], /) -> list[bool]:
        """Whether each object is still the one that was looked up, in one short step."""
        ...

    async def head(self, name: str, /) -> ObjectInfo | None:
        """Look up an object; None if it does not exist."""
        ...

    def get(
        self, name: str, /, *, offset: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        """Stream an object or a range of it; :class:`ObjectNotFoundError` if it does not exist."""
        ...

    def check_name(self, name: str, /) -> None:
        """Raise :class:`BadRequestError` for what cannot name an object."""
        ...

    def local_path(self, name: str, /) -> str | None:
        """Return the path of an object's file, None for a store without local files.

        It is a text, since a ``Path`` of each of a million small files costs as much as a system call on it.
        """
        ...

    def listed(self) -> AsyncIterator[list[StoredObject]]:
        """List all objects in batches of up to 1,000, in no order and in constant memory.

        An object that is stored or deleted meanwhile may be in it or not.
        """
        ...

    async def check_present(self) -> None:
        """Raise :class:`~headrace.errors.LakeLostError` where the store is no longer the one that was opened."""
        ...

    async def delete(self, names: list[str], /) -> None:
        """Delete objects; missing ones are ignored."""
        ...

    async def delete_before(self, names: Sequence[str], before: int, /) -> list[str]:
        """Delete those of the objects that were stored before a time (ms since 1970); returns their names.

        One that is stored again at that moment stays.
        """
        ...

    async def unfinished(self, before: int, /, *, delete: bool = False) -> Unfinished:
        """Count the uploads that went on last before a time (ms since 1970) and never ended; with ``delete``, remove them."""
        ...

    async def begin_parts(self, name: str, /) -> str:
        """Begin a multipart upload; returns its id."""
        ...

    async def put_part(
        self, name: str, upload_id: str, number: int, content: AsyncIterable[bytes], /
    ) -> str:
        """Store part ``number`` (from 1; may be empty if last); returns its ETag. Sending a part again replaces it."""
        ...

    async def complete_parts(
        self, name: str, upload_id: str, parts: list[tuple[int, str]], /
    ) -> ObjectInfo:
        """Join ``(number, etag)`` parts in order of number; may be called again with the same result."""
        ...

    async def abort_parts(self, name: str, upload_id: str, /) -> None:
        """End a multipart upload and delete its parts; one that is not there is ignored."""
        ...

    async def aclose(self) -> None:
        """Close the connections of the store; it can no longer be used."""
        ...

    def discard(self) -> None:
        """Let go of all connections where the event loop that they were opened in is closed."""
        ...
