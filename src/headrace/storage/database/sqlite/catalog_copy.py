"""Copy the file of a catalog while others write it: page by page, from one snapshot.

All functions run on the thread of the connection that reads the catalog. Its read transaction keeps the snapshot, so writers
go on and the copy never begins again; until its end the log (``-wal``) cannot be emptied and grows by what is written.
"""

from __future__ import annotations

from pathlib import Path

import apsw

from headrace.errors import CorruptionError
from headrace.storage.database.sqlite import catalog_file, page_checksums
from headrace.storage.database.sqlite.errors import translate

_FLAGS = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOMUTEX
_PAGES = 1000
"""Pages that one step copies."""


class CatalogCopy:
    """A copy of a catalog in a new file, which only its owner can read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._target: apsw.Connection | None = None
        self._backup: apsw.Backup | None = None

    def begin(self, source: apsw.Connection) -> None:
        """Create the file, and take the snapshot that is copied."""
        catalog_file.create_for_copy(self._path, source)
        source.execute("begin")
        source.execute("select count(*) from sqlite_schema").fetchall()
        try:
            self._target = page_checksums.connect(str(self._path), _FLAGS)
            # Without a log, each page is written once.
            self._target.pragma("journal_mode", "delete")
            self._backup = self._target.backup("main", source, "main")
        except apsw.Error as error:
            raise translate(error, self._path, None) or error from error

    def step(self, source: apsw.Connection) -> bool:
        """Copy some pages; returns False once all are copied."""
        assert self._backup is not None
        try:
            self._backup.step(_PAGES)
        except apsw.FullError as error:
            raise translate(error, self._path, None) or error from error
        return not self._backup.done

    def finish(self, source: apsw.Connection) -> None:
        """End the copy, and check its structure.

        Raises:
            CorruptionError: The catalog is damaged.
        """
        assert self._backup is not None
        assert self._target is not None
        try:
            self._backup.finish()
            ((found,),) = self._target.execute("pragma quick_check(1)").fetchall()
        except apsw.Error as error:
            raise translate(error, self._path, None) or error from error
        if found != "ok":
            raise CorruptionError(
                f"the database is damaged: {found}",
                hint="headrace check LAKE names what is damaged; earlier backups are as they were",
            )

    def close(self, source: apsw.Connection) -> None:
        """Let go of the file and of the snapshot. Idempotent."""
        backup, self._backup = self._backup, None
        if backup is not None:
            backup.close(True)
        target, self._target = self._target, None
        if target is not None:
            target.close(True)
        if source.in_transaction:
            source.execute("rollback")
