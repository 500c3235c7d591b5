"""What a query says, as a tree.

A comparison of a field that leads to many things (``tags.name``) is its own "has one that": two comparisons joined
by ``and`` may be met by two different tags. A negated comparison is the exact opposite of the plain one, so
``tags.name != "a"`` means "has no tag a".
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Value = str | int | float | bool | None
Operator = Literal["=", ">", ">=", "<", "<=", "~", "startswith", "endswith", "in"]


class Comparison(Struct, frozen=True):
    """``field`` is a dotted path. ``values`` holds one value, or any number of them where the operator is ``in``.

    ``column`` and ``value_column`` count the query's characters from 1.
    """

    field: tuple[str, ...]
    operator: Operator
    negated: bool
    values: tuple[Value, ...]
    column: int
    value_column: int


class And(Struct, frozen=True):
    """Every one of ``terms`` holds."""

    terms: tuple[Node, ...]
    depth: int
    size: int


class Or(Struct, frozen=True):
    """At least one of ``terms`` holds."""

    terms: tuple[Node, ...]
    depth: int
    size: int


Node = Comparison | And | Or


def depth(node: Node) -> int:
    """How many connectors lie between a node and its deepest comparison."""
    return 0 if isinstance(node, Comparison) else node.depth


def size(node: Node) -> int:
    """How many comparisons a node holds."""
    return 1 if isinstance(node, Comparison) else node.size
