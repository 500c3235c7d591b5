"""Objects as files in one folder: written to a temporary file, flushed to the disk, renamed into place.

The folders of a name are the folders of the file. Unfinished files are in ``.incoming`` and ``.parts`` inside the same
folder, so that a rename publishes them; opening the store removes the old ones that a crash left behind.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import ParamSpec, TypeVar

from headrace.errors import BadRequestError, HeadraceError, ObjectNotFoundError
from headrace.model.names import safe_parts
from headrace.storage.objects import clearing, files, parts
from headrace.storage.objects.base import ObjectInfo, StoredObject, Unfinished
from headrace.storage.objects.batch import ObjectBatch
from headrace.storage.objects.files import CHUNK, ObjectReader, ObjectWriter
from headrace.threads import in_thread

P = ParamSpec("P")
T = TypeVar("T")

_KNOWN_PATHS = 1024
_LISTED = 1000
_STALE_SECONDS = 24 * 3600.0
_STALE_UPLOAD_SECONDS = 7 * 24 * 3600.0


class LocalObjectStore:
    """An :class:`~headrace.storage.objects.base.ObjectStore` in a folder; :meth:`open` creates it.

    With ``sync``, each object is flushed to the disk before it becomes visible. Without it, a power failure may lose
    the objects of the last seconds; :meth:`flush` flushes all of them at once.
    """

    def __init__(self, root: Path, *, sync: bool = True) -> None:
        self._root = root
        self._incoming = root / ".incoming"
        self._parts = root / ".parts"
        self._sync = sync
        self._unsynced: set[str] = set()
        # A file is looked at several times while it is stored and registered.
        self._path = lru_cache(_KNOWN_PATHS)(self._find_path)

    @classmethod
    async def open(cls, root: Path, *, sync: bool = True) -> LocalObjectStore:
        """Open a folder as a store; creates it if needed and removes old unfinished files."""
        store = cls(root, sync=sync)
        await store.prepare()
        return store

    async def prepare(self) -> None:
        """Create the folders of the store and remove old unfinished files. Objects can be read without it."""
        await in_thread(self._prepare)

    def _prepare(self) -> None:
        with files.file_errors(self._root):
            for folder in (self._root, self._incoming, self._parts):
                folder.mkdir(mode=0o700, exist_ok=True)
            files.remove_stale(self._incoming, _STALE_SECONDS)
            files.remove_stale(self._parts, _STALE_UPLOAD_SECONDS)

    # --- whole objects ------------------------------------------------------------------------------------

    async def put(self, name: str, content: AsyncIterable[bytes], /) -> ObjectInfo:
        """Store a stream; the object becomes visible when it is complete."""
        target = self._path(name)

        def publish(writer: ObjectWriter) -> ObjectInfo:
            self._publish(writer, target)
            return files.object_info(name, writer)

        return await self._receive(content, publish)

    async def put_file(self, name: str, source: Path, /, *, move: bool = False) -> ObjectInfo:
        """Store a local file: shares its blocks if the file system can, else copies; with ``move``, renames."""
        return await in_thread(self._put_file, name, self._path(name), source, move)

    async def put_files(
        self, sources: Sequence[tuple[str, Path]], /
    ) -> list[ObjectInfo | HeadraceError]:
        """Store local files by name in one thread call, synced together; a failed one does not stop the others."""
        targets = [(name, self._path(name), source) for name, source in sources]
        return await in_thread(self._put_files, targets)

    async def head(self, name: str, /) -> ObjectInfo | None:
        """Look up an object; None if it does not exist. The digest is known if the file system has attributes."""
        return (await self.heads([name]))[0]

    async def heads(self, names: Sequence[str], /) -> list[ObjectInfo | None]:
        """Look up objects in one thread call; None for each that does not exist."""
        paths = [self._path(name) for name in names]

        def look() -> list[ObjectInfo | None]:
            found = map(files.stat_object, paths)
            return [
                None if each is None else ObjectInfo(name, *each)
                for name, each in zip(names, found, strict=True)
            ]

        return await self._run(look)

    async def get(
        self, name: str, /, *, offset: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        """Stream an object in chunks of at most 1 MiB."""
        reader = ObjectReader(self._path(name), offset, length)
        ended = False

        def read() -> tuple[bytes, bool]:
            try:
                return reader.read()
            except FileNotFoundError:
                raise ObjectNotFoundError(f"no object {name}") from None

        try:
            while not ended:
                chunk, ended = await self._run(read)
                if chunk:
                    yield chunk
        finally:
            reader.close()

    def local_path(self, name: str, /) -> str:
        """Return the path of an object, whether it exists or not."""
        return self._path(name)

    async def listed(self) -> AsyncIterator[list[StoredObject]]:
        """List all objects in batches, a thread call each."""
        found = files.walk(self._root)
        while batch := await self._run(_take, found):
            yield batch

    async def delete(self, names: list[str], /) -> None:
        """Delete objects; missing ones are ignored. Folders stay: other writers may be using them."""
        paths = [self._path(name) for name in names]
        await self._run(files.unlink, paths)

    async def delete_before(self, names: Sequence[str], before: int, /) -> list[str]:
        """Delete those of the objects that were stored before a time (ms since 1970); returns their names."""
        paths = [(name, self._path(name)) for name in names]

        def delete() -> list[str]:
            return [*clearing.delete_before(paths, before, self._incoming)]

        return await self._run(delete)

    async def unfinished(self, before: int, /, *, delete: bool = False) -> Unfinished:
        """Count the uploads that went on last before a time (ms since 1970) and never ended; with ``delete``, remove them."""
        folders = [self._incoming, self._parts]
        return await self._run(clearing.unfinished, folders, before, delete=delete)

    async def flush(self) -> None:
        """Flush to the disk what was stored without ``sync``."""
        waiting, self._unsynced = self._unsynced, set()

        def sync_all() -> None:
            for path in waiting:
                files.sync_file(path)
            for folder in set(map(os.path.dirname, waiting)):
                files.sync_folder(folder)

        await self._run(sync_all)

    # --- multipart uploads --------------------------------------------------------------------------------

    async def begin_parts(self, name: str, /) -> str:
        """Begin a multipart upload; returns its id."""
        self._path(name)
        return await self._run(parts.begin_upload, self._parts, name)

    async def put_part(
        self, name: str, upload_id: str, number: int, content: AsyncIterable[bytes], /
    ) -> str:
        """Store part ``number`` (from 1); returns its ETag. Sending a part again replaces it."""
        parts.check_number(number)
        folder = await self._run(parts.upload_folder, self._parts, name, upload_id)

        def store(writer: ObjectWriter) -> str:
            return parts.store_part(folder, number, writer, sync=False)

        return await self._receive(content, store)

    async def complete_parts(
        self, name: str, upload_id: str, listed: list[tuple[int, str]], /
    ) -> ObjectInfo:
        """Join ``(number, etag)`` parts in order of number; may be called again with the same result."""
        target = self._path(name)
        folder = await self._run(parts.upload_folder, self._parts, name, upload_id)
        return await self._run(self._complete, name, target, folder, listed)

    # --- on threads ---------------------------------------------------------------------------------------

    async def _run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        def run() -> T:
            with files.file_errors(self._root):
                return function(*args, **kwargs)

        return await in_thread(run)

    async def _receive(
        self, content: AsyncIterable[bytes], finish: Callable[[ObjectWriter], T]
    ) -> T:
        """Write a stream in steps of about a megabyte, one thread call each, then call ``finish``."""
        writer = ObjectWriter(self._incoming)
        held: list[bytes] = []
        size = 0

        def write_and_finish() -> T:
            writer.write(held)
            return finish(writer)

        try:
            async for chunk in content:
                held.append(chunk)
                size += len(chunk)
                if size >= CHUNK:
                    await self._run(writer.write, held)
                    held, size = [], 0
            return await self._run(write_and_finish)
        finally:
            writer.discard()

    def _put_file(self, name: str, target: str, source: Path, move: bool) -> ObjectInfo:
        opened = files.open_source(source)
        writer = ObjectWriter(self._incoming)
        try:
            with files.file_errors(self._root):
                if not (move and writer.adopt(source, opened)) and not writer.clone(opened):
                    writer.copy(opened)
                self._publish(writer, target)
                if move:
                    files.unlink([source])
        finally:
            os.close(opened)
            writer.discard()
        return files.object_info(name, writer)

    def _put_files(self, sources: list[tuple[str, str, Path]]) -> list[ObjectInfo | HeadraceError]:
        with files.file_errors(self._root):
            batch = ObjectBatch(self._root, self._incoming, sync=self._sync)
        try:
            for name, target, source in sources:
                batch.add(name, target, source)
            stored = batch.publish()
        finally:
            batch.close()
        if not self._sync:
            self._unsynced.update(target for _, target, _ in sources)
        return stored

    def _complete(
        self, name: str, target: str, folder: Path, listed: list[tuple[int, str]]
    ) -> ObjectInfo:
        if (stored := parts.completed_object(folder, name)) is not None:
            return stored
        writer = ObjectWriter(self._incoming)
        try:
            parts.join_parts(folder, name, listed, writer)
            self._publish(writer, target)
        finally:
            writer.discard()
        stored = files.object_info(name, writer)
        parts.mark_completed(folder, stored)
        return stored

    def _publish(self, writer: ObjectWriter, target: str) -> None:
        writer.publish(target, sync=self._sync)
        if not self._sync:
            self._unsynced.add(target)

    def _find_path(self, name: str) -> str:
        listed = safe_parts(name)
        if "\\" in name or listed[0].startswith("."):
            raise BadRequestError(f"{name!r} cannot name an object")
        return os.sep.join((str(self._root), *listed))


def _take(found: Iterator[StoredObject]) -> list[StoredObject]:
    return list(islice(found, _LISTED))
