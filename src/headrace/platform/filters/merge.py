"""Merge the comparisons of a query that one condition can answer.

A field that leads to many rows (tags, datasets, annotations) costs a sub-query for each comparison and each asset, so
``tags.name != "a" and tags.name != "b"`` is answered as ``not tags.name in ("a", "b")``.
"""

from __future__ import annotations

from msgspec.structs import replace

from headrace.errors import BadRequestError
from headrace.platform.filters.fields import Field, FieldKind, find_field
from headrace.platform.filters.values import EQUAL
from headrace.protocol.query.nodes import And, Comparison, Node, comparisons

MAX_SUBQUERIES = 40
"""The most sub-queries of one query. Each is answered for every asset or data that is looked at."""


def merge(node: Node) -> Node:
    """Merge the equalities of one field: the negated ones of an ``and``, the others of an ``or``."""
    if isinstance(node, Comparison):
        return node
    negated = isinstance(node, And)
    merged: dict[object, Node] = {}
    for number, term in enumerate(map(merge, node.terms)):
        if (
            not isinstance(term, Comparison)
            or term.negated != negated
            or term.operator not in EQUAL
        ):
            merged[number] = term
            continue
        known = merged.get(term.field)
        merged[term.field] = _united(known, term) if isinstance(known, Comparison) else term
    terms = tuple(merged.values())
    return terms[0] if len(terms) == 1 else replace(node, terms=terms)


def _united(first: Comparison, second: Comparison) -> Comparison:
    return replace(first, operator="in", values=(*first.values, *second.values))


def check_cost(fields: dict[str, Field], node: Node) -> None:
    """Raise a 400 for a merged query that needs too many sub-queries. Searching JSON is one too."""
    named = [find_field(fields, comparison)[0] for comparison in comparisons(node)]
    count = sum(bool(field.source) or field.kind is FieldKind.JSON for field in named)
    if count > MAX_SUBQUERIES:
        raise BadRequestError(
            f"q asks {count} things of tags, datasets, annotations or metadata, at most {MAX_SUBQUERIES} are allowed",
            hint="use in (…), or split the listing",
        )
