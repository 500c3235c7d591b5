"""SQL conditions with their bound values, as they gather."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class Conditions:
    """Conditions that must all hold."""

    def __init__(self) -> None:
        self.params: dict[str, object] = {}
        self._parts: list[str] = []

    def bind(self, value: object) -> str:
        """The name under which a value is bound."""
        name = f"f{len(self.params) + 1}"
        self.params[name] = value
        return ":" + name

    def bind_all(self, values: Iterable[object]) -> str:
        """The names of many values, for an ``in``."""
        return ", ".join([self.bind(value) for value in values])

    def add(self, condition: str) -> None:
        """One more condition."""
        self._parts.append(condition)

    def sql(self) -> str:
        """All of them, each led by ``and``."""
        return "".join([f" and ({part})" for part in self._parts])


def join(connector: str, parts: Sequence[str]) -> str:
    """Many conditions by one connector, as a balanced tree: databases limit the depth of an expression."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return f"({join(connector, parts[:half])} {connector} {join(connector, parts[half:])})"
