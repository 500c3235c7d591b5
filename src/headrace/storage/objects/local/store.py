"""Objects as files in one folder: written to a temporary file, flushed to the disk, renamed into place.

The folders of a name are the folders of the file. Unfinished files are in ``.incoming`` and ``.parts`` inside the same
folder, so that a rename publishes them; opening the store removes the old ones that a crash left behind.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import ParamSpec, TypeVar

from headrace.errors import HeadraceError, NotFoundError, ObjectNotFoundError
from headrace.file_system import sync_folder
from headrace.storage.objects import file_errors, source_file
from headrace.storage.objects.base import ObjectInfo, Replacing, Stamp, StoredObject, Unfinished
from headrace.storage.objects.local import clearing, files, moves, parts
from headrace.storage.objects.local.batch import ObjectBatch
from headrace.storage.objects.local.files import ObjectReader, ObjectWriter
from headrace.storage.objects.names import check_part_number, object_parts
from headrace.storage.objects.source_file import CHUNK
from headrace.threads import in_thread

P = ParamSpec("P")
T = TypeVar("T")

STORE_FOLDERS = (".incoming", ".parts")
"""The folders that a store keeps for what is not complete."""

_KNOWN_PATHS = 1024
_LISTED = 1000
_STALE_SECONDS = 24 * 3600.0
_STALE_UPLOAD_SECONDS = 7 * 24 * 3600.0


class LocalObjectStore:
    """An :class:`~headrace.storage.objects.base.ObjectStore` in a folder; :meth:`open` creates it.

    With ``sync``, each object is flushed to the disk before it becomes visible. Without it, a power failure may lose
    the objects of the last seconds; :meth:`flush` flushes all of them at once.

    An object is stored under a free name in one step that never replaces. Where the name is taken, ``replacing`` makes
    the block inside which the object is replaced, or forbids it; by default it may be.
    """

    direct = None
    locked = True

    def __init__(
        self, root: Path, *, sync: bool = True, replacing: Replacing = lambda name: nullcontext()
    ) -> None:
        self._root = root
        self._incoming, self._parts = (root / name for name in STORE_FOLDERS)
        self._sync = sync
        self._replacing = replacing
        self._opened: Stamp | None = None
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
        with file_errors.file_errors(self._root):
            for folder in (self._root, self._incoming, self._parts):
                folder.mkdir(mode=0o700, exist_ok=True)
            files.remove_stale(self._incoming, _STALE_SECONDS)
            files.remove_stale(self._parts, _STALE_UPLOAD_SECONDS)
            self._opened = _folder_stamp(self._root)

    # --- whole objects ------------------------------------------------------------------------------------

    async def put(self, name: str, content: AsyncIterable[bytes], /) -> ObjectInfo:
        """Store a stream; the object becomes visible when it is complete."""
        target = self._path(name)
        writer = ObjectWriter(self._incoming)
        try:
            if not await self._receive(writer, content, lambda: self._publish(writer, target)):
                await self._replace(name, writer, target)
        finally:
            writer.discard()
        return files.object_info(name, writer)

    async def put_file(self, name: str, source: Path, /, *, move: bool = False) -> ObjectInfo:
        """Store a local file: shares its blocks if the file system can, else copies; with ``move``, renames."""
        target = self._path(name)
        writer = ObjectWriter(self._incoming)
        try:
            if not await in_thread(self._put_file, writer, target, source, move):
                await self._replace(name, writer, target)
            if move:
                await self._run(moves.unlink, [source])
        finally:
            writer.discard()
        return files.object_info(name, writer)

    async def put_files(
        self, sources: Sequence[tuple[str, Path]], /
    ) -> list[ObjectInfo | HeadraceError]:
        """Store local files by name in one thread call, synced together; a failed one does not stop the others."""
        targets = [(name, self._path(name), source) for name, source in sources]
        batch = await in_thread(self._put_files, targets)
        if batch.taken:
            try:
                for index in batch.taken:
                    await self._replace_in(batch, index, sources[index][0])
            finally:
                await in_thread(batch.close)
        return batch.outcomes

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

    async def receive(self, names: Sequence[str], /) -> list[ObjectInfo | None]:
        """Look up objects, as :meth:`heads` does: uploads get their names when they are complete."""
        return await self.heads(names)

    async def unchanged(self, infos: Sequence[ObjectInfo], /) -> list[bool]:
        """Whether each object is still the one that was looked up, in one thread call."""
        looked_up = [(self._path(info.name), info) for info in infos]
        return await self._run(files.unchanged, looked_up)

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

    def check_name(self, name: str, /) -> None:
        """Raise :class:`~headrace.errors.BadRequestError` for what cannot name an object."""
        self._path(name)

    def local_path(self, name: str, /) -> str:
        """Return the path of an object, whether it exists or not."""
        return self._path(name)

    async def listed(self) -> AsyncIterator[list[StoredObject]]:
        """List all objects in batches, a thread call each."""
        found = files.walk(self._root)
        while batch := await self._run(_take, found):
            yield batch

    async def check_present(self) -> None:
        """Raise :class:`~headrace.errors.LakeLostError` where the folder was deleted, moved or replaced."""
        await self._run(self._check_present)

    async def delete(self, names: list[str], /) -> None:
        """Delete objects; missing ones are ignored. Folders stay: other writers may be using them."""
        paths = [self._path(name) for name in names]
        await self._run(moves.unlink, paths)

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
                sync_folder(folder)

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
        check_part_number(number)
        folder = await self._run(parts.upload_folder, self._parts, name, upload_id)
        writer = ObjectWriter(self._incoming)
        try:
            return await self._receive(
                writer, content, lambda: parts.store_part(folder, number, writer, sync=False)
            )
        finally:
            writer.discard()

    async def complete_parts(
        self, name: str, upload_id: str, listed: list[tuple[int, str]], /
    ) -> ObjectInfo:
        """Join ``(number, etag)`` parts in order of number; may be called again with the same result."""
        target = self._path(name)
        folder = await self._run(parts.upload_folder, self._parts, name, upload_id)
        stored = await self._run(parts.completed_object, folder, name)
        if stored is not None:
            if await self.head(name) is None:
                raise NotFoundError(
                    f"{name} was deleted after its upload", hint="begin the upload again"
                )
            return stored
        writer = ObjectWriter(self._incoming)

        def join() -> bool:
            parts.join_parts(folder, name, listed, writer)
            return self._publish(writer, target)

        try:
            if not await self._run(join):
                await self._replace(name, writer, target)
        finally:
            writer.discard()
        stored = files.object_info(name, writer)
        await self._run(parts.mark_completed, folder, stored)
        return stored

    async def abort_parts(self, name: str, upload_id: str, /) -> None:
        """End a multipart upload and delete its parts; one that is not there is ignored."""
        self._path(name)
        await self._run(parts.abort_upload, self._parts, name, upload_id)

    async def aclose(self) -> None:
        """Do nothing: a folder is not connected to."""

    def discard(self) -> None:
        """Do nothing, for the same reason."""

    # --- on threads ---------------------------------------------------------------------------------------

    async def _run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        def run() -> T:
            with file_errors.file_errors(self._root):
                return function(*args, **kwargs)

        return await in_thread(run)

    async def _receive(
        self, writer: ObjectWriter, content: AsyncIterable[bytes], finish: Callable[[], T]
    ) -> T:
        """Write a stream in steps of about a megabyte, one thread call each, then call ``finish``."""
        held: list[bytes] = []
        size = 0

        def write_and_finish() -> T:
            writer.write(held)
            return finish()

        async for chunk in content:
            held.append(chunk)
            size += len(chunk)
            if size >= CHUNK:
                await self._run(writer.write, held)
                held, size = [], 0
        return await self._run(write_and_finish)

    async def _replace(self, name: str, writer: ObjectWriter, target: str) -> None:
        """Put a written object in the place of another one, where that is permitted."""
        async with self._replacing(name):
            await self._run(lambda: writer.replace(target, sync=False))
        if self._sync:
            await self._run(sync_folder, os.path.dirname(target))
        else:
            self._unsynced.add(target)

    async def _replace_in(self, batch: ObjectBatch, index: int, name: str) -> None:
        try:
            async with self._replacing(name):
                await in_thread(batch.replace, index)
        except HeadraceError as error:
            batch.outcomes[index] = error

    def _put_file(self, writer: ObjectWriter, target: str, source: Path, move: bool) -> bool:
        opened = source_file.open_source(source)
        try:
            with file_errors.file_errors(self._root):
                if not (move and writer.adopt(source, opened)) and not writer.clone(opened):
                    writer.copy(opened)
                return self._publish(writer, target)
        finally:
            os.close(opened)

    def _put_files(self, sources: list[tuple[str, str, Path]]) -> ObjectBatch:
        """Store files; the batch stays open where names are taken."""
        with file_errors.file_errors(self._root):
            self._check_present()
            batch = ObjectBatch(self._root, self._incoming, sync=self._sync)
        try:
            for name, target, source in sources:
                batch.add(name, target, source)
            batch.publish()
        except BaseException:
            batch.close()
            raise
        if not batch.taken:
            batch.close()
        if not self._sync:
            self._unsynced.update(target for _, target, _ in sources)
        return batch

    def _publish(self, writer: ObjectWriter, target: str) -> bool:
        """Give a written object its name; False where the name is taken."""
        self._check_present()
        published = writer.publish_new(target, sync=self._sync)
        if published and not self._sync:
            self._unsynced.add(target)
        return published

    def _check_present(self) -> None:
        """Raise an error where the folder is not the one that was prepared: what is stored there would be lost."""
        if self._opened is not None and _folder_stamp(self._root) != self._opened:
            raise file_errors.lost(self._root)

    def _find_path(self, name: str) -> str:
        return os.sep.join((str(self._root), *object_parts(name)))


def _take(found: Iterator[StoredObject]) -> list[StoredObject]:
    return list(islice(found, _LISTED))


def _folder_stamp(folder: Path) -> Stamp:
    found = os.stat(folder)
    return found.st_dev, found.st_ino
