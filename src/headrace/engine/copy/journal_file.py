"""The SQLite file of a journal: opened under a lock, made again where it is damaged, deleted when it is old."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path
from typing import Any, Self

import apsw

from headrace.errors import ConflictError
from headrace.folders.lock import PathLock

_SCHEMA = """
create table if not exists fact (name text primary key, value text) without rowid;
create table if not exists asset (
    no integer primary key, source blob not null unique, data blob not null, name text not null, size integer,
    width integer, height integer, sha256 blob, metadata blob, target_data blob, own integer not null default 0,
    target blob, annotations blob, content blob, seen integer not null, checked integer not null default 0);
create index if not exists asset_target on asset (target);
create index if not exists asset_data on asset (target_data);
create table if not exists annotation (source blob primary key, asset integer not null, key blob not null) without rowid;
create index if not exists annotation_asset on annotation (asset);
create table if not exists writing (asset integer primary key, present blob not null);
create table if not exists tag (kind text, name text, asset integer, primary key (kind, name, asset)) without rowid;
create temp table present (
    no integer primary key, asset blob unique, data blob, name text, sha256 blob, size integer, width integer,
    height integer);
create index temp.present_name on present (name);
"""
_FILE = "journal.db"
_KEPT_DAYS = 180


class JournalFile:
    """The file of a journal, or a copy of it in memory. Use it as a context manager.

    All methods block, and may be called on any thread. ``run`` numbers the runs of a copy, from 1.
    """

    def __init__(self, folder: Path, key: str, *, scratch: bool = False) -> None:
        self.folder = folder / key
        self.spool = self.folder / "spool"
        self._lock = PathLock(folder / f"{key}.lock")
        self._mutex = threading.RLock()
        self._scratch = scratch
        self.run = 0

    def __enter__(self) -> Self:
        if not self._scratch:
            self.folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self._lock.take():
                raise ConflictError(
                    "the same copy is running already", hint="wait for its end; it can be repeated"
                )
        try:
            self._db = self._opened()
            self.run = int(self.fact("run") or 0) + 1
            self.set_fact("run", str(self.run))
        except BaseException:
            self._lock.free()
            raise
        return self

    def _opened(self) -> apsw.Connection:
        """Open the journal, or a scratch copy of it. A damaged one is dropped: then more is compared."""
        if self._scratch:
            return self._scratched()
        _forget_old(self.folder.parent)
        self.folder.mkdir(exist_ok=True, mode=0o700)
        try:
            return _connected(self.folder / _FILE)
        except (apsw.NotADBError, apsw.CorruptError, apsw.SQLError):
            for path in self.folder.glob(f"{_FILE}*"):
                path.unlink()
            return _connected(self.folder / _FILE)

    def _scratched(self) -> apsw.Connection:
        connection = apsw.Connection("")
        connection.execute(_SCHEMA)
        path = self.folder / _FILE
        if path.exists():
            try:
                connection.execute("attach ? as old", (str(path),))
                for table in ("fact", "asset", "annotation", "writing", "tag"):
                    connection.execute(f"insert into main.{table} select * from old.{table}")
            except (apsw.NotADBError, apsw.CorruptError, apsw.SQLError):
                connection.close()
                connection = apsw.Connection("")
                connection.execute(_SCHEMA)
        return connection

    def __exit__(self, *_: object) -> None:
        self._db.close()
        self._lock.free()

    def fact(self, name: str) -> str | None:
        """Return a fact about the copy."""
        found = self._all("select value from fact where name = ?", (name,))
        return str(found[0][0]) if found else None

    def set_fact(self, name: str, value: str) -> None:
        """Set a fact about the copy."""
        with self._mutex:
            self._db.execute("insert or replace into fact values (?, ?)", (name, value))

    def _all(self, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        with self._mutex:
            return list(self._db.execute(query, values))


def _connected(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    try:
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "normal")
        connection.execute(_SCHEMA)
    except apsw.Error:
        connection.close()
        raise
    return connection


def _forget_old(folder: Path) -> None:
    """Delete the journals of copies that were not repeated for long: a copy without its journal compares more."""
    before = time.time() - _KEPT_DAYS * 86_400
    for path in folder.iterdir():
        try:
            if path.is_dir() and (path / _FILE).stat().st_mtime < before:
                shutil.rmtree(path, ignore_errors=True)
        except OSError:
            continue  # deleted by another process
