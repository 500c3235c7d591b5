"""The marks and scores that PostgreSQL keeps say what SQLite's functions find in the blobs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from headrace.errors import CorruptionError
from headrace.model.blob.counts import pack_counts
from headrace.model.blob.pack import pack
from headrace.model.blob.unpack import has_shape, scores_of
from headrace.model.columns import ShapeGroup, ShapeKind, Shapes
from headrace.storage.database.dialect import KIND_BITS
from headrace.storage.database.postgres.derived import derive, derived
from headrace.storage.database.queries import Queries

KEYS = range(12)


def _packed(*groups: tuple[ShapeKind, list[int]], scored: bool = False) -> tuple[bytes, bytes]:
    """The counts and the blob of an annotation with boxes and points of labels."""
    sizes = {ShapeKind.RECTANGLE: 4, ShapeKind.POINT: 2}
    made = [ShapeGroup(kind, labels, [1.0] * sizes[kind] * len(labels)) for kind, labels in groups]
    if scored:
        made[0].scores = [0.5, *[None] * (len(groups[0][1]) - 1)]
    labels = [label for _, found in groups for label in found]
    return pack_counts({label: labels.count(label) for label in labels}), pack(Shapes(made))


ANNOTATIONS = [
    _packed(),
    _packed((ShapeKind.RECTANGLE, [7])),
    _packed((ShapeKind.RECTANGLE, [3, 3, 4]), (ShapeKind.POINT, [4, 11]), scored=True),
    _packed((ShapeKind.POINT, list(KEYS) * 30)),
]


def test_marks_name_the_labels_and_the_kinds_of_their_shapes() -> None:
    found = derive([counts for counts, _ in ANNOTATIONS], [blob for _, blob in ANNOTATIONS])
    for (_, blob), (marks, _) in zip(ANNOTATIONS, found, strict=True):
        assert len(marks) == len(set(marks))
        for key in KEYS:
            kinds = {kind for kind in ShapeKind if has_shape(blob, kind, key)}
            assert {kind for kind in ShapeKind if (key << KIND_BITS) + 1 + kind in marks} == kinds
            assert (key << KIND_BITS in marks) == bool(kinds)


def test_scores_are_those_of_the_blob_or_null() -> None:
    found = derive([None] * 4, [blob for _, blob in ANNOTATIONS])
    assert [scores for _, scores in found] == [None, None, scores_of(ANNOTATIONS[2][1]), None]
    assert found[2][1] == [0.5]


def test_a_row_whose_blob_lies_elsewhere_has_the_marks_of_its_labels() -> None:
    assert derive([ANNOTATIONS[2][0]], [None]) == [([3 << 4, 4 << 4, 11 << 4], None)]


def test_a_damaged_blob_is_an_error() -> None:
    with pytest.raises(CorruptionError):
        derive([b""], [b"\xff" * 9])


def test_what_statements_take_is_derived_for_them() -> None:
    queries = Queries("postgres")
    given = re.compile(r":marks\b|\bmarks\b[^;]*\?")
    taking = {name for name in queries.names() if given.search(queries.text(name))}
    assert {name for name in queries.names() if derived(name) is not None} == taking


@pytest.mark.parametrize("rows", [1, 600])
def test_rows_get_their_values_last_and_in_order(rows: int) -> None:
    columns = derived("annotations.add_content")
    assert columns is not None
    given = [(0, 1, no, ANNOTATIONS[no % 4][1]) for no in range(rows)]
    found = list(columns.rows(iter(given)))
    assert [row[:4] for row in found] == given
    assert [row[4:] for row in found[:4]] == derive(
        [None] * len(found[:4]), [r[3] for r in given[:4]]
    )


def test_parameters_get_their_values_by_name() -> None:
    columns = derived("single_annotations.rewrite")
    assert columns is not None
    counts, blob = ANNOTATIONS[1]
    params: dict[str, Any] = {"counts": counts, "shapes": blob, "no": 1}
    assert columns.params(params) == {**params, "marks": [7 << 4, (7 << 4) + 1], "scores": None}
