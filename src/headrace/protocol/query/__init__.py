"""The query language ``q`` of listings: clients write queries here, servers parse them in :mod:`.parser`.

    filename startswith "cam1/" and (tags.name in ("day","night") or data.width >= 1920)

Importing this package is cheap: the grammar is loaded when the first query is parsed.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["all_of", "any_of", "combine", "quote"]


def quote(text: str) -> str:
    """Write ``text`` as a string literal of the query language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def any_of(field: str, names: Sequence[str]) -> str:
    """Write a clause that is true where ``field`` is one of ``names``; empty where there are no names."""
    # No blank after the comma, as in the platform's own client.
    return f"{field} in ({','.join(map(quote, names))})" if names else ""


def all_of(field: str, names: Sequence[str]) -> str:
    """Write a clause that is true where ``field`` has every one of ``names`` among its values; empty where there are none."""
    return " and ".join(f"{field} = {quote(name)}" for name in names)


def combine(*clauses: str | None) -> str | None:
    """Join clauses with ``and``, each in parentheses where there are several; None where all are empty."""
    given = [clause for clause in clauses if clause and not clause.isspace()]
    if len(given) < 2:
        return given[0] if given else None
    return " and ".join(f"({clause})" for clause in given)
