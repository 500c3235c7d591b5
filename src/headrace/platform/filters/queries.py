"""A query's tree as one SQL condition."""

from __future__ import annotations

from headrace.platform.filters.conditions import Conditions, join
from headrace.platform.filters.documents import compare_document
from headrace.platform.filters.fields import Field, FieldKind, find_field
from headrace.platform.filters.values import EQUAL, allow, compare
from headrace.protocol.query.nodes import And, Comparison, Node
from headrace.protocol.query.parser import parse


def add_query(conditions: Conditions, text: str | None, fields: dict[str, Field]) -> None:
    """Add what a query asks of the things that ``fields`` describes; a blank one asks nothing.

    Raises a 400 that points at the column.
    """
    node = parse(text) if text else None
    if node is not None:
        conditions.add(_compile(conditions, fields, node))


def _compile(conditions: Conditions, fields: dict[str, Field], node: Node) -> str:
    if not isinstance(node, Comparison):
        connector = "and" if isinstance(node, And) else "or"
        return join(connector, [_compile(conditions, fields, term) for term in node.terms])
    field, keys = find_field(fields, node)
    if field.kind is FieldKind.JSON:
        condition = compare_document(conditions, field.column, keys, node)
    else:
        condition = _compare(conditions, field, node)
    # The opposite of null (no width known, say) is true: what is not known is not wide.
    return f"not coalesce({condition}, false)" if node.negated else condition


def _compare(conditions: Conditions, field: Field, comparison: Comparison) -> str:
    values = [value for value in comparison.values if value is not None]
    parts = []
    if values:
        test = compare(conditions, field, comparison, values)
        parts.append(_has_one(field, test) if field.source else test)
    if None in comparison.values:
        allow(comparison, EQUAL, "compared with None")
        known = f"{field.column} is not null"
        parts.append(f"not {_has_one(field, known)}" if field.source else f"not {known}")
    return join("or", parts) if parts else "false"


def _has_one(field: Field, test: str) -> str:
    return f"exists (select 1 from {field.source} and {test})"
