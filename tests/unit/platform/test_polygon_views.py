"""Annotations as ``iter_annotations`` yields them: polygons make their points when asked, and behave like all others."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import msgspec
import pytest

from headrace.errors import StorageError
from headrace.model.blob.pack import pack_page
from headrace.model.columns import ShapeGroup, ShapeKind, Shapes
from headrace.model.enums import AnnotationStatus
from headrace.platform.annotations.encode import encode_annotations
from headrace.platform.annotations.polygon_view import PolygonView
from headrace.protocol.operations.annotations import (
    LoadedAnnotation,
    PackedAnnotation,
    PackedAnnotations,
    PolygonOut,
)

RINGS: list[list[tuple[float, float]]] = [
    [(0, 0), (10, 0), (10.25, 8)],
    [(-3, 4), (2**40, 4), (6, 9), (1, 1)],
    [(1, 2), (3, 4), (5, 6)],
    [],
    [(0.1 + 0.2, 1e300), (2, 3.5), (7, 7)],
]


def page(*annotations: list[list[tuple[float, float]]]) -> PackedAnnotations:
    """Pack annotations that have these polygons."""
    blobs = pack_page(
        [
            Shapes(
                [
                    ShapeGroup(ShapeKind.RECTANGLE, [1], [1, 2, 3.5, 4]),
                    ShapeGroup(
                        ShapeKind.POLYGON,
                        [1 + index % 2 for index in range(len(rings))],
                        rings,
                        attributes=[{"n": index} for index in range(len(rings))],
                        scores=[0.5, *[None] * (len(rings) - 1)],
                    ),
                ]
            )
            for rings in annotations
        ]
    )
    return PackedAnnotations(
        {1: "cat", 2: "dog"},
        [
            PackedAnnotation(str(n), "asset", AnnotationStatus.PENDING, None, 1.5, None, 0, blob)
            for n, blob in enumerate(blobs)
        ],
    )


PAGE = page(RINGS[:3], RINGS, RINGS[2:3])


def lazy() -> list[LoadedAnnotation]:
    return encode_annotations(PAGE, lazy=True)


def test_views_are_equal_to_polygons_with_all_their_digits() -> None:
    eager = encode_annotations(PAGE)
    assert lazy() == eager
    assert eager == lazy()
    assert repr(lazy()) == repr(eager)
    assert [each.polygon for each in lazy()[1].polygons] == RINGS
    assert repr(lazy()[2].polygons[0].polygon) == "[(1, 2), (3, 4), (5, 6)]"
    other = lazy()
    other[1].polygons[2].polygon[0] = (1, 2.5)
    assert other != eager
    assert lazy()[0].polygons[0] != "a polygon"


@pytest.mark.parametrize("read_first", [False, True])
@pytest.mark.parametrize(
    "same",
    [
        copy.copy,
        copy.deepcopy,
        lambda views: pickle.loads(pickle.dumps(views)),
        lambda views: msgspec.json.decode(msgspec.json.encode(views), type=list[LoadedAnnotation]),
        lambda views: msgspec.convert(msgspec.to_builtins(views), list[LoadedAnnotation]),
        lambda views: msgspec.msgpack.decode(
            msgspec.msgpack.encode(views), type=list[LoadedAnnotation]
        ),
    ],
)
def test_views_are_copied_and_encoded_like_polygons(
    same: Callable[[Any], Any], read_first: bool
) -> None:
    views = lazy()
    if read_first:
        assert views[1].polygons[1].polygon[1] == (2**40, 4)
    assert same(views) == encode_annotations(PAGE)


def test_views_are_encoded_byte_by_byte_like_polygons() -> None:
    assert msgspec.json.encode(lazy()) == msgspec.json.encode(encode_annotations(PAGE))
    assert msgspec.to_builtins(lazy()) == msgspec.to_builtins(encode_annotations(PAGE))


def test_views_are_polygons_that_can_be_changed() -> None:
    (view, *_) = lazy()[0].polygons
    assert isinstance(view, PolygonOut)
    assert isinstance(view, PolygonView)
    assert view.polygon is view.polygon
    view.polygon.append((1, 1))
    view.label = "bird"
    view.score = msgspec.UNSET
    assert view.polygon == [*RINGS[0], (1, 1)]
    assert msgspec.json.decode(msgspec.json.encode(view), type=PolygonOut) == view
    assert "bird" in repr(view)
    assert copy.copy(view).label == "bird"
    (view, *_) = lazy()[0].polygons
    view.polygon = []
    assert view.polygon == []
    with pytest.raises(AttributeError, match="color"):
        view.color  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(TypeError, match="unhashable"):
        hash(view)


def test_a_view_has_the_fields_of_a_polygon() -> None:
    names = tuple(each.name for each in fields(PolygonView))
    assert names == PolygonOut.__struct_fields__


def test_damaged_points_are_found_before_they_are_read() -> None:
    damaged = page(RINGS[:2])
    blob = damaged.annotations[0].shapes
    damaged.annotations[0].shapes = blob[:-20] + bytes(20)
    with pytest.raises(StorageError):
        encode_annotations(damaged, lazy=True)


def test_deleted_points_stay_deleted() -> None:
    (view, *_) = lazy()[0].polygons
    assert view.polygon == RINGS[0]
    del view.polygon
    with pytest.raises(AttributeError, match="polygon"):
        view.polygon  # noqa: B018
