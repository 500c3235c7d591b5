"""Writing queries: values quoted, clauses joined so that none changes the meaning of another."""

from __future__ import annotations

from collections.abc import Sequence


def quote(text: str) -> str:
    """``text`` as a string literal of the query language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def any_of(field: str, names: Sequence[str]) -> str:
    """A clause that holds where ``field`` is one of ``names``; empty where there are no names."""
    # No blank after the comma: the platform's own client writes none.
    return f"{field} in ({','.join(map(quote, names))})" if names else ""


def all_of(field: str, names: Sequence[str]) -> str:
    """A clause that holds where each of ``names`` is among the values of ``field``; empty where there are none."""
    return " and ".join(f"{field} = {quote(name)}" for name in names)


def combine(*clauses: str | None) -> str | None:
    """All clauses at once, each in its own parentheses where there are several; None where all are empty."""
    given = [clause for clause in clauses if clause and not clause.isspace()]
    if len(given) < 2:
        return given[0] if given else None
    return " and ".join(f"({clause})" for clause in given)
