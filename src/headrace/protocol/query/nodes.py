"""The tree of a query.

A comparison of a field with several values (``tags.name``) is true where at least one value matches; two such
comparisons joined by ``and`` may match two different tags. A negated comparison is the exact opposite of the plain one,
so ``tags.name != "a"`` means "has no tag a".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

Value = str | int | float | bool | None
Operator = Literal["=", ">", ">=", "<", "<=", "~", "startswith", "endswith", "in"]


class Comparison(Struct, frozen=True):
    """A comparison of one field.

    ``field`` is a dotted path. ``values`` holds one value, or any number where the operator is ``in``. ``column`` and
    ``value_column`` are positions in the query, counted from 1.
    """

    field: tuple[str, ...]
    operator: Operator
    negated: bool
    values: tuple[Value, ...]
    column: int
    value_column: int


class And(Struct, frozen=True):
    """All ``terms`` are true."""

    terms: tuple[Node, ...]
    depth: int
    size: int


class Or(Struct, frozen=True):
    """At least one of ``terms`` is true."""

    terms: tuple[Node, ...]
    depth: int
    size: int


Node = Comparison | And | Or


def depth(node: Node) -> int:
    """Return the number of connectors between a node and its deepest comparison."""
    return 0 if isinstance(node, Comparison) else node.depth


def size(node: Node) -> int:
    """Return the number of comparisons in a node."""
    return 1 if isinstance(node, Comparison) else node.size


def comparisons(node: Node) -> Iterator[Comparison]:
    """Iterate over the comparisons of a node, in the order of the query."""
    if isinstance(node, Comparison):
        yield node
        return
    for term in node.terms:
        yield from comparisons(term)
