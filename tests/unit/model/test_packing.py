"""Blobs of shapes: sizes, ordinals, rounding, and numbers that must be refused."""

from __future__ import annotations

import json
import math
import random
from collections import Counter

import pytest

from headrace.errors import StorageError
from headrace.model.blob.counts import unpack_counts
from headrace.model.blob.pack import pack, pack_page
from headrace.model.blob.unpack import TOGETHER, scores_of, unpack, unpack_page
from headrace.model.columns import ShapeGroup, ShapeKind, Shapes, TrackGeometry, append_shapes


def boxes(*numbers: float, labels: list[int] | None = None, **more: object) -> ShapeGroup:
    size = len(numbers) // 4
    return ShapeGroup(ShapeKind.RECTANGLE, labels or [1] * size, list(numbers), **more)


def outline(rng: random.Random, points: int = 24) -> list[tuple[int, int]]:
    """An object of some 60 pixels in an image of 640 x 480."""
    cx, cy, radius = rng.randint(60, 580), rng.randint(60, 420), rng.randint(20, 60)
    angles = [math.tau * i / points for i in range(points)]
    return [
        (
            round(cx + math.cos(a) * radius * rng.uniform(0.8, 1.2)),
            round(cy + math.sin(a) * radius * rng.uniform(0.8, 1.2)),
        )
        for a in angles
    ]


def test_a_polygon_of_24_whole_points_takes_at_most_80_bytes() -> None:
    rng = random.Random(5)
    sizes = [
        len(pack(Shapes([ShapeGroup(ShapeKind.POLYGON, [rng.randint(0, 80)], [outline(rng)])])))
        for _ in range(500)
    ]
    assert max(sizes) <= 80


def test_hundredths_of_a_pixel_stay_small() -> None:
    rng = random.Random(6)
    rings = [[(x + 0.25, y + 0.5) for x, y in outline(rng)] for _ in range(7)]
    blob = pack(Shapes([ShapeGroup(ShapeKind.POLYGON, list(range(7)), rings)]))
    assert len(blob) < 7 * 24 * 2 * 2 + 80
    assert unpack(blob).groups[0].geometry == rings


def test_numbers_that_no_scale_makes_whole_are_kept_as_they_are() -> None:
    numbers = [1 / 3, 2 / 3, 1e-300, 1e300]
    assert unpack(pack(Shapes([boxes(*numbers)]))).groups[0].geometry == numbers
    huge = [2.0**60, 2.0**62, -(2.0**62), 0.0]
    assert unpack(pack(Shapes([boxes(*huge)]))).groups[0].geometry == huge
    ring = [(2.0**62, -(2.0**62)), (-(2.0**62), 2.0**62), (0.0, 1.0)]
    group = ShapeGroup(ShapeKind.POLYGON, [1], [ring])
    assert unpack(pack(Shapes([group]))).groups[0].geometry == [ring]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(bad: float) -> None:
    for numbers in ([bad, 1.0, 2.0, 3.0], [1.0] * 15 + [bad], [1 / 3] * 15 + [bad]):
        with pytest.raises(ValueError, match="finite"):
            pack(Shapes([boxes(*numbers)]))
    ring = [(0.0, 0.0), (1.0, bad), (2.0, 2.0)]
    with pytest.raises(ValueError, match="finite"):
        pack(Shapes([ShapeGroup(ShapeKind.POLYGON, [1], [ring])]))


def test_an_integer_beyond_the_exact_floats_is_refused() -> None:
    with pytest.raises(ValueError, match="exactly"):
        pack(Shapes([boxes(2**62 + 1, 0, 1, 1), boxes()]))


@pytest.mark.parametrize(
    "ring",
    [
        "[[1,2],[-3,0],[640,479]]",
        " [ [1, 2],\n[-3 ,\t0], [640, 479] ] ",
        "[[1,2],[3.5,4],[5,6]]",
        "[[-0,0],[2,2],[0,9007199254740991]]",
    ],
)
def test_points_in_text_give_the_same_blob_as_points(ring: str) -> None:
    points = [tuple(point) for point in json.loads(ring)]
    text = Shapes([ShapeGroup(ShapeKind.POLYGON, [1, 1], [ring.encode(), b"[[7,8],[9,10]]"])])
    given = Shapes([ShapeGroup(ShapeKind.POLYGON, [1, 1], [points, [(7, 8), (9, 10)]])])
    assert pack_page([text], "text of points") == [pack(given)]


@pytest.mark.parametrize("number", [2**53 + 1, 2**70 + 1, -(2**70) - 1])
def test_an_integer_in_text_beyond_the_exact_floats_is_refused(number: int) -> None:
    group = ShapeGroup(ShapeKind.POLYGON, [1], [b"[[1,2],[3,%d]]" % number])
    with pytest.raises(ValueError, match="beyond"):
        pack_page([Shapes([group])], "text of points")


def test_columns_must_fit_each_other() -> None:
    for group in (
        ShapeGroup(ShapeKind.RECTANGLE, [1, 2], [0.0] * 4),
        ShapeGroup(ShapeKind.POLYGON, [1], []),
        ShapeGroup(ShapeKind.CLASSIFICATION, [1], [1.0]),
        ShapeGroup(ShapeKind.POLYGON, [1], [[(1.0, 2.0, 3.0)]]),
        boxes(0, 0, 1, 1, texts=["a", "b"]),
        boxes(0, 0, 1, 1, attributes=[None, None]),
    ):
        with pytest.raises(ValueError, match=r"lengths|pair"):
            pack(Shapes([group]))


def test_rounding_touches_rectangles_and_polygons_only() -> None:
    half = [(0.5, 1.6), (2.4, 3.5), (7.0, 8.0)]
    shapes = Shapes(
        [
            boxes(0.4, 1.6, 10.5, 11.5),
            ShapeGroup(ShapeKind.POLYGON, [1], [half]),
            ShapeGroup(ShapeKind.LINE, [1], [half]),
            ShapeGroup(ShapeKind.POINT, [1], [0.5, 0.25]),
            ShapeGroup(ShapeKind.KEYPOINTS, [1], [[(0.5, 0.25, 2)]]),
            ShapeGroup(
                ShapeKind.TRACK,
                [1],
                [TrackGeometry(3, [(0, 0.4, 0.6, 1.5, 2.5)], [(1, half)], [9])],
            ),
        ]
    )
    rectangle, polygon, line, point, keypoints, track = unpack(pack(shapes), whole=True).groups
    assert rectangle.geometry == [0, 2, 10, 12]
    assert polygon.geometry == [[(0, 2), (2, 4), (7, 8)]]
    assert track.geometry == [
        TrackGeometry(3, [(0, 0, 1, 2, 2)], [(1, [(0, 2), (2, 4), (7, 8)])], [9])
    ]
    numbers = [*rectangle.geometry, *(n for pair in polygon.geometry[0] for n in pair)]
    assert {type(number) for number in numbers} == {int}
    assert (line.geometry, point.geometry) == ([half], [0.5, 0.25])
    assert keypoints.geometry == [[(0.5, 0.25, 2)]]


@pytest.mark.parametrize("fraction", [0, 0.5, 0.25, 1 / 3])
def test_whole_coordinates_are_integers_and_all_others_floats(fraction: float) -> None:
    shapes = Shapes(
        [
            boxes(1.0, 2, 3, 4 + fraction),
            ShapeGroup(ShapeKind.POLYGON, [1], [[(1, 2.0), (3, 4), (-5, 6 + fraction)]]),
        ]
    )
    rectangle, polygon = unpack(pack(shapes)).groups
    assert repr(rectangle.geometry) == repr([1, 2, 3, 4 + fraction])
    assert repr(polygon.geometry) == repr([[(1, 2), (3, 4), (-5, 6 + fraction)]])


def test_what_few_shapes_have_costs_the_others_nothing() -> None:
    plain = pack(Shapes([boxes(*range(28))]))
    assert plain[0] == 0x30
    scored = pack(Shapes([boxes(*range(28), scores=[0.5, None, 0.25, 1, 0, None, 0.875])]))
    assert scored[0] == 0x31
    assert (scores_of(plain), scores_of(scored)) == ([], [0.5, 0.25, 1, 0, 0.875])


def test_scores_boxes_and_outlines_are_left_out_for_other_clients() -> None:
    points = ShapeGroup(
        ShapeKind.KEYPOINTS,
        [1, 2],
        [[(0.5, 0.25, 2)], [(0, 0, 0)]],
        scores=[0.5, None],
        boxes=[None, (1, 2, 3.5, 4)],
        segmentations=[[[(0, 0), (9, 0), (9, 9.5)]], "04"],
    )
    shapes = Shapes([points])
    assert unpack(pack(shapes)) == shapes
    (left,) = unpack(pack(shapes), whole=True).groups
    assert (left.scores, left.boxes, left.segmentations) == (None, None, None)


def test_rings_of_one_polygon_count_once() -> None:
    ring = [(0, 0), (1, 0), (1, 1)]
    polygons = ShapeGroup(ShapeKind.POLYGON, [1, 1, 2, 1], [ring] * 4, instances=[1, 1, 2, None])
    shapes = Shapes([boxes(0, 0, 1, 1), polygons])
    assert shapes.count == 5
    assert shapes.label_counts() == Counter({1: 3, 2: 1})


def test_polygons_joined_from_two_calls_stay_apart() -> None:
    ring = [(0, 0), (1, 0), (1, 1)]
    polygons = Shapes([ShapeGroup(ShapeKind.POLYGON, [1, 1], [ring] * 2, instances=[1, 1])])
    together = append_shapes(polygons, polygons, apart=True)
    assert together.label_counts() == Counter({1: 2})
    assert append_shapes(polygons, polygons).label_counts() == Counter({1: 1})


def test_ordinals_cost_a_column_once_they_are_needed() -> None:
    plain = Shapes([boxes(*range(28))])
    stored = Shapes([boxes(*range(28), ordinals=[0, 1, 2, 3, 4, 6, 7])], next_ordinal=9)
    # The column, its head, and its place in the content.
    assert len(pack(stored)) - len(pack(plain)) <= 7 + 1 + 6
    assert unpack(pack(stored)) == stored


def test_joined_shapes_keep_their_ordinals() -> None:
    line = ShapeGroup(ShapeKind.LINE, [5], [[(0.0, 0.0), (1.0, 1.0)]])
    first = Shapes([boxes(0, 0, 1, 1, 2, 2, 3, 3), line])
    second = Shapes([boxes(9, 9, 1, 1, texts=["new"])])
    both = append_shapes(first, second)
    rectangle, chain = both.groups
    assert (rectangle.ordinals, chain.ordinals, both.next_ordinal) == ([0, 1, 3], [2], 4)
    assert rectangle.texts == [None, None, "new"]
    assert unpack(pack(both)) == both
    third = append_shapes(both, Shapes([ShapeGroup(ShapeKind.CLASSIFICATION, [4], [])]))
    assert [group.ordinals for group in third.groups] == [[0, 1, 3], [2], [4]]


def test_joining_behind_the_last_group_leaves_ordinals_implied() -> None:
    both = append_shapes(Shapes([boxes(0, 0, 1, 1)]), Shapes([boxes(1, 1, 2, 2)]))
    assert (both.next_ordinal, both.groups[0].ordinals) == (None, None)
    assert both.count == 2


def test_a_deleted_shape_never_gives_its_ordinal_away() -> None:
    left = Shapes([boxes(0, 0, 1, 1, ordinals=[0])], next_ordinal=3)
    both = append_shapes(unpack(pack(left)), Shapes([boxes(1, 1, 2, 2)]))
    assert (both.groups[0].ordinals, both.next_ordinal) == ([0, 3], 4)


def test_a_blob_of_a_later_format_is_refused() -> None:
    with pytest.raises(StorageError, match="unknown to this headrace"):
        unpack(b"\x40")
    with pytest.raises(StorageError, match="unknown to this headrace"):
        unpack(b"\x12")
    with pytest.raises(StorageError, match="damaged"):
        unpack(b"")


def test_a_blob_that_promises_too_much_is_refused_at_once() -> None:
    million_points = bytes([0x10, ShapeKind.POLYGON, 1, 7, 0, 7, 0xFF, 0xFF, 0xFF, 0x7F, 0x10])
    with pytest.raises(StorageError, match="damaged"):
        unpack(million_points)
    endless_varint = b"\x10\x00" + b"\xff" * 40
    with pytest.raises(StorageError, match="damaged"):
        unpack(endless_varint)
    with pytest.raises(StorageError, match="damaged"):
        unpack_counts(b"\xff\xff\xff\xff\x7f")


@pytest.mark.parametrize(
    "points",
    [
        [(-3.016203360616311e16, 69821.0), (-210.0, -4.691697659658147e16), (-464.0, -467.0)],
        [(-(2.0**53), 2.0**53), (2.0**53 - 1, 1 - 2.0**53), (1.0, -1.0)],
    ],
)
def test_points_further_apart_than_a_float_counts_come_back_equal(
    points: list[tuple[float, float]],
) -> None:
    """The distance of two floats need not be one; what is added up must be whole numbers."""
    shapes = Shapes([ShapeGroup(ShapeKind.POLYGON, [1], [points])])
    assert unpack(pack(shapes)) == shapes


def test_long_pages_are_read_like_short_ones() -> None:
    rng = random.Random(7)
    annotations = [
        Shapes([boxes(n, 2, 3, 4.5), ShapeGroup(ShapeKind.POLYGON, [n], [outline(rng)])])
        for n in range(2 * TOGETHER + 3)
    ]
    blobs = pack_page(annotations)
    assert unpack_page(blobs) == annotations
    damaged = blobs[-1][:-1] + bytes([blobs[-1][-1] ^ 1])
    with pytest.raises(StorageError, match="damaged"):
        unpack_page([*blobs[:-1], damaged])
