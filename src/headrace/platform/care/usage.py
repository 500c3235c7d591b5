"""What takes the space of a lake: files, the database, removals; and by dataset and version, with shared bytes told apart."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Container, Iterable
from contextlib import aclosing
from pathlib import Path

from msgspec import Struct

from headrace.folders.lakes import DATABASE
from headrace.platform.care.object_names import stored_objects, unnamed_objects
from headrace.platform.care.opening import opened_place
from headrace.platform.context import Context
from headrace.platform.core.figures import database_bytes
from headrace.platform.processings.run import LOGS
from headrace.platform.removals.frames import FOLDER as REMOVALS
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress

_DAY_MS = 86_400_000
_END_OF_TIME = 1 << 62
_ROWS = 5_000


class VersionUsage(Struct, kw_only=True):
    """The files of a version.

    Attributes:
        name: The version, as dataset/version.
        deleted: Whether it is deleted, and waits until its deletion can no longer be undone.
        files: How many files it has.
        bytes: Their size.
        shared_bytes: The size of those that another version has too.
    """

    name: str
    deleted: bool = False
    files: int = 0
    bytes: int = 0
    shared_bytes: int = 0


class DatasetUsage(Struct, kw_only=True):
    """The files of all versions of a dataset, each counted once.

    Attributes:
        name: The dataset.
        files: How many files it has.
        bytes: Their size.
        shared_bytes: The size of those that another dataset has too.
        versions: Its versions, the oldest first.
    """

    name: str
    files: int = 0
    bytes: int = 0
    shared_bytes: int = 0
    versions: list[VersionUsage] = []


class LakeUsage(Struct, kw_only=True):
    """What takes the space of a lake, in bytes.

    Attributes:
        files: How many files are registered.
        file_bytes: Their size.
        unused_files: How many of them are in no version.
        unused_bytes: Their size.
        objects: How many files the lake's folder of objects has.
        object_bytes: Their size.
        unregistered: How many of them are not registered: uploads under way, exports, garbage.
        unregistered_bytes: Their size.
        unfinished_bytes: The size of unfinished uploads.
        database_bytes: The size of the database, without the removals that one of PostgreSQL holds.
        log_bytes: The size of its log, which is emptied into it now and then.
        removals: How many removals can be put back.
        removal_bytes: Their size.
        log_file_bytes: The size of the logs of processings.
        datasets: The datasets, by name.
    """

    files: int = 0
    file_bytes: int = 0
    unused_files: int = 0
    unused_bytes: int = 0
    objects: int = 0
    object_bytes: int = 0
    unregistered: int = 0
    unregistered_bytes: int = 0
    unfinished_bytes: int = 0
    database_bytes: int = 0
    log_bytes: int = 0
    removals: int = 0
    removal_bytes: int = 0
    log_file_bytes: int = 0
    datasets: list[DatasetUsage] = []

    @property
    def total(self) -> int:
        """The size of everything in the lake's folder."""
        return (
            self.object_bytes
            + self.unfinished_bytes
            + self.database_bytes
            + self.log_bytes
            + self.removal_bytes
            + self.log_file_bytes
        )


async def lake_usage(
    lake: str | Path,
    *,
    objects: str | os.PathLike[str] | None = None,
    progress: OnProgress | None = None,
) -> LakeUsage:
    """Measure a lake; other processes may use it meanwhile.

    Args:
        lake: The folder of the lake, or ``postgresql://…``.
        objects: Where a platform in a database keeps its files. Default: what the settings say.
        progress: Called with progress events.

    Raises:
        LakeError: The folder is not a lake, or cannot be opened.
    """
    async with opened_place(lake, objects=objects) as context:
        with Progress("du", "files", progress, phase="rows") as shown:
            usage = await _registered(context, shown)
            shown.enter("files")
            async with aclosing(stored_objects(context)) as batches:
                async for batch in batches:
                    usage.objects += len(batch)
                    usage.object_bytes += sum(each.size for each in batch)
            async with aclosing(unnamed_objects(context)) as batches:
                async for batch in batches:
                    usage.unregistered += len(batch)
                    usage.unregistered_bytes += sum(each.size for each in batch)
            now = context.clock()
            usage.unfinished_bytes = (await context.objects.unfinished(now + _DAY_MS)).bytes
            await in_thread(_measure, context.path, usage)
            if context.target is not None:
                await _measure_database(context, usage)
            return usage


async def _measure_database(context: Context, usage: LakeUsage) -> None:
    """Measure a database that many servers may share, which holds the removals too."""
    found = await context.database.fetch_one("care.expired", before=_END_OF_TIME)
    usage.removals, usage.removal_bytes = found or (0, 0)
    size = await database_bytes(context.database)
    usage.database_bytes = max(0, size - usage.removal_bytes)


async def _registered(context: Context, shown: Progress) -> LakeUsage:
    """Count the registered files: each belongs to the versions that have it."""
    usage = LakeUsage()
    versions: dict[int, VersionUsage] = {}
    dataset_of: dict[int, DatasetUsage] = {}
    datasets: dict[int, DatasetUsage] = {}
    for version, no, dataset, name, state in await context.database.fetch("care.versions"):
        of = datasets.setdefault(no, DatasetUsage(name=dataset, versions=[]))
        versions[version] = VersionUsage(name=f"{dataset}/{name}", deleted=state != "ACTIVE")
        of.versions.append(versions[version])
        dataset_of[version] = of
    async with aclosing(_files(context, versions)) as files:
        async for size, users in files:
            usage.files += 1
            usage.file_bytes += size
            if not users:
                usage.unused_files += 1
                usage.unused_bytes += size
            _add([versions[user] for user in users], size)
            _add({id(dataset_of[user]): dataset_of[user] for user in users}.values(), size)
            if usage.files % _ROWS == 0:
                shown.add(_ROWS)
    usage.datasets = [*datasets.values()]
    return usage


def _add(users: Iterable[VersionUsage | DatasetUsage], size: int) -> None:
    every = list(users)
    for user in every:
        user.files += 1
        user.bytes += size
        if len(every) > 1:
            user.shared_bytes += size


async def _files(
    context: Context, versions: Container[int]
) -> AsyncGenerator[tuple[int, list[int]], None]:
    """Stream the registered files: the size of each, and those of the versions that have it."""
    known, size, users = (-1, -1), 0, list[int]()
    rows = context.database.stream("care.files_of_versions", batch=_ROWS)
    async with aclosing(rows) as batches:
        async for batch in batches:
            for bucket, no, length, version in batch:
                if (bucket, no) != known:
                    if known != (-1, -1):
                        yield size, users
                    known, size, users = (bucket, no), length, []
                if version in versions:
                    users.append(version)
    if known != (-1, -1):
        yield size, users


def _measure(lake: Path, usage: LakeUsage) -> None:
    usage.database_bytes = _size_of(lake / DATABASE)
    usage.log_bytes = _size_of(lake / f"{DATABASE}-wal")
    usage.removals, usage.removal_bytes = _size(lake / REMOVALS)
    usage.log_file_bytes = _size(lake / LOGS)[1]


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _size(folder: Path) -> tuple[int, int]:
    count = size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                size += os.lstat(os.path.join(place, name)).st_size
            except FileNotFoundError:
                continue
            count += 1
    return count, size
