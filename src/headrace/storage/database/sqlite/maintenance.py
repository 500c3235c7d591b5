"""Check and mend the SQLite file of a catalog, on a separate connection."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import apsw

from headrace.errors import CorruptionError
from headrace.storage.database.base import CatalogFault, PageChecksums, VerifiedPart
from headrace.storage.database.sqlite import catalog_file, page_checksums
from headrace.storage.database.sqlite.connection import ConnectionThread
from headrace.storage.database.sqlite.errors import translate
from headrace.threads import in_thread

T = TypeVar("T")

QUICK_PAGES = 16_384
"""Pages that the quick check reads at most: 128 MiB."""
QUICK_SECONDS = 1.0
"""How long the quick check looks at the structure of the database."""

_TOGETHER = 4_096
_MOST_FAULTS = 1_000
_TRIES = 5
_PAUSE = 0.02
_STEPS = 1_000
_BUSY_SECONDS = 30.0
# A page that is not used by SQLite, because file locks lie there.
_LOCK_BYTE = 1 << 30
_TREE = re.compile(r"Tree (\d+) (?:page (\d+))?")
_UNUSED = re.compile(r"Page (\d+): never used")
_UNREADABLE = "unable to get the page"


class SqliteMaintenance:
    """A :class:`~headrace.storage.database.base.DatabaseMaintenance` of the file at ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def checksums(self) -> PageChecksums:
        """Return whether pages have checksums, and whether they are compared."""
        return await self._once(partial(page_checksums.state_of, path=self._path))

    async def quick_check(self) -> None:
        """Check up to 128 MiB of pages, of a larger database at even distances, and the structure of the database for up to a second.

        Raises:
            CorruptionError: Something is damaged.
        """
        await self._once(partial(_quick_check, path=self._path))

    async def verify(self) -> AsyncGenerator[VerifiedPart, None]:
        """Check the structure, the indexes, the references and all pages; yields faults as it proceeds."""
        async with self._connection() as thread:
            yield await thread.run(self._mapped(_structure))
            yield await thread.run(self._mapped(_references))
            first, total = 1, 1
            while first <= total:
                part = await thread.run(self._mapped(partial(_pages, path=self._path, first=first)))
                yield part
                first, total = first + _TOGETHER, part.total

    async def rebuild_indexes(self) -> None:
        """Make all indexes again from their tables."""
        await self._once(lambda connection: connection.execute("reindex"))

    async def add_checksums(self) -> None:
        """Write the database again with checksums on all pages. It must be open nowhere.

        Raises:
            LakeBusyError: It is open elsewhere.
            StorageError: It is damaged, or cannot be written.
        """
        await in_thread(self._rewrite)

    def _rewrite(self) -> None:
        try:
            page_checksums.rewrite(self._path)
        except apsw.Error as error:
            raise translate(error, self._path, None) or error from error
        except OSError as error:
            raise catalog_file.unwritable(self._path, error) from error

    async def _once(self, function: Callable[[apsw.Connection], T]) -> T:
        async with self._connection() as thread:
            return await thread.run(self._mapped(function))

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[ConnectionThread]:
        thread = ConnectionThread(partial(catalog_file.open_any, self._path), _BUSY_SECONDS)
        try:
            yield thread
        finally:
            await thread.close()

    def _mapped(self, function: Callable[[apsw.Connection], T]) -> Callable[[apsw.Connection], T]:
        def run(connection: apsw.Connection) -> T:
            try:
                return function(connection)
            except apsw.Error as error:
                raise translate(error, self._path, connection) or error from error

        return run


# --- on the connection's thread -------------------------------------------------------------------------------


def _quick_check(connection: apsw.Connection, path: Path) -> None:
    # Of a larger database, pages at even distances.
    total = path.stat().st_size // _page_size(connection)
    chosen = range(1, total + 1, -(-total // QUICK_PAGES) or 1)
    damaged = next(_damaged_pages(connection, path, chosen), None)
    if damaged is None:
        deadline = time.monotonic() + QUICK_SECONDS
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        try:
            (found,) = connection.execute("pragma quick_check(1)").fetchone() or ("ok",)
        except apsw.InterruptError:
            found = "ok"  # as far as it came
        finally:
            connection.set_progress_handler(None)
        if found == "ok":
            return
        where = str(found)
    else:
        where = f"page {damaged}"
    raise CorruptionError(
        f"the database {path} is damaged: {_line(where)}",
        hint=f"find out what is hit: headrace check {path.parent}",
    )


def _structure(connection: apsw.Connection) -> VerifiedPart:
    names = _tree_names(connection)
    faults: list[CatalogFault] = []
    try:
        for (message,) in connection.execute(f"pragma integrity_check({_MOST_FAULTS})"):
            if message != "ok":
                lines = [line for line in str(message).splitlines() if _line(line)]
                faults += [_fault(line, names) for line in lines]
    except (apsw.CorruptError, apsw.IOError) as error:
        # The trees are reported before the rows are read.
        if not faults:
            faults.append(CatalogFault("database", "headrace.db", f"cannot be read: {error}"))
    return VerifiedPart("structure", 1, 1, faults)


def _references(connection: apsw.Connection) -> VerifiedPart:
    faults = []
    try:
        for table, row, parent, _ in connection.execute("pragma foreign_key_check"):
            message = f"names a row of {parent} that does not exist"
            faults.append(CatalogFault("reference", f"{table} row {row}", message))
            if len(faults) >= _MOST_FAULTS:
                break
    except (apsw.CorruptError, apsw.IOError):
        pass  # reported with the structure, and by its page
    return VerifiedPart("references", 1, 1, faults)


def _pages(connection: apsw.Connection, path: Path, first: int) -> VerifiedPart:
    total = path.stat().st_size // _page_size(connection)
    last = min(first + _TOGETHER - 1, total)
    damaged = _damaged_pages(connection, path, range(first, last + 1))
    faults = [
        CatalogFault("page", f"page {page}", "its checksum does not match") for page in damaged
    ]
    return VerifiedPart("pages", last, total, faults)


def _damaged_pages(connection: apsw.Connection, path: Path, pages: Iterable[int]) -> Iterator[int]:
    """Yield the pages whose checksums do not match; none of a file that has no checksums."""
    if page_checksums.state_of(connection, path) is not PageChecksums.VERIFIED:
        return
    size = _page_size(connection)
    for page in pages:
        if (page - 1) * size != _LOCK_BYTE and not _is_sound(connection, (page - 1) * size, size):
            yield page


def _is_sound(connection: apsw.Connection, offset: int, size: int) -> bool:
    for attempt in range(_TRIES):
        try:
            connection.read("main", 0, offset, size)
        except apsw.Error:
            # Another process may be writing this page.
            if attempt + 1 < _TRIES:
                time.sleep(_PAUSE)
        else:
            return True
    return False


def _page_size(connection: apsw.Connection) -> int:
    size = connection.pragma("page_size")
    assert isinstance(size, int)
    return size


def _tree_names(connection: apsw.Connection) -> dict[int, str]:
    try:
        rows = connection.execute(
            "select rootpage, type, name from sqlite_schema where rootpage > 0"
        )
        return {1: "the schema"} | {root: f"{kind} {name}" for root, kind, name in rows}
    except (apsw.CorruptError, apsw.IOError):
        return {}


def _fault(message: str, names: dict[int, str]) -> CatalogFault:
    found = _TREE.search(message)
    text = _line(message)
    if found is not None:
        tree = names.get(int(found[1]), f"tree {found[1]}")
        place = tree if found[2] is None else f"{tree}, page {found[2]}"
        text = "a page cannot be read" if _UNREADABLE in message else _line(message[found.end() :])
        return CatalogFault("page", place, text.lstrip(": "))
    if (found := _UNUSED.match(message)) is not None:
        return CatalogFault("page", f"page {found[1]}", "no table or index leads to it")
    if " index " in message:
        return CatalogFault("index", f"index {message.rpartition(' ')[2]}", text)
    return CatalogFault("database", "headrace.db", text)


def _line(message: str) -> str:
    return " ".join(message.replace("*** in database main ***", "").split())
