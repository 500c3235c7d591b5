"""Copy the files of a migration: objects, and the records of removals that can be undone."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from headrace.errors import CorruptionError, StorageError
from headrace.platform.care.object_copy import PAGE, ObjectCopier, paged_objects
from headrace.platform.migration.report import MigrationReport
from headrace.platform.removals.frames import file_of
from headrace.platform.removals.parts import load_file, save_file
from headrace.storage.database.base import Database, Statements
from headrace.storage.database.locks import Lock
from headrace.storage.objects.base import ObjectStore
from headrace.storage.objects.file_errors import file_errors
from headrace.transfer.progress import Progress

EXAMPLES = 100
"""Names of missing files that a report has."""

OnError = Literal["raise", "skip"]


class FileCopy:
    """Copies the objects that a catalog names from ``source`` to ``target``, and counts them.

    ``statements`` is the catalog; ``shown`` counts the files.
    """

    def __init__(
        self, statements: Statements, source: ObjectStore, target: ObjectStore, shown: Progress
    ) -> None:
        self._statements = statements
        self._source = source
        self._copier = ObjectCopier(source, target, shown)
        self._shown = shown
        self.files = self.bytes = self.missing_count = 0
        self.missing: list[str] = []

    def added_to(self, report: MigrationReport, lost_removals: int = 0) -> MigrationReport:
        """Return a report with what is known of the files, and with how many removals have lost their records."""
        return replace(
            report,
            files=self.files,
            bytes=self.bytes,
            copied=self._copier.copied,
            copied_bytes=self._copier.bytes,
            missing=self.missing,
            missing_count=self.missing_count,
            lost_removals=lost_removals,
        )

    async def run(self, on_error: OnError) -> None:
        """Copy what is not there yet with the size and the digest that it must have.

        Raises:
            StorageError: The source lacks files or has them damaged, and ``on_error`` is ``raise``.
        """
        (self._shown.total,) = await self._statements.fetch_one("care.count") or (0,)
        async for page in paged_objects(self._statements, self._source):
            lost = {each.name for each in await self._copier.copy(page)}
            self.files += len(page) - len(lost)
            self.bytes += sum(each.size for each in page if each.name not in lost)
            self.missing_count += len(lost)
            self.missing += sorted(lost)[: max(0, EXAMPLES - len(self.missing))]
        if self.missing_count and on_error == "raise":
            raise StorageError(
                f"{self.missing_count:,} files are missing or damaged, such as {self.missing[0]}",
                hint="restore them, or go on without them: on_error='skip'",
            )

    async def count(self) -> None:
        """Count what would be copied to an empty store."""
        async for page in paged_objects(self._statements, self._source):
            self.files += len(page)
            self.bytes += sum(each.size for each in page)
            self._shown.add(len(page))


async def load_removals(statements: Statements, lake: Path, database: Database) -> int:
    """Copy the records of removals from a lake's files into the rows of a database; returns how many are not there.

    Raises:
        StorageError: One cannot be read.
    """
    lost = 0
    async for no, size in _removals(statements):
        if await database.fetch_one("removal_parts.at", removal=no, start=0) is not None:
            continue
        try:
            async with database.transaction(Lock.organization(0)) as tx:
                await load_file(tx, no, file_of(lake, no), size)
        except CorruptionError:
            lost += 1
    return lost


async def save_removals(statements: Statements, database: Database, lake: Path) -> int:
    """Copy the records of removals from the rows of a database into a lake's files; returns how many are not there.

    Raises:
        StorageError: One cannot be written.
    """
    lost = 0
    with file_errors(lake):
        async for no, size in _removals(statements):
            if await save_file(database, no, file_of(lake, no)) < size:
                lost += 1
    return lost


async def _removals(statements: Statements) -> AsyncGenerator[tuple[int, int], None]:
    """Yield the removals that have records, and how many bytes of these count."""
    after = 0
    while rows := await statements.fetch("care.removals", after=after, limit=PAGE):
        for no, size in rows:
            yield no, size
        after = rows[-1][0]
