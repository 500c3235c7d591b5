"""Read and list objects on S3, as streams."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from headrace.errors import HeadraceError, ObjectNotFoundError
from headrace.storage.objects.base import StoredObject
from headrace.storage.objects.s3.errors import obstore_errors
from headrace.storage.objects.s3.location import S3Location
from headrace.storage.objects.s3.lookup import S3Lookup

if TYPE_CHECKING:
    from obstore.store import S3Store

_CHUNK = 1 << 20
_LISTED = 1000


class S3Reader:
    """Reads the objects of one folder on S3."""

    def __init__(self, store: S3Store, location: S3Location, lookup: S3Lookup) -> None:
        self._store = store
        self._location = location
        self._prefix = location.prefix
        self._lookup = lookup

    async def get(self, name: str, offset: int, length: int | None) -> AsyncGenerator[bytes, None]:
        """Stream an object or a range of it in chunks of about 1 MiB."""
        import obstore

        if length == 0:
            return
        options: Any = {}
        if length is not None:
            options = {"range": (offset, offset + length)}
        elif offset:
            options = {"range": {"offset": offset}}
        try:
            with self._errors("read an object"):
                result = await obstore.get_async(self._store, self._prefix + name, options=options)
        except FileNotFoundError:
            raise ObjectNotFoundError(f"no object {name}") from None
        except HeadraceError:
            # A range beyond the end is refused, as is every range of an empty object; here it is empty.
            found = await self._lookup.head(name) if options else None
            if found is not None and offset >= found[0].size:
                return
            raise
        chunks = result.stream(min_chunk_size=_CHUNK).__aiter__()
        while True:
            with self._errors("read an object"):
                try:
                    chunk = await chunks.__anext__()
                except StopAsyncIteration:
                    return
            yield bytes(chunk)

    async def listed(self, folder: str = "") -> AsyncGenerator[list[StoredObject], None]:
        """List all objects of a folder, whose name ends with a slash, in batches."""
        prefix, count = self._prefix + folder, len(self._prefix)
        batches = self._store.list(prefix or None, chunk_size=_LISTED).__aiter__()
        while True:
            with self._errors("list objects"):
                try:
                    batch = await batches.__anext__()
                except (StopAsyncIteration, FileNotFoundError):
                    return
            yield [
                StoredObject(
                    each["path"][count:],
                    each["size"],
                    int(each["last_modified"].timestamp() * 1000),
                )
                for each in batch
            ]

    def _errors(self, doing: str) -> AbstractContextManager[None]:
        return obstore_errors(self._location.name, self._location.endpoint, doing)
