"""SQL functions for filters on packed shapes.

``has_label(counts, key)`` and ``has_shape(shapes, kind, key)`` tell whether an annotation has a shape with the label.
``scores(shapes)`` is the JSON array of the scores of an annotation's shapes.
"""

from __future__ import annotations

import apsw
import msgspec

from headrace.model.blob.counts import unpack_counts
from headrace.model.blob.unpack import has_shape, scores_of


def register(connection: apsw.Connection) -> None:
    """Register the functions on a connection."""
    connection.create_scalar_function("has_label", _has_label, 2, deterministic=True)
    connection.create_scalar_function("has_shape", _has_shape, 3, deterministic=True)
    connection.create_scalar_function("scores", _scores, 1, deterministic=True)


def _has_label(*values: apsw.SQLiteValue) -> bool:
    counts, key = values
    return isinstance(counts, bytes) and key in unpack_counts(counts)


def _has_shape(*values: apsw.SQLiteValue) -> bool:
    shapes, kind, key = values
    if not (isinstance(shapes, bytes) and isinstance(kind, int) and isinstance(key, int)):
        return False
    return has_shape(shapes, kind, key)


def _scores(*values: apsw.SQLiteValue) -> str:
    (shapes,) = values
    found = scores_of(shapes) if isinstance(shapes, bytes) else []
    return msgspec.json.encode(found).decode() if found else "[]"
