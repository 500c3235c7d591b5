"""The query language ``q`` of listings: how clients write it and what it means.

    filename startswith "cam1/" and (tags.name in ("day","night") or data.width >= 1920)

Light on purpose: the grammar is loaded when the first query is read (:mod:`headrace.protocol.query.parser`).
"""

from headrace.protocol.query.text import all_of, any_of, combine, quote

__all__ = ["all_of", "any_of", "combine", "quote"]
