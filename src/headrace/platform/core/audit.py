"""The audit log: one row for each call that wrote something, and for each command on the lake itself.

A row says who did what, when and from where. It holds ids, names and numbers, never contents or secrets, and is written
in the first transaction of the call, so that a lake has both or neither.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from msgspec import Struct

from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.origin import Origin, this_process
from headrace.storage.database.base import Row, Statements, Transaction
from headrace.storage.database.dialect import Dialect
from headrace.storage.database.locks import ONE_STATEMENT, Lock

NAMES = frozenset({"name", "version", "filename", "object_name", "username", "role"})
"""The fields of requests whose texts are names; all others could be contents."""

FEW = 5
"""Lists of so many ids are written out, of longer ones only the length is."""

MAX_NAME = 200
"""Maximum number of characters of a name in a row."""

PAGE = 1000
RANGE = 10_000
"""Rows that one transaction deletes."""

DAY_MS = 86_400_000


class AuditEntry(Struct, frozen=True, kw_only=True):
    """A row of the audit log.

    Attributes:
        no: Its number; rows are numbered in order of time.
        time: Milliseconds since 1970.
        organization: The organization of the call; None for a command on the lake itself.
        user: The account; empty for a command on the lake itself.
        operation: The operation of the API, or the command such as ``token.create``.
        subject: The ids, names and numbers of the call.
        address: The address of the peer; empty where the lake was open in the process itself.
        system_user: The user of the operating system who ran that process.
        client: The program and its command.
    """

    no: int
    time: int
    organization: str | None
    user: str
    operation: str
    subject: dict[str, Any]
    address: str
    system_user: str
    client: str


class AuditedDatabase:
    """The database of one call that may write: its first transaction records the call as well."""

    def __init__(self, context: Context, access: Access, operation: str, request: Struct) -> None:
        database = context.database
        self._context = context
        self._database = database
        self._access = access
        self._operation = operation
        self._request = request
        self._recorded = False
        # All but changes goes straight to the database.
        self.fetch = database.fetch
        self.fetch_one = database.fetch_one
        self.stream = database.stream
        self.aclose = database.aclose
        self.discard = database.discard
        self.watch_writes = database.watch_writes
        self.check_present = database.check_present
        self.load = database.load
        self.reserve = database.reserve
        self.take = database.take

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

    async def execute(self, statement: str, /, *, filters: str = "", **params: Any) -> int:
        """Run a change in a transaction."""
        if self._recorded:
            return await self._database.execute(statement, filters=filters, **params)
        async with self.transaction(ONE_STATEMENT) as tx:
            return await tx.execute(statement, filters=filters, **params)

    @asynccontextmanager
    async def transaction(self, *locks: Lock) -> AsyncIterator[Transaction]:
        """Open a transaction; the first one that ends well has the row of the call."""
        # Made before: the less time between two statements, the more often the writer's thread need not sleep.
        row = None if self._recorded else self._row()
        async with self._database.transaction(*locks) as tx:
            if row is not None and not self._recorded:
                tx.execute_at_commit("audit.add", **row)
            yield tx
        self._recorded = True

    def _row(self) -> dict[str, Any]:
        access = self._access
        row = _row(self._context, self._operation, subject_of(self._request), access.origin)
        row["organization"] = access.organization
        row["account"] = access.account
        row["username"] = access.username
        return row


async def record_command(
    context: Context, statements: Statements, command: str, subject: Mapping[str, Any]
) -> None:
    """Record a command on the lake itself, such as ``token.create``.

    Args:
        context: The open lake.
        statements: The transaction of the change, or the database.
        command: The command with a point between its words.
        subject: The ids, names and numbers that it works on; no secrets.
    """
    row = _row(context, command, subject, this_process())
    no_account: dict[str, Any] = {"organization": None, "account": None, "username": ""}
    await statements.execute("audit.add", **row, **no_account)


def subject_of(request: Struct) -> dict[str, Any]:
    """Return the ids and names of a request, and the lengths of its lists."""
    found: dict[str, Any] = {}
    for field in request.__struct_fields__:
        value = getattr(request, field)
        if isinstance(value, UUID):
            if field != "organization_id":
                found[field] = str(value)
        elif isinstance(value, list):
            written = len(value) <= FEW and all(isinstance(each, UUID) for each in value)
            found[field] = [str(each) for each in value] if written else len(value)
        elif field in NAMES and isinstance(value, str):
            found[field] = value[:MAX_NAME]
    return found


async def entries(
    context: Context,
    *,
    since: int = 0,
    until: int | None = None,
    user: str | None = None,
    operation: str | None = None,
) -> AsyncGenerator[AuditEntry, None]:
    """Read the audit log from the oldest row on, a page at a time.

    Args:
        context: The open lake.
        since: Only rows of this time or later; milliseconds since 1970.
        until: Only rows before this time. Default: all.
        user: Only those of this account or user of the operating system.
        operation: Only this operation; ``*`` stands for any text.
    """
    after = 0
    while True:
        rows = await context.database.fetch(
            "audit.page",
            after=after,
            since=since,
            until=(1 << 62) if until is None else until,
            user=user,
            operation=operation,
            limit=PAGE,
        )
        for row in rows:
            yield _entry(row)
        if len(rows) < PAGE:
            return
        after = rows[-1][0]


async def trim(context: Context) -> None:
    """Delete the rows that are too old or too many, in short transactions."""
    first, last, time = await context.database.fetch_one("audit.bounds") or (None, None, None)
    if first is None:
        return
    before = context.clock() - int(context.audit.days * DAY_MS)
    if time < before:
        await _drop(context, "audit.drop_old", before=before)
    excess = last - context.audit.rows
    if first <= excess:
        await _drop(context, "audit.drop_excess", last=excess)


async def _drop(context: Context, statement: str, **params: Any) -> None:
    while await context.database.execute(statement, limit=RANGE, **params) == RANGE:
        pass


def _row(
    context: Context, operation: str, subject: Mapping[str, Any], origin: Origin
) -> dict[str, Any]:
    return {
        "time": context.clock(),
        "operation": operation,
        "subject": json.dumps(subject, separators=(",", ":")),
        "address": origin.address,
        "system_user": origin.system_user,
        "client": origin.client,
    }


def _entry(row: Row) -> AuditEntry:
    no, time, organization, user, operation, subject, address, system_user, client = row
    return AuditEntry(
        no=no,
        time=time,
        organization=organization,
        user=user,
        operation=operation,
        subject=json.loads(subject),
        address=address,
        system_user=system_user,
        client=client,
    )
