"""An open write transaction of a catalog in PostgreSQL."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from headrace.errors import ConfigurationError, DatabaseError
from headrace.storage.database.base import Row
from headrace.storage.database.locks import Lock, LockKind, in_order
from headrace.storage.database.postgres.batches import batch
from headrace.storage.database.postgres.derived import derived
from headrace.storage.database.postgres.statements import PostgresStatements
from headrace.storage.database.postgres.text import bare, copy_target, positioned
from headrace.storage.database.postgres.together import Change, together
from headrace.threads import in_thread_if

if TYPE_CHECKING:
    import asyncpg

EVERYTHING = 0x6864_7263_0001
"""The number of the lock that a transaction takes alone if it names no lock, and shared with others if it does."""

COPY_FROM = 8
"""From how many rows on a COPY, or one statement for all of them, is faster than one for each."""
_ROWS_AT_ONCE = 2_000
_FEW_ROWS = 32

_Rows = Sequence[Sequence[Any]]


class PostgresTransaction:
    """An open write transaction.

    ``waited`` takes the kind of a lock and the seconds that it took to get it. ``strict`` refuses locks that are taken
    late and out of order.
    """

    def __init__(
        self,
        connection: asyncpg.Connection,
        statements: PostgresStatements,
        waited: Callable[[str, float], None],
        *,
        strict: bool,
    ) -> None:
        self._connection = connection
        self._statements = statements
        self._waited = waited
        self._strict = strict
        self._held: dict[tuple[int, int], Lock] = {}
        self._everything: Lock | None = None
        self._has_savepoint = False
        self._has_run = False
        self._last: list[tuple[str, dict[str, Any] | _Rows]] = []
        self.copied: Counter[str] = Counter()
        """Rows that were copied, by table."""

    # --- its beginning and its end ------------------------------------------------------------------------

    async def begin(self, locks: Sequence[Lock]) -> None:
        """Begin, and take all locks, in one message."""
        await self._take(["begin", *self._taking(locks)], locks)

    async def lock(self, *locks: Lock) -> None:
        """Take further locks; those that are held are not taken again.

        Raises:
            ConfigurationError: They are out of order, and the database is strict.
            LakeBusyError: Others held them for too long.
        """
        script = self._taking(locks)
        if script:
            await self._take(script, locks)

    async def commit(self) -> None:
        """Run the last changes and commit; must not be cancelled.

        Raises:
            DatabaseError: A statement had failed, so everything was rolled back.
        """
        if self._has_run and self._last:
            # A failure ends the transaction, so none of them needs a savepoint.
            with self._statements.translating("the changes at the commit"):
                changes = [await self._change(*last) for last in self._last]
                for change in together(changes):
                    await self._connection.execute(change.sql, *change.values)
        with self._statements.translating("commit", committing=True):
            status = await self._connection.execute("commit")
        if status != "COMMIT":
            raise DatabaseError("the transaction was rolled back already")

    def execute_at_commit(self, statement: str, /, **params: Any) -> None:
        """Run a change right before the commit."""
        self._statements.raw(statement)
        self._last.append((statement, params))

    def insert_many_at_commit(self, statement: str, rows: Sequence[Sequence[Any]], /) -> None:
        """Run a change once for each of a few hundred different rows, right before the commit."""
        self._statements.raw(statement)
        if rows:
            self._last.append((statement, rows))

    # --- statements ---------------------------------------------------------------------------------------

    async def fetch(self, statement: str, /, *, filters: str = "", **params: Any) -> list[Row]:
        """Return all rows, including the transaction's own changes."""
        rows = await self._run(self._connection.fetch, statement, filters, params)
        return [tuple(row) for row in rows]

    async def fetch_one(self, statement: str, /, *, filters: str = "", **params: Any) -> Row | None:
        """Return the first row or None, including the transaction's own changes."""
        row = await self._run(self._connection.fetchrow, statement, filters, params)
        return None if row is None else tuple(row)

    async def execute(self, statement: str, /, *, filters: str = "", **params: Any) -> int:
        """Run a change; returns the number of changed rows."""
        return changed(await self._run(self._connection.execute, statement, filters, params))

    async def insert_many(self, statement: str, rows: Iterable[Sequence[Any]], /) -> None:
        """Run a statement with positional parameters once for each row; reads ``rows`` on a thread."""
        self._has_run = True
        text = self._statements.raw(statement)
        more = derived(statement)
        # Rows may be made one by one, and what is derived of them unpacks their shapes: both take their time.
        large = not isinstance(rows, list) or (more is not None and len(rows) > _FEW_ROWS)
        given = await in_thread_if(large, list, rows if more is None else more.rows(rows))
        with self._statements.translating(statement):
            target = copy_target(text)
            if len(given) < COPY_FROM:
                await self._connection.executemany(positioned(text)[0], given)
                return
            for first in range(0, len(given), _ROWS_AT_ONCE):
                rows = given[first : first + _ROWS_AT_ONCE]
                if target is not None:
                    await self._connection.copy_records_to_table(
                        target.table, records=rows, columns=target.columns
                    )
                    self.copied[target.table] += len(rows)
                else:
                    await self._run_batch(text, rows)

    async def _change(self, statement: str, given: dict[str, Any] | _Rows) -> Change:
        """Return a change at the commit as one statement."""
        more = derived(statement)
        if isinstance(given, dict):
            text = await self._statements.text(self._connection, statement, "")
            return Change(bare(text.sql), text.bind(given if more is None else more.params(given)))
        rows = given if more is None else list(more.rows(given))
        raw = self._statements.raw(statement)
        types = await self._statements.types(self._connection, positioned(raw)[0])
        many = batch(bare(raw), types, rows, plain=True)
        if many is None:
            raise ConfigurationError(f"{statement} cannot be run for many rows at the commit")
        return Change(many.sql, many.values)

    async def _run_batch(self, text: str, rows: Sequence[Sequence[Any]]) -> None:
        one_row, _ = positioned(text)
        types = await self._statements.types(self._connection, one_row)
        many = batch(bare(text), types, rows)
        if many is None:
            await self._connection.executemany(one_row, rows)
        else:
            await self._connection.execute(many.sql, *many.values)

    async def _run(
        self,
        function: Callable[..., Awaitable[Any]],
        statement: str,
        filters: str,
        params: dict[str, Any],
    ) -> Any:
        """Run one statement; one that inserts a row which exists leaves the transaction as it was."""
        self._has_run = True
        with self._statements.translating(statement):
            text = await self._statements.text(self._connection, statement, filters)
            more = derived(statement)
            values = text.bind(params if more is None else more.params(params))
            if not text.inserts:
                return await function(text.sql, *values)
            await self._set_savepoint()
            try:
                return await function(text.sql, *values)
            except Exception:
                if not self._connection.is_closed():
                    await self._connection.execute("rollback to savepoint s")
                raise

    async def _set_savepoint(self) -> None:
        # There is one at a time: many would make reading slower for all.
        again = ["release savepoint s"] if self._has_savepoint else []
        await self._connection.execute(";".join([*again, "savepoint s"]))
        self._has_savepoint = True

    # --- locks --------------------------------------------------------------------------------------------

    def _taking(self, locks: Sequence[Lock]) -> list[str]:
        """Return the statements that take locks, and note them as held."""
        if self._everything is not None and not self._everything.shared:
            return []
        wanted = in_order(locks)
        keys = [lock for lock in wanted if lock.kind is LockKind.KEY]
        others = wanted[len(keys) :]
        new_keys, new = self._missing(keys), self._missing(others)
        if new_keys:
            self._check_order(late=self._everything is not None)
        script = [_lock_statement(lock.number, shared=lock.shared) for lock in new_keys]
        # A call's key alone says nothing of what the call will change.
        if not (keys and not others):
            everything = Lock(LockKind.KEY, (), shared=bool(others))
            if self._everything is None or (self._everything.shared and not everything.shared):
                script.append(_lock_statement(EVERYTHING, shared=everything.shared))
                self._check_order(late=self._everything is not None)
                self._everything = everything
        if new:
            self._check_order(late=max(self._held, default=(-1, 0)) >= new[0].place)
            script += [_lock_statement(lock.number, shared=lock.shared) for lock in new]
        self._held |= {lock.place: lock for lock in (*new_keys, *new)}
        return script

    def _missing(self, wanted: Sequence[Lock]) -> list[Lock]:
        held = self._held
        return [
            lock
            for lock in wanted
            if lock.place not in held or (held[lock.place].shared and not lock.shared)
        ]

    def _check_order(self, *, late: bool) -> None:
        if late and self._strict:
            raise ConfigurationError(
                "a transaction takes a lock after one that comes later in the order of locks",
                hint="name all its locks when it begins",
            )

    async def _take(self, script: Sequence[str], locks: Sequence[Lock]) -> None:
        began = time.monotonic()
        try:
            await self._run_script(script, "lock")
        finally:
            kind = in_order(locks)[-1].kind.name.lower() if locks else "global"
            self._waited(kind, time.monotonic() - began)

    async def _run_script(self, script: Sequence[str], name: str) -> None:
        with self._statements.translating(name):
            await self._connection.execute(";".join(script))


def changed(status: str) -> int:
    """Return the number of rows of a command's status, such as ``UPDATE 3``."""
    count = status.rpartition(" ")[2]
    return int(count) if count.isdigit() else 0


def _lock_statement(number: int, *, shared: bool) -> str:
    return f"select pg_advisory_xact_lock{'_shared' if shared else ''}({number})"
