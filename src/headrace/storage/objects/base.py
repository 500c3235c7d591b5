"""What the platform asks of an object store: whole objects under unique names, visible only when complete."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from headrace.errors import HeadraceError


class ObjectInfo(Struct, frozen=True):
    """``size`` in bytes; ``sha256`` is the digest of the content where the store knows it, else empty."""

    name: str
    size: int
    sha256: bytes = b""


class ObjectStore(Protocol):
    """Names are relative POSIX paths; a name that could leave the store is refused with ``BadRequestError``."""

    async def put(self, name: str, content: AsyncIterable[bytes], /) -> ObjectInfo:
        """Store a stream; nothing is visible under the name until all of it is."""
        ...

    async def put_file(self, name: str, source: Path, /, *, move: bool = False) -> ObjectInfo:
        """Store a local file by the cheapest copy there is (or by a rename where ``move``)."""
        ...

    async def put_files(
        self, sources: Sequence[tuple[str, Path]], /
    ) -> list[ObjectInfo | HeadraceError]:
        """Store local files by name; for each what was stored, or why it was not."""
        ...

    async def heads(self, names: Sequence[str], /) -> list[ObjectInfo | None]:
        """What is known of each object, None where there is none."""
        ...

    async def head(self, name: str, /) -> ObjectInfo | None:
        """What is known of an object, None where there is none."""
        ...

    def get(
        self, name: str, /, *, offset: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        """The bytes of an object (or of a range of it); ``ObjectNotFoundError`` where there is none."""
        ...

    def local_path(self, name: str, /) -> Path | None:
        """Where an object lies as a plain file, None for a store that has no files."""
        ...

    async def delete(self, names: list[str], /) -> None:
        """Remove objects; missing ones are no error."""
        ...

    async def begin_parts(self, name: str, /) -> str:
        """Begin an upload in parts; its id."""
        ...

    async def put_part(
        self, name: str, upload_id: str, number: int, content: AsyncIterable[bytes], /
    ) -> str:
        """Store part ``number`` (from 1, an empty last part is fine); its ETag. Sending a part again replaces it."""
        ...

    async def complete_parts(
        self, name: str, upload_id: str, parts: list[tuple[int, str]], /
    ) -> ObjectInfo:
        """Join ``(number, etag)`` parts in order of number; completing twice is no error."""
        ...
