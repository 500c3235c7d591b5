"""Calls that may arrive twice: the first answer is kept under the caller's key, and a repeat gets it again.

The answer is written in the transaction that does what was asked, which is held open until the handler has its answer:
after a crash there are both or neither. A repeat that comes while the first one is at work waits for the writer, and
finds the answer then.
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
from headrace.storage.database.base import Database, Row, Statements, Transaction
from headrace.threads import in_thread

LIFE_MS = 24 * 3600 * 1000
"""How long an answer is kept."""

FORGOTTEN_AT_ONCE = 20
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


async def answer_once(
    context: Context,
    access: Access,
    operation: Operation[P, R],
    request: P,
    handler: Handler[P, R],
    key: str,
) -> R:
    """The handler's answer, or the one that the same call with this key got before.

    Raises :class:`BadRequestError` for a key that is none, :class:`UnprocessableEntityError` where the key came with
    another call. What fails is not kept: a repeat tries anew.
    """
    if not _KEY.fullmatch(key):
        raise BadRequestError(
            "the Idempotency-Key is not readable", hint="1 to 255 visible ASCII characters"
        )
    call = _Call(access, operation, await in_thread(_digest, request), key)
    known = await call.known(context.database, context.clock())
    if known is not None:
        return decode_response(operation, known)
    database = _HeldOpen(context.database, lambda tx: call.check_new(tx, context.clock()))
    try:
        answer = await handler(context.with_database(database), access, request)
        async with database.transaction() as tx:
            await call.keep(tx, answer, context.clock())
        await database.commit()
    except _AnsweredError as found:
        return decode_response(operation, found.answer)
    except APIError:
        # Refused because of what the first of the two did a moment ago: a name that is taken now.
        known = await call.known(context.database, context.clock())
        if known is None:
            raise
        return decode_response(operation, known)
    finally:
        await database.abandon()
    return answer


class _AnsweredError(Exception):
    """The call was answered while this one waited for the writer."""

    def __init__(self, answer: bytes) -> None:
        super().__init__("answered meanwhile")
        self.answer = answer


class _Call(Struct, frozen=True):
    """A call with its key. Keys of different callers have nothing to do with each other."""

    access: Access
    operation: Operation[Any, Any]
    digest: bytes
    key: str

    async def known(self, statements: Statements, now: int) -> bytes | None:
        """The answer that is kept; 422 where the key belongs to another call."""
        row = await statements.fetch_one("idempotency.find", now=now, **self._place)
        if row is None:
            return None
        if (row[0], row[1]) != (self.operation.name, self.digest):
            raise UnprocessableEntityError(
                "the Idempotency-Key came with another call before",
                hint="a new call needs a new key; a repeat must be the same call",
            )
        answer: bytes = row[2]
        return answer

    async def check_new(self, tx: Transaction, now: int) -> None:
        """Stop here where the call has been answered since."""
        known = await self.known(tx, now)
        if known is not None:
            raise _AnsweredError(known)

    async def keep(self, tx: Transaction, answer: Any, now: int) -> None:
        """Note the answer, and forget some that are old."""
        await tx.execute("idempotency.forget", now=now, limit=FORGOTTEN_AT_ONCE)
        await tx.execute("idempotency.drop", **self._place)
        await tx.execute(
            "idempotency.add",
            operation=self.operation.name,
            digest=self.digest,
            answer=b"".join(encode_response(self.operation, answer)),
            expires=now + LIFE_MS,
            **self._place,
        )

    @property
    def _place(self) -> dict[str, Any]:
        return {
            "organization": self.access.organization,
            "account": self.access.account,
            "key": self.key,
        }


class _HeldOpen:
    """A database for one call: its first transaction does not end with the handler's block, but with :meth:`commit`.

    Later ones of the call are part of it, and the call reads through it. Tasks that the call began go to the database
    itself, for they are none of the call's.
    """

    def __init__(self, database: Database, check: Callable[[Transaction], Awaitable[None]]) -> None:
        self._database = database
        self._check = check
        self._task = asyncio.current_task()
        self._manager: AbstractAsyncContextManager[Transaction] | None = None
        self._tx: Transaction | None = None
        self._done_blocks = 0
        self._undone = False
        self._over = False

    async def fetch(self, statement: str, /, *, filters: str = "", **params: Any) -> list[Row]:
        """All rows, the call's own changes included."""
        return await self._source().fetch(statement, filters=filters, **params)

    async def fetch_one(self, statement: str, /, *, filters: str = "", **params: Any) -> Row | None:
        """The first row or None, the call's own changes included."""
        return await self._source().fetch_one(statement, filters=filters, **params)

    async def execute(self, statement: str, /, *, filters: str = "", **params: Any) -> int:
        """Run a change as part of the call's transaction."""
        async with self.transaction() as tx:
            return await tx.execute(statement, filters=filters, **params)

    def stream(
        self, statement: str, /, *, batch: int = 1000, filters: str = "", **params: Any
    ) -> AsyncGenerator[list[Row], None]:
        """Rows as of the last commit."""
        return self._database.stream(statement, batch=batch, filters=filters, **params)

    async def aclose(self) -> None:
        """The database is not the call's to close."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """The call's transaction; an error undoes all of it."""
        if not self._is_mine():
            async with self._database.transaction() as tx:
                yield tx
            return
        if self._undone:
            raise DatabaseError("the transaction was rolled back already")
        try:
            if self._tx is None:
                self._manager = self._database.transaction()
                self._tx = await self._manager.__aenter__()
                await self._check(self._tx)
            yield self._tx
        except BaseException:
            self._undone = self._done_blocks > 0
            await self.abandon(over=False)
            raise
        self._done_blocks += 1

    async def commit(self) -> None:
        """Make all of it last."""
        manager, self._manager, self._tx, self._over = self._manager, None, None, True
        if manager is not None:
            await manager.__aexit__(None, None, None)

    async def abandon(self, *, over: bool = True) -> None:
        """Undo what was not committed."""
        manager, self._manager, self._tx = self._manager, None, None
        self._over = self._over or over
        if manager is not None:
            error = sys.exc_info()[1] or DatabaseError("the call was given up")
            try:
                await manager.__aexit__(type(error), error, error.__traceback__)
            except DatabaseError as raised:
                if raised is not error:
                    raise

    def _is_mine(self) -> bool:
        return not self._over and asyncio.current_task() is self._task

    def _source(self) -> Statements:
        return self._tx if self._tx is not None and self._is_mine() else self._database


def _digest(request: Struct) -> bytes:
    return hashlib.sha256(msgspec.json.encode(request)).digest()
