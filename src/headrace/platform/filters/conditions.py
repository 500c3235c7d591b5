"""Collect SQL conditions and their bound values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from headrace.storage.database.dialect import Dialect


class Conditions:
    """SQL conditions that must all hold, with the values they bind."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.params: dict[str, object] = {}
        self._parts: list[str] = []

    def bind(self, value: object) -> str:
        """Bind a value; returns its placeholder."""
        name = f"f{len(self.params) + 1}"
        self.params[name] = value
        return self.dialect.typed(":" + name, value)

    def bind_all(self, values: Iterable[object]) -> str:
        """Bind many values; returns their placeholders, separated by commas, for an ``in``; ``null`` for none."""
        return ", ".join([self.bind(value) for value in values]) or "null"

    def add(self, condition: str) -> None:
        """Add a condition."""
        self._parts.append(condition)

    def sql(self) -> str:
        """Return all conditions, each preceded by ``and``."""
        return "".join([f" and ({part})" for part in self._parts])


def join(connector: str, parts: Sequence[str]) -> str:
    """Join conditions by ``and`` or ``or``, as a balanced tree: databases limit the depth of an expression."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return f"({join(connector, parts[:half])} {connector} {join(connector, parts[half:])})"
