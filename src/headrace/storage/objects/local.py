"""Objects as files in one folder: written beside, made durable, renamed into place.

The folders of a name are the folders of the file. What is under way lies in ``.incoming`` and ``.parts`` inside the
same folder, so that a rename publishes it; leftovers of a crash go when the store is opened, once they are old.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

from headrace.errors import BadRequestError, HeadraceError, ObjectNotFoundError
from headrace.model.names import safe_parts
from headrace.storage.objects import files, parts
from headrace.storage.objects.base import ObjectInfo
from headrace.storage.objects.files import CHUNK, Incoming, Outgoing
from headrace.threads import in_thread

P = ParamSpec("P")
T = TypeVar("T")

_STALE_SECONDS = 24 * 3600.0
_STALE_UPLOAD_SECONDS = 7 * 24 * 3600.0


class LocalObjectStore:
    """An :class:`~headrace.storage.objects.base.ObjectStore` in a folder; made by :meth:`open`.

    ``sync`` makes each object durable before it is visible; without it a power cut may lose objects that were stored
    a few seconds before, and :meth:`flush` is the way to be sure of all of them at once.
    """

    def __init__(self, root: Path, *, sync: bool = True) -> None:
        self._root = root
        self._incoming = root / ".incoming"
        self._parts = root / ".parts"
        self._sync = sync
        self._unsynced: set[Path] = set()

    @classmethod
    async def open(cls, root: Path, *, sync: bool = True) -> LocalObjectStore:
        """Open a folder as a store, made if it is not there; drops what old crashes left behind."""
        store = cls(root, sync=sync)
        await in_thread(store._prepare)
        return store

    def _prepare(self) -> None:
        with files.file_errors(self._root):
            for folder in (self._root, self._incoming, self._parts):
                folder.mkdir(mode=0o700, exist_ok=True)
            files.forget_stale(self._incoming, _STALE_SECONDS)
            files.forget_stale(self._parts, _STALE_UPLOAD_SECONDS)

    # --- whole objects ------------------------------------------------------------------------------------

    async def put(self, name: str, content: AsyncIterable[bytes], /) -> ObjectInfo:
        """Store a stream; nothing is visible under the name until all of it is."""
        target = self._path(name)

        def publish(incoming: Incoming) -> ObjectInfo:
            self._publish(incoming, target)
            return files.info(name, incoming)

        return await self._receive(content, publish)

    async def put_file(self, name: str, source: Path, /, *, move: bool = False) -> ObjectInfo:
        """Store a local file: blocks are shared where the file system can, else copied; a ``move`` renames."""
        return await in_thread(self._put_file, name, self._path(name), source, move)

    async def put_files(
        self, sources: Sequence[tuple[str, Path]], /
    ) -> list[ObjectInfo | HeadraceError]:
        """Store local files by name in one trip to a thread; one that fails does not stop the others."""
        targets = [(name, self._path(name), source) for name, source in sources]
        return await in_thread(self._put_files, targets)

    async def head(self, name: str, /) -> ObjectInfo | None:
        """Size and, where the file system keeps attributes, SHA-256 of an object; None where there is none."""
        return (await self.heads([name]))[0]

    async def heads(self, names: Sequence[str], /) -> list[ObjectInfo | None]:
        """What is known of each object, None where there is none; all in one trip to a thread."""
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
        """The bytes of an object in chunks of at most 1 MiB."""
        outgoing = Outgoing(self._path(name), offset, length)
        ended = False

        def read() -> tuple[bytes, bool]:
            try:
                return outgoing.read()
            except FileNotFoundError:
                raise ObjectNotFoundError(f"no object {name}") from None

        try:
            while not ended:
                chunk, ended = await self._run(read)
                if chunk:
                    yield chunk
        finally:
            outgoing.close()

    def local_path(self, name: str, /) -> Path:
        """Where an object lies, whether it is there or not."""
        return self._path(name)

    async def delete(self, names: list[str], /) -> None:
        """Remove objects; missing ones are no error. Folders stay: others may be filling them."""
        paths = [self._path(name) for name in names]
        await self._run(files.unlink, paths)

    async def flush(self) -> None:
        """Make durable what was stored without ``sync``."""
        waiting, self._unsynced = self._unsynced, set()

        def sync_all() -> None:
            for path in waiting:
                files.sync_file(path)
            for folder in {path.parent for path in waiting}:
                files.sync_folder(folder)

        await self._run(sync_all)

    # --- uploads in parts ---------------------------------------------------------------------------------

    async def begin_parts(self, name: str, /) -> str:
        """Begin an upload in parts; its id."""
        self._path(name)
        return await self._run(parts.begin, self._parts, name)

    async def put_part(
        self, name: str, upload_id: str, number: int, content: AsyncIterable[bytes], /
    ) -> str:
        """Store part ``number`` (from 1); its ETag. Sending a part again replaces it."""
        parts.check_number(number)
        place = await self._run(parts.place_of, self._parts, name, upload_id)

        def keep(incoming: Incoming) -> str:
            return parts.keep_part(place, number, incoming, sync=False)

        return await self._receive(content, keep)

    async def complete_parts(
        self, name: str, upload_id: str, listed: list[tuple[int, str]], /
    ) -> ObjectInfo:
        """Join ``(number, etag)`` parts in order of number; completing twice is no error."""
        target = self._path(name)
        place = await self._run(parts.place_of, self._parts, name, upload_id)
        return await self._run(self._complete, name, target, place, listed)

    # --- on threads ---------------------------------------------------------------------------------------

    async def _run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        def run() -> T:
            with files.file_errors(self._root):
                return function(*args, **kwargs)

        return await in_thread(run)

    async def _receive(self, content: AsyncIterable[bytes], finish: Callable[[Incoming], T]) -> T:
        """Write a stream aside in steps of about a megabyte, then ``finish`` it: one hop a step."""
        incoming = Incoming(self._incoming)
        held: list[bytes] = []
        size = 0

        def write_and_finish() -> T:
            incoming.write(held)
            return finish(incoming)

        try:
            async for chunk in content:
                held.append(chunk)
                size += len(chunk)
                if size >= CHUNK:
                    await self._run(incoming.write, held)
                    held, size = [], 0
            return await self._run(write_and_finish)
        finally:
            incoming.discard()

    def _put_file(self, name: str, target: Path, source: Path, move: bool) -> ObjectInfo:
        opened = files.open_source(source)
        incoming = Incoming(self._incoming)
        try:
            with files.file_errors(self._root):
                if not (move and incoming.adopt(source, opened)) and not incoming.clone(opened):
                    incoming.copy(opened)
                self._publish(incoming, target)
                if move:
                    files.unlink([source])
        finally:
            os.close(opened)
            incoming.discard()
        return files.info(name, incoming)

    def _put_files(self, sources: list[tuple[str, Path, Path]]) -> list[ObjectInfo | HeadraceError]:
        stored: list[ObjectInfo | HeadraceError] = []
        for name, target, source in sources:
            try:
                stored.append(self._put_file(name, target, source, move=False))
            except HeadraceError as error:
                stored.append(error)
        return stored

    def _complete(
        self, name: str, target: Path, place: Path, listed: list[tuple[int, str]]
    ) -> ObjectInfo:
        if (stored := parts.concluded(place, name)) is not None:
            return stored
        incoming = Incoming(self._incoming)
        try:
            parts.join(place, name, listed, incoming)
            self._publish(incoming, target)
        finally:
            incoming.discard()
        stored = files.info(name, incoming)
        parts.conclude(place, stored)
        return stored

    def _publish(self, incoming: Incoming, target: Path) -> None:
        incoming.publish(target, sync=self._sync)
        if not self._sync:
            self._unsynced.add(target)

    def _path(self, name: str) -> Path:
        listed = safe_parts(name)
        if "\\" in name or listed[0].startswith("."):
            raise BadRequestError(f"{name!r} cannot name an object")
        return self._root.joinpath(*listed)
