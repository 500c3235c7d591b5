"""Idempotency keys: the first answer to a call is stored under the caller's key, and a repeat gets it again.

The answer is written in the same transaction as the change, which stays open until the handler has returned: after a
crash the lake has both or neither. That transaction locks the key before anything else, so a repeat that arrives while
the first call is running waits for it, on any server, then finds the answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import msgspec
from msgspec import Struct

from headrace.errors import APIError, BadRequestError, DatabaseError, UnprocessableEntityError
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.dispatch import Handler
from headrace.protocol.codec import decode_response, encode_response
from headrace.protocol.operation import Operation, P, R
from headrace.storage.database.base import Database, DatabaseLoad, Row, Statements, Transaction
from headrace.storage.database.dialect import Dialect
from headrace.storage.database.locks import ONE_STATEMENT, Lock
from headrace.threads import in_thread

LIFE_MS = 24 * 3600 * 1000
"""How long an answer is stored."""

EXPIRED_PER_CALL = 20
"""Expired answers that one call deletes, so that they never pile up."""
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


async def answer_once(
    context: Context,
    access: Access,
    operation: Operation[P, R],
    request: P,
    handler: Handler[P, R],
    key: str,
) -> R:
    """Call the handler, or return the stored answer to an earlier call with this key.

    Errors are not stored: a repeat calls the handler again.

    Raises:
        BadRequestError: The key is malformed.
        UnprocessableEntityError: The key was used for a different call.
    """
    if not _KEY.fullmatch(key):
        raise BadRequestError(
            "the Idempotency-Key is malformed", hint="use 1 to 255 visible ASCII characters"
        )
    call = _Call(access, operation, await in_thread(_digest, request), key)
    known = await call.known(context.database, context.clock())
    if known is not None:
        context.repeats.count += 1
        return decode_response(operation, known)
    database = _CallDatabase(
        context.database, call.lock, lambda tx: call.check_new(tx, context.clock())
    )
    try:
        answer = await handler(context.with_database(database), access, request)
        async with database.transaction(call.lock) as tx:
            await call.keep(tx, answer, context.clock())
        await database.commit()
    except _AnsweredError as found:
        context.repeats.count += 1
        return decode_response(operation, found.answer)
    except APIError:
        # The first of two calls may have caused the refusal, by taking the name for instance.
        known = await call.known(context.database, context.clock())
        if known is None:
            raise
        context.repeats.count += 1
        return decode_response(operation, known)
    finally:
        await database.abandon()
    return answer


class _AnsweredError(Exception):
    """The same call was answered while this one waited for the writer."""

    def __init__(self, answer: bytes) -> None:
        super().__init__("the call was answered meanwhile")
        self.answer = answer


class _Call(Struct, frozen=True):
    """A call with its key. Keys are separate for each caller."""

    access: Access
    operation: Operation[Any, Any]
    digest: bytes
    key: str

    async def known(self, statements: Statements, now: int) -> bytes | None:
        """The stored answer; 422 if the key belongs to a different call."""
        row = await statements.fetch_one("idempotency.find", now=now, **self._row_key)
        if row is None:
            return None
        if (row[0], row[1]) != (self.operation.name, self.digest):
            raise UnprocessableEntityError(
                "the Idempotency-Key was used for another call",
                hint="use a new key for a new call; a repeat must be identical",
            )
        answer: bytes = row[2]
        return answer

    async def check_new(self, tx: Transaction, now: int) -> None:
        """Raise :class:`_AnsweredError` if the call has been answered since."""
        known = await self.known(tx, now)
        if known is not None:
            raise _AnsweredError(known)

    async def keep(self, tx: Transaction, answer: Any, now: int) -> None:
        """Store the answer and delete some expired ones."""
        await tx.execute("idempotency.forget", now=now, limit=EXPIRED_PER_CALL)
        await tx.execute("idempotency.drop", **self._row_key)
        await tx.execute(
            "idempotency.add",
            operation=self.operation.name,
            digest=self.digest,
            answer=b"".join(encode_response(self.operation, answer)),
            expires=now + LIFE_MS,
            **self._row_key,
        )

    @property
    def lock(self) -> Lock:
        """The lock of the key."""
        return Lock.key(self.access.organization, self.access.account, self.key)

    @property
    def _row_key(self) -> dict[str, Any]:
        return {
            "organization": self.access.organization,
            "account": self.access.account,
            "key": self.key,
        }


class _CallDatabase:
    """The database of one call: all its transactions are one, which ends with :meth:`commit`.

    The call also reads through that transaction. Background tasks that the call started use the database directly.
    """

    def __init__(
        self, database: Database, key: Lock, check: Callable[[Transaction], Awaitable[None]]
    ) -> None:
        self._database = database
        self._key = key
        self._check = check
        self._task = asyncio.current_task()
        self._manager: AbstractAsyncContextManager[Transaction] | None = None
        self._tx: Transaction | None = None
        self._blocks = 0
        self._rolled_back = False
        self._ended = False

    @property
    def dialect(self) -> Dialect:
        """The words of the database."""
        return self._database.dialect

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written."""
        return self._database.read_only

    @property
    def damage(self) -> str | None:
        """What has turned out to be damaged."""
        return self._database.damage

    @property
    def full(self) -> bool:
        """Whether the disk of the database is full."""
        return self._database.full

    async def fetch(self, statement: str, /, *, filters: str = "", **params: Any) -> list[Row]:
        """Return all rows, including the call's uncommitted changes."""
        return await self._source().fetch(statement, filters=filters, **params)

    async def fetch_one(self, statement: str, /, *, filters: str = "", **params: Any) -> Row | None:
        """Return the first row or None, including the call's uncommitted changes."""
        return await self._source().fetch_one(statement, filters=filters, **params)

    async def execute(self, statement: str, /, *, filters: str = "", **params: Any) -> int:
        """Run a statement in the call's transaction."""
        async with self.transaction(ONE_STATEMENT) as tx:
            return await tx.execute(statement, filters=filters, **params)

    async def reserve(self, name: str, count: int = 1) -> int:
        """Reserve numbers, which stay reserved if the call fails."""
        return await self._database.reserve(name, count)

    async def take(self, statement: str, /, **params: Any) -> Row | None:
        """Take numbers, which stay taken if the call fails."""
        return await self._database.take(statement, **params)

    def stream(
        self, statement: str, /, *, batch: int = 1000, filters: str = "", **params: Any
    ) -> AsyncGenerator[list[Row], None]:
        """Stream rows as of the last commit."""
        return self._database.stream(statement, batch=batch, filters=filters, **params)

    def watch_writes(self, report: Callable[[float], None], /) -> None:
        """Pass on to the database."""
        self._database.watch_writes(report)

    async def check_present(self) -> None:
        """Raise an error where the lake was deleted or replaced."""
        await self._database.check_present()

    def load(self) -> DatabaseLoad:
        """Return how busy the database is now."""
        return self._database.load()

    async def aclose(self) -> None:
        """Do nothing: the platform closes the database."""

    def discard(self) -> None:
        """Do nothing, for the same reason."""

    @asynccontextmanager
    async def transaction(self, *locks: Lock) -> AsyncIterator[Transaction]:
        """Join the call's transaction, which takes the locks that it does not hold; an error rolls back all of it."""
        if not self._in_call():
            async with self._database.transaction(*locks) as tx:
                yield tx
            return
        if self._rolled_back:
            raise DatabaseError("the transaction was rolled back already")
        try:
            if self._tx is None:
                manager = self._database.transaction(self._key)
                self._tx = await manager.__aenter__()
                # Not before: what could not begin has nothing to roll back.
                self._manager = manager
                await self._check(self._tx)
            await self._tx.lock(*locks)
            yield self._tx
        except BaseException:
            self._rolled_back = self._blocks > 0
            await self.abandon(end=False)
            raise
        self._blocks += 1

    async def commit(self) -> None:
        """Commit the transaction."""
        manager, self._manager, self._tx, self._ended = self._manager, None, None, True
        if manager is not None:
            await manager.__aexit__(None, None, None)

    async def abandon(self, *, end: bool = True) -> None:
        """Roll back what was not committed; with ``end``, later statements use the database directly."""
        manager, self._manager, self._tx = self._manager, None, None
        self._ended = self._ended or end
        if manager is not None:
            error = sys.exc_info()[1] or DatabaseError("the call was cancelled")
            try:
                await manager.__aexit__(type(error), error, error.__traceback__)
            except DatabaseError as raised:
                if raised is not error:
                    raise

    def _in_call(self) -> bool:
        return not self._ended and asyncio.current_task() is self._task

    def _source(self) -> Statements:
        return self._tx if self._tx is not None and self._in_call() else self._database


def _digest(request: Struct) -> bytes:
    return hashlib.sha256(msgspec.json.encode(request)).digest()
