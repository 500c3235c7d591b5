"""Copy the objects that a catalog names from one store to another: only what is missing there, and verified."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from headrace.errors import BadRequestError, DiskFullError, HeadraceError, StorageError
from headrace.platform.care.object_names import CatalogedObject
from headrace.storage.database.base import Statements
from headrace.storage.objects.base import ObjectInfo, ObjectStore
from headrace.tasks import map_bounded
from headrace.transfer.progress import Progress

PAGE = 1000
"""Objects that are looked up with one call."""

_TOGETHER = 128
_BYTES_TOGETHER = 64 << 20
_STREAMS = 16


class NotCopied(Struct, frozen=True):
    """An object that was not copied. ``gone``: the store does not have it; else its content is not what it must be."""

    name: str
    gone: bool


class ObjectCopier:
    """Copies objects from ``source`` to ``target``, and counts what it has copied."""

    def __init__(self, source: ObjectStore, target: ObjectStore, progress: Progress) -> None:
        self._source = source
        self._target = target
        self._progress = progress
        self.copied = 0
        self.bytes = 0

    async def missing(self, wanted: Sequence[CatalogedObject]) -> list[CatalogedObject]:
        """Return those objects that the target does not have with their size and, where it is known, their digest."""
        heads = await self._target.heads([each.name for each in wanted])
        return [each for each, head in zip(wanted, heads, strict=True) if not _is_same(each, head)]

    async def copy(self, wanted: Sequence[CatalogedObject]) -> list[NotCopied]:
        """Copy what is missing; returns what could not be copied.

        Raises:
            StorageError: The target cannot be written.
        """
        missing = await self.missing(wanted)
        self._progress.add(len(wanted) - len(missing))
        failed: list[NotCopied] = []
        for group in _groups(missing):
            outcomes = await self._store(group)
            for each, outcome in zip(group, outcomes, strict=True):
                if _is_same(each, outcome):
                    self.copied += 1
                    self.bytes += each.size
                    self._progress.add(bytes=each.size)
                else:
                    failed.append(await self._failed(each, outcome))
        return failed

    async def _store(self, group: list[CatalogedObject]) -> list[ObjectInfo | HeadraceError]:
        paths = [self._source.local_path(each.name) for each in group]
        files = [
            (each.name, Path(path))
            for each, path in zip(group, paths, strict=True)
            if path is not None
        ]
        if len(files) == len(group):
            return await self._target.put_files(files)
        return await map_bounded(self._store_one, group, concurrency=_STREAMS)

    async def _store_one(self, each: CatalogedObject) -> ObjectInfo | HeadraceError:
        try:
            return await self._target.put(each.name, self._source.get(each.name))
        except HeadraceError as error:
            return error

    async def _failed(
        self, wanted: CatalogedObject, outcome: ObjectInfo | HeadraceError
    ) -> NotCopied:
        """Find out why an object was not copied; raises the error where it is the target's."""
        if isinstance(outcome, ObjectInfo):
            await self._target.delete([wanted.name])
        elif isinstance(outcome, DiskFullError) or await self._is_sound(wanted):
            raise outcome
        self._progress.fail()
        return NotCopied(wanted.name, await self._source.head(wanted.name) is None)

    async def _is_sound(self, wanted: CatalogedObject) -> bool:
        digest, size = sha256(), 0
        try:
            async for chunk in self._source.get(wanted.name):
                digest.update(chunk)
                size += len(chunk)
        except StorageError:
            return False
        return _is_same(wanted, ObjectInfo(wanted.name, size, digest.digest()))


async def paged_objects(
    statements: Statements, objects: ObjectStore
) -> AsyncGenerator[list[CatalogedObject], None]:
    """Stream the objects that a catalog names, the oldest first: files of data, and instructions of campaigns.

    Each page is read by itself, so that no snapshot is held meanwhile. An object that two data name comes twice.
    """
    bucket, after = -1, 0
    while rows := await statements.fetch("care.objects", bucket=bucket, after=after, limit=PAGE):
        yield [CatalogedObject(*row[2:]) for row in rows if row[3] is not None]
        bucket, after = rows[-1][:2]
    after = 0
    while rows := await statements.fetch("care.instructions", after=after, limit=PAGE):
        names = [name for _, name in rows if _may_be_object(objects, name)]
        heads = await objects.heads(names)
        yield [
            CatalogedObject(head.name, head.size, head.sha256 or None)
            for head in heads
            if head is not None
        ]
        after = rows[-1][0]


def _is_same(wanted: CatalogedObject, found: ObjectInfo | HeadraceError | None) -> bool:
    return (
        isinstance(found, ObjectInfo)
        and found.size == wanted.size
        and (not found.sha256 or not wanted.sha256 or found.sha256 == wanted.sha256)
    )


def _may_be_object(objects: ObjectStore, name: str) -> bool:
    """Whether an object may have this name; instructions of campaigns are named by their authors."""
    try:
        objects.check_name(name)
    except BadRequestError:
        return False
    return True


def _groups(wanted: Sequence[CatalogedObject]) -> Iterator[list[CatalogedObject]]:
    """Split what is to be copied, so that a call neither takes long nor copies a file alone that could go with others."""
    group: list[CatalogedObject] = []
    size = 0
    for each in wanted:
        if group and (len(group) == _TOGETHER or size + each.size > _BYTES_TOGETHER):
            yield group
            group, size = [], 0
        group.append(each)
        size += each.size
    if group:
        yield group
