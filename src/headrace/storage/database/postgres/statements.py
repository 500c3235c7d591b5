"""The named statements of a catalog as PostgreSQL takes them, and their errors by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from headrace.errors import HeadraceError
from headrace.storage.database.postgres.errors import (
    Translating,
    is_query_cancelled,
    too_slow,
    translate,
)
from headrace.storage.database.postgres.text import PostgresText, numbered, widened
from headrace.storage.database.queries import Queries

if TYPE_CHECKING:
    import asyncpg

_MOST_COMPOSED = 2_048
"""Statements with filters whose final text is kept; people compose ever new ones."""


class PostgresStatements:
    """The texts of statements, final after PostgreSQL has said which types their parameters have.

    ``note`` takes each error that the server gives rise to.
    """

    def __init__(self, queries: Queries, shown: str, note: Callable[[HeadraceError], None]) -> None:
        self._queries = queries
        self._shown = shown
        self._note = note
        self._texts: dict[tuple[str, str], PostgresText] = {}
        self._types: dict[str, tuple[str, ...]] = {}

    def raw(self, statement: str) -> str:
        """Return a statement as it is written."""
        return self._queries.text(statement)

    async def text(
        self, connection: asyncpg.Connection, statement: str, filters: str
    ) -> PostgresText:
        """Return a statement for PostgreSQL; the first time, its types are asked for on ``connection``."""
        text = self._texts.get((statement, filters))
        if text is None:
            text = await self._final(connection, numbered(self._queries.text(statement, filters)))
            if len(self._texts) >= _MOST_COMPOSED:
                self._texts.pop(next(iter(self._texts)))
            self._texts[(statement, filters)] = text
        return text

    async def types(self, connection: asyncpg.Connection, sql: str) -> tuple[str, ...]:
        """Return the names of the types of a statement's parameters."""
        types = self._types.get(sql)
        if types is None:
            prepared = await connection.prepare(sql)
            types = self._types[sql] = tuple(each.name for each in prepared.get_parameters())
        return types

    def translating(
        self, statement: str, *, committing: bool = False, query_seconds: float | None = None
    ) -> Translating:
        """Return a block whose errors name the statement.

        Args:
            statement: The name of the statement.
            committing: Whether the change may be complete though an error comes.
            query_seconds: After how many seconds the server ends a query of a caller, if it does.
        """
        return Translating(
            partial(self._translate, statement, committing=committing, query_seconds=query_seconds)
        )

    def _translate(
        self, statement: str, error: Exception, *, committing: bool, query_seconds: float | None
    ) -> HeadraceError | None:
        if query_seconds is not None and is_query_cancelled(error):
            return too_slow(query_seconds)
        translated = translate(error, self._shown, statement, committing=committing)
        if translated is not None:
            self._note(translated)
        return translated

    async def _final(self, connection: asyncpg.Connection, text: PostgresText) -> PostgresText:
        if not text.names:
            return text
        prepared = await connection.prepare(text.sql)
        wider = widened(text.sql, [each.name for each in prepared.get_parameters()])
        return text if wider is None else text._replace(sql=wider)
