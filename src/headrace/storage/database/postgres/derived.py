"""Columns that PostgreSQL has where SQLite has functions over blobs: the marks and scores of packed shapes.

``marks`` has the key of each label of an annotation times 16, and that plus 1 and the kind (``ShapeKind``) for each kind of
its shapes that the row's own blob holds; ``scores`` has the scores of that blob, and is null where there is none. Callers
do not know these columns: the adapter adds them to the values of the statements that write them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from headrace.model.blob.counts import unpack_counts
from headrace.model.blob.unpack import labels_of_page, scores_of
from headrace.storage.database.dialect import KIND_BITS

_TOGETHER = 256

Derived = tuple[list[int], list[float] | None]


class DerivedColumns(NamedTuple):
    """Where a statement takes packed counts and a blob: positions in a row, or names of parameters; None where it does not."""

    counts: int | str | None
    shapes: int | str | None

    def rows(self, rows: Iterable[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows with marks and scores as their last values.

        Raises:
            CorruptionError: A blob is damaged.
        """
        source = iter(rows)
        while chunk := list(islice(source, _TOGETHER)):
            values = derive(self._values(chunk, self.counts), self._values(chunk, self.shapes))
            for row, more in zip(chunk, values, strict=True):
                yield (*row, *more)

    def params(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters with ``marks``, and with ``scores`` where the statement takes a blob.

        Raises:
            CorruptionError: The blob is damaged.
        """
        ((marks, scores),) = derive(
            self._values([params], self.counts), self._values([params], self.shapes)
        )
        return params | (
            {"marks": marks} if self.shapes is None else {"marks": marks, "scores": scores}
        )

    @staticmethod
    def _values(rows: Sequence[Any], place: int | str | None) -> list[bytes | None]:
        return [None if place is None else row[place] for row in rows]


_STATEMENTS = {
    "annotations.add": DerivedColumns(9, 10),
    "annotations.add_content": DerivedColumns(None, 3),
    "annotations.rewrite": DerivedColumns(2, 3),
    "check.set_counts": DerivedColumns("counts", None),
    "copy.add_annotation": DerivedColumns(9, 10),
    "single_annotations.rewrite": DerivedColumns("counts", "shapes"),
    "single_annotations.rewrite_shapes": DerivedColumns(1, 2),
}


def derived(statement: str) -> DerivedColumns | None:
    """Return what a statement of PostgreSQL derives from its values; None for nearly all."""
    return _STATEMENTS.get(statement)


def derive(counts: Sequence[bytes | None], shapes: Sequence[bytes | None]) -> list[Derived]:
    """Return the marks and scores of rows with these packed counts and blobs.

    Raises:
        CorruptionError: One of them is damaged.
    """
    kinds = iter(labels_of_page([blob for blob in shapes if blob is not None]))
    found: list[Derived] = []
    for packed, blob in zip(counts, shapes, strict=True):
        marks = [] if packed is None else [key << KIND_BITS for key in unpack_counts(packed)]
        if blob is not None:
            for kind, keys in next(kinds):
                marks += [(key << KIND_BITS) + 1 + kind for key in dict.fromkeys(keys)]
        found.append((marks, (scores_of(blob) or None) if blob is not None else None))
    return found
