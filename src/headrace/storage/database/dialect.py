"""What SQL composed at run time says differently in SQLite and in PostgreSQL.

Named statements are written for each database where they differ (``sql/``). Conditions of filters and orders are composed,
and ask the database's dialect for the few expressions that differ. Arguments are SQL of the platform, never input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

KIND_BITS = 4
"""A mark of an annotation is ``key << KIND_BITS`` for a label, and that plus 1 and the kind for its shapes of a kind."""

BUCKETS = 16
"""PostgreSQL spreads new datasets over buckets 1 to this number; bucket 0 has what moved in from a lake."""


class Dialect(Protocol):
    """The expressions of one database."""

    def __hash__(self) -> int: ...

    def typed(self, placeholder: str, value: object) -> str:
        """Return the placeholder of a bound value, with its type where the database needs to know it."""
        ...

    def contains(self, text: str, part: str) -> str:
        """Return the condition that a text contains another."""
        ...

    def ends_with(self, text: str, part: str) -> str:
        """Return the condition that a text ends with another, which is not empty."""
        ...

    def hex(self, column: str) -> str:
        """Return the bytes of a column as lower-case hexadecimal digits."""
        ...

    def unindexed(self, column: str) -> str:
        """Return a column for a condition that must not use the column's index."""
        ...

    def has_one(self, rows: str) -> str:
        """Return the condition that a sub-query has a row, which is looked up for each row of the query."""
        ...

    def order_term(self, column: str, *, descending: bool, nullable: bool) -> str:
        """Return a term of an ``order by``, in which null is less than all values."""
        ...

    def json_value(self, column: str, keys: Sequence[str]) -> tuple[str, str]:
        """Return a table and a condition that give the value under ``keys`` of a JSON column.

        The table is called ``j`` and the number of keys. Its columns ``type`` and ``value`` are those of SQLite's
        ``json_each``. It has no row where the value, or an object on the path to it, does not exist.
        """
        ...

    def json_text(self, alias: str) -> str:
        """Return the value of :meth:`json_value` where its type is ``text``."""
        ...

    def json_number(self, alias: str, other: object) -> str:
        """Return the value of :meth:`json_value` where it is a number, to be compared with ``other``."""
        ...

    def json_equal(self, alias: str, array: str) -> str:
        """Return the condition that the value of :meth:`json_value` is this JSON array."""
        ...

    def has_label(self, annotation: str, key: str) -> str:
        """Return the condition that an annotation has shapes with a label."""
        ...

    def has_shape(self, annotation: str, kind: int, key: str) -> str:
        """Return the condition that an annotation has shapes of a kind with a label."""
        ...

    def scores(self, annotation: str, alias: str) -> str:
        """Return a table of the scores of an annotation's shapes, in its column ``value``."""
        ...

    def new_bucket(self, dataset: int) -> int:
        """Return the bucket for the rows of a new dataset, by its number, and of its versions."""
        ...


class SqliteDialect:
    """The dialect of SQLite."""

    def typed(self, placeholder: str, value: object) -> str:
        """Return the placeholder: SQLite takes the type from the value."""
        return placeholder

    def contains(self, text: str, part: str) -> str:
        """Return the condition that a text contains another."""
        return f"instr({text}, {part}) > 0"

    def ends_with(self, text: str, part: str) -> str:
        """Return the condition that a text ends with another, which is not empty."""
        return f"substr({text}, -length({part})) = {part}"

    def hex(self, column: str) -> str:
        """Return the bytes of a column as lower-case hexadecimal digits."""
        return f"lower(hex({column}))"

    def unindexed(self, column: str) -> str:
        """Return the column with a ``+``, which keeps its index from being used."""
        return f"+{column}"

    def has_one(self, rows: str) -> str:
        """Return the condition that a sub-query has a row: ``rows`` is what follows its ``from``."""
        return f"exists (select 1 from {rows})"

    def order_term(self, column: str, *, descending: bool, nullable: bool) -> str:
        """Return a term of an ``order by``; null is less than all values."""
        return f"{column} desc" if descending else column

    def json_value(self, column: str, keys: Sequence[str]) -> tuple[str, str]:
        """Return the tables and the condition that give the value under ``keys`` of a JSON column."""
        within, tables, tests = column, [], []
        for number, key in enumerate(keys, start=1):
            tables.append(f"json_each({within}) j{number}")
            tests.append(f"j{number}.key = {key}")
            # Only for objects: json_each fails on a text that is not JSON.
            within = f"case j{number}.type when 'object' then j{number}.value else '{{}}' end"
        return " cross join ".join(tables), " and ".join(tests)

    def json_text(self, alias: str) -> str:
        """Return the value where its type is ``text``."""
        return f"{alias}.value"

    def json_number(self, alias: str, other: object) -> str:
        """Return the value where it is a number."""
        return f"{alias}.value"

    def json_equal(self, alias: str, array: str) -> str:
        """Return the condition that the value is this JSON array."""
        return f"{alias}.type = 'array' and json({alias}.value) = json({array})"

    def has_label(self, annotation: str, key: str) -> str:
        """Return the condition that an annotation has shapes with a label."""
        return f"has_label({annotation}.counts, {key})"

    def has_shape(self, annotation: str, kind: int, key: str) -> str:
        """Return the condition that an annotation has shapes of a kind with a label."""
        return f"has_shape({_blob(annotation)}, {kind}, {key})"

    def scores(self, annotation: str, alias: str) -> str:
        """Return a table of the scores of an annotation's shapes, in its column ``value``."""
        # No blob is unpacked for annotations without scores: its first byte tells.
        return f"json_each(scores({_blob(annotation)})) {alias}"

    def new_bucket(self, dataset: int) -> int:
        """Return 0: a lake has one bucket."""
        return 0


class PostgresDialect:
    """The dialect of PostgreSQL; its functions over JSON are made by the first migration."""

    def typed(self, placeholder: str, value: object) -> str:
        """Return the placeholder with the type of the value: PostgreSQL would guess it from its first use."""
        if isinstance(value, str):
            return f"cast({placeholder} as text)"
        return (
            f"cast({placeholder} as {'double precision' if isinstance(value, float) else 'bigint'})"
        )

    def contains(self, text: str, part: str) -> str:
        """Return the condition that a text contains another."""
        return f"strpos({text}, {part}) > 0"

    def ends_with(self, text: str, part: str) -> str:
        """Return the condition that a text ends with another, which is not empty."""
        return f"right({text}, length({part})) = {part}"

    def hex(self, column: str) -> str:
        """Return the bytes of a column as lower-case hexadecimal digits."""
        return f"encode({column}, 'hex') collate \"C\""

    def unindexed(self, column: str) -> str:
        """Return the column: the planner knows how many rows it leaves."""
        return column

    def has_one(self, rows: str) -> str:
        """Return the condition that a sub-query has a row: ``rows`` is what follows its ``from``.

        The ``offset`` keeps the planner from making a join of it. Before a large table is analyzed, that join compares
        each row with each other one: a query for a tag took minutes on 8,000 assets that were just added.
        """
        return f"exists (select 1 from {rows} offset 0)"

    def order_term(self, column: str, *, descending: bool, nullable: bool) -> str:
        """Return a term of an ``order by``, in which null is less than all values, as in SQLite."""
        # Without need it would keep an index from being read in order.
        if not nullable:
            return f"{column} desc" if descending else column
        return f"{column} desc nulls last" if descending else f"{column} nulls first"

    def json_value(self, column: str, keys: Sequence[str]) -> tuple[str, str]:
        """Return the table and the condition that give the value under ``keys`` of a JSON column."""
        path = "".join(f" -> {key}" for key in keys)
        return f"value_of_json(json_document({column}){path}) j{len(keys)}", "true"

    def json_text(self, alias: str) -> str:
        """Return the value where its type is ``text``; it compares by code point."""
        return f'({alias}.value collate "C")'

    def json_number(self, alias: str, other: object) -> str:
        """Return the value where it is a number; whole numbers compare exactly."""
        return f"json_real({alias}.number)" if isinstance(other, float) else f"{alias}.number"

    def json_equal(self, alias: str, array: str) -> str:
        """Return the condition that the value is this JSON array."""
        # A "case", because the conditions of an "and" are tested in any order, and other values need not be JSON.
        return f"case {alias}.type when 'array' then json_document({alias}.value) = json_document({array}) end"

    def has_label(self, annotation: str, key: str) -> str:
        """Return the condition that an annotation has shapes with a label."""
        return f"{key} << {KIND_BITS} = any ({annotation}.marks)"

    def has_shape(self, annotation: str, kind: int, key: str) -> str:
        """Return the condition that an annotation has shapes of a kind with a label."""
        return f"({key} << {KIND_BITS} | {kind + 1}) = any ({_own('marks', annotation)})"

    def scores(self, annotation: str, alias: str) -> str:
        """Return a table of the scores of an annotation's shapes, in its column ``value``."""
        return f"unnest({_own('scores', annotation)}) {alias} (value)"

    def new_bucket(self, dataset: int) -> int:
        """Return one of the buckets 1 to 16."""
        return 1 + dataset % BUCKETS


def _blob(annotation: str) -> str:
    return f"coalesce({annotation}.shapes, {_content('shapes', annotation)})"


def _own(column: str, annotation: str) -> str:
    """A column that stands with the blob of an annotation."""
    return (
        f"case when {annotation}.content is null then {annotation}.{column}"
        f" else {_content(column, annotation)} end"
    )


def _content(column: str, annotation: str) -> str:
    """A column of the content of an annotation, null where its blob lies in its row."""
    return (
        f"(select c.{column} from version v join dataset s on s.no = v.dataset"
        " join content c on c.dataset_bucket = s.bucket and c.dataset = s.no"
        f" and c.no = {annotation}.content where v.no = {annotation}.version)"
    )


SQLITE = SqliteDialect()
POSTGRES = PostgresDialect()
