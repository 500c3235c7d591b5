"""The versions of a local lake, for the completion of command lines: read at once, with the standard library alone."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from urllib.parse import quote

_DATABASE = "headrace.db"
_QUERY = """
select d.name || '/' || v.name from version v join dataset d on d.no = v.dataset
where v.state = 'ACTIVE' and d.state = 'ACTIVE' order by 1 limit 1000
"""


def print_versions(words: Sequence[str]) -> int:
    """Print ``dataset/version`` for each version of the lake that the last word names; nothing if it is no lake."""
    path = os.path.join(os.path.expanduser(words[-1]) if words else "", _DATABASE)
    if not os.path.isfile(path):
        return 0
    # Completion must never change a lake, not even by the files that a reader of SQLite creates beside it.
    for mode in ("mode=ro", "mode=ro&immutable=1"):
        try:
            with closing(sqlite3.connect(f"file:{quote(path)}?{mode}", uri=True)) as database:
                names = [name for (name,) in database.execute(_QUERY)]
        except sqlite3.Error:
            continue
        sys.stdout.write("".join(f"{name}\n" for name in names))
        return 0
    return 0
