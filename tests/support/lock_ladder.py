"""Check on a lake that every transaction holds the locks which PostgreSQL would need.

SQLite has one writer and ignores locks, so a wrong one would go unnoticed here. While :func:`checked_locks` is entered,
each transaction of a lake in this process is checked:

- All its locks are taken when it begins, or, after an idempotency key, once. A late lock could wait in a ring.
- A statement with the rows of a version runs under the version's lock: alone if it changes them, shared at least if not;
  rows of assets may also be written under the shared lock and that of their stripe. The same of datasets and datalakes
  for the statements that change them.
- Numbers are not taken from a row that the transaction has changed: the connection that takes them would wait for it.
- No object is read or written, and no job is waited for, while it is open.

What is wrong is raised, and kept in :data:`VIOLATIONS`, since background work logs its errors.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import cache, wraps
from typing import Any

import pytest

from headrace.platform.core.locking import STRIPE
from headrace.platform.jobs.runner import JobRunner
from headrace.storage.database.base import Row, Transaction
from headrace.storage.database.locks import ONE_STATEMENT, Lock, LockKind, uncovered
from headrace.storage.database.sqlite.database import SqliteDatabase
from headrace.storage.objects.local.store import LocalObjectStore

VIOLATIONS: list[str] = []

OBJECT_CALLS = (
    "put",
    "put_file",
    "put_files",
    "head",
    "heads",
    "begin_parts",
    "put_part",
    "complete_parts",
)
"""What may not be called inside a transaction. ``unchanged`` and ``delete`` may: a lake looks and deletes in one short
step under the lock of the organization."""

_CHANGES = re.compile(r"^\s*(--[^\n]*\n\s*)*(insert|update|delete|replace)\b", re.IGNORECASE)
_COLUMNS = re.compile(r"insert (?:or \w+ )?into \w+\s*\(([^)]*)\)", re.IGNORECASE)
_NAMED_BY = {"version": LockKind.VERSION, "target": LockKind.VERSION, "source": LockKind.VERSION}
_VERSION_ROWS = frozenset({"versions.touch", "versions.update", "versions.lock", "versions.doom"})


class LockViolationError(AssertionError):
    """A transaction without the lock that it needs."""


_open: dict[asyncio.Task[Any], _Checked] = {}


class _Checked:
    """A transaction and the locks that it holds; none means all."""

    def __init__(
        self, transaction: Transaction, locks: tuple[Lock, ...], text: Callable[[str], str]
    ) -> None:
        self._transaction = transaction
        self._held = list(locks)
        self._everything = not locks
        self._text = text
        # Other transactions do not see these before the end.
        self._new: list[Lock] = []
        self.changed: set[tuple[str, Any]] = set()

    @property
    def held(self) -> str:
        """The locks, for a message."""
        return "everything" if self._everything else ", ".join(map(str, self._held))

    async def lock(self, *locks: Lock) -> None:
        """Take the locks of the call after its key; later ones must be held already."""
        if not self._everything:
            missing = uncovered(self._held, locks)
            only_key = all(lock.kind is LockKind.KEY for lock in self._held)
            if not only_key and (missing or not locks):
                _fail(f"{missing or 'everything'} is locked late, after {self.held}")
            self._everything = only_key and not locks
            self._held += missing
        await self._transaction.lock(*locks)

    async def fetch(self, statement: str, /, *, filters: str = "", **params: Any) -> list[Row]:
        """Check, then fetch."""
        self._check(statement, params)
        return await self._transaction.fetch(statement, filters=filters, **params)

    async def fetch_one(self, statement: str, /, *, filters: str = "", **params: Any) -> Row | None:
        """Check, then fetch."""
        self._check(statement, params)
        return await self._transaction.fetch_one(statement, filters=filters, **params)

    async def execute(self, statement: str, /, *, filters: str = "", **params: Any) -> int:
        """Check, then change."""
        self._check(statement, params)
        return await self._transaction.execute(statement, filters=filters, **params)

    async def insert_many(self, statement: str, rows: Iterable[Sequence[Any]], /) -> None:
        """Check the version and the stripe of each row, then write them."""
        await self._transaction.insert_many(statement, self._checked_rows(statement, rows))

    def insert_many_at_commit(self, statement: str, rows: Sequence[Sequence[Any]], /) -> None:
        """Check them now, and leave the change for the end."""
        self._checked_rows(statement, rows)
        self._transaction.insert_many_at_commit(statement, rows)

    def _checked_rows(
        self, statement: str, rows: Iterable[Sequence[Any]]
    ) -> Iterable[Sequence[Any]]:
        text = self._text(statement)
        at = _column(text, "version")
        if at is not None and not self._everything:
            rows = list(rows)
            asset, block = _column(text, "asset"), _column(text, "block")
            for row in rows:
                if self._has(Lock.version(row[at])):
                    continue
                self._need(Lock.version(row[at], shared=True), statement)
                if asset is not None or block is not None:
                    stripe = row[asset] // STRIPE if asset is not None else row[block]
                    self._need(Lock.stripe(row[at], stripe), statement)
        return rows

    def execute_at_commit(self, statement: str, /, **params: Any) -> None:
        """Leave a change of one row for the end, where no lock is needed for it."""
        self._transaction.execute_at_commit(statement, **params)

    def _check(self, statement: str, params: dict[str, Any]) -> None:
        if self._everything or self._held == [ONE_STATEMENT]:
            return
        if statement in ("versions.add", "datasets.add"):
            make = Lock.version if statement == "versions.add" else Lock.dataset
            self._new.append(make(params["no"]))
        text = self._text(statement)
        shared = not _changes(text)
        if (table := _updated(text)) is not None:
            self.changed.add((table, params.get(table, params.get("no"))))
        for name, kind in _NAMED_BY.items():
            if name == "source" and statement.startswith("removals."):
                continue  # the number of a removal
            if isinstance(params.get(name), int) and not isinstance(params[name], bool):
                both = shared or name == "source"
                self._need(Lock(kind, (params[name],), both), statement)
        if statement in _VERSION_ROWS:
            self._need(Lock.version(params["no"]), statement)
        if not shared and isinstance(params.get("dataset"), int):
            self._need(Lock.dataset(params["dataset"], shared=True), statement)
        if not shared and isinstance(params.get("lake"), int):
            self._need(Lock.lake(params["lake"]), statement)

    def _has(self, lock: Lock) -> bool:
        return not uncovered([*self._held, *self._new], [lock])

    def _need(self, lock: Lock, statement: str) -> None:
        if not self._has(lock):
            _fail(f"{statement} needs {lock}, and the transaction holds {self.held}")


@contextmanager
def checked_locks() -> Iterator[None]:
    """Check every transaction of lakes that this process works with."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqliteDatabase, "transaction", _checked(SqliteDatabase.transaction))
        patch.setattr(SqliteDatabase, "take", _taking(SqliteDatabase.take))
        for name in OBJECT_CALLS:
            patch.setattr(
                LocalObjectStore, name, _outside(getattr(LocalObjectStore, name), f"objects.{name}")
            )
        patch.setattr(JobRunner, "wait", _outside(JobRunner.wait, "the wait for a job"))
        yield


def _checked(original: Callable[..., Any]) -> Callable[..., Any]:
    @asynccontextmanager
    async def transaction(self: SqliteDatabase, *locks: Lock) -> AsyncIterator[_Checked]:
        task = asyncio.current_task()
        assert task is not None
        async with original(self, *locks) as real:
            _open[task] = checked = _Checked(real, locks, self._queries.text)
            try:
                yield checked
            finally:
                _open.pop(task, None)

    return transaction


def _taking(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    async def take(self: SqliteDatabase, statement: str, /, **params: Any) -> Row | None:
        task = asyncio.current_task()
        table = _updated(self._queries.text(statement))
        if task in _open and table is not None:
            row = (table, params.get(table, params.get("no")))
            if row in _open[task].changed:
                _fail(f"{statement} would wait for the transaction that has changed {row}")
        found: Row | None = await original(self, statement, **params)
        return found

    return take


def _outside(original: Callable[..., Any], what: str) -> Callable[..., Any]:
    @wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        task = asyncio.current_task()
        if task in _open:
            _fail(f"{what} inside a transaction that holds {_open[task].held}")
        return original(*args, **kwargs)

    return call


def _fail(what: str) -> None:
    VIOLATIONS.append(what)
    raise LockViolationError(what)


@cache
def _changes(text: str) -> bool:
    return _CHANGES.match(text) is not None


@cache
def _updated(text: str) -> str | None:
    """Return the table of an update of one dataset or version."""
    found = re.search(r"^update (dataset|version) set", text, re.MULTILINE)
    return None if found is None else found[1]


@cache
def _column(text: str, name: str) -> int | None:
    """Return which ``?`` of a statement stands for a column."""
    columns = _COLUMNS.search(text)
    if columns is not None:
        names = [each.strip() for each in columns[1].split(",")]
        return names.index(name) if name in names else None
    found = re.search(rf"\b{name} = \?", text)
    return None if found is None else text[: found.start()].count("?")
