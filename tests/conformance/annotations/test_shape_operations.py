"""Single shapes: ids that stay, answers in the order of the call, refusals that change nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from headrace.errors import BadRequestError, NotFoundError
from headrace.protocol.operations import annotating, shapes
from headrace.protocol.operations.annotations import (
    ClassificationIn,
    KeypointsIn,
    LineIn,
    MaskIn,
    PointIn,
    PolygonIn,
    RectangleIn,
)
from tests.support.lakes.stocked_lake import Filled

PIXELS = "P?5k`[9"  # five pixels at the top of the second column of 640 x 480


class Drawing:
    """One annotation and short ways to draw on it."""

    def __init__(self, filled: Filled, id: UUID) -> None:
        self.filled = filled
        self.call = filled.lake.call
        self.id = id

    def box(self, x: float, label: str = "a", **more: Any) -> RectangleIn:
        return RectangleIn(label_id=self.filled.labels[label], x=x, y=2, w=3, h=4, **more)

    async def boxes(self, *xs: float, label: str = "a") -> list[Any]:
        wanted = [self.box(x, label) for x in xs]
        answer = await self.call(shapes.RECTANGLES.create, annotation_id=self.id, rectangles=wanted)
        return answer.rectangles

    async def xs(self) -> list[tuple[UUID, float]]:
        answer = await self.call(shapes.RECTANGLES.list, annotation_id=self.id)
        return [(record.id, record.x) for record in answer.items]


@pytest.fixture
async def drawing(filled: Filled) -> Drawing:
    record = await filled.lake.call(annotating.CREATE_ANNOTATION, asset_id=UUID(filled.assets[0]))
    return Drawing(filled, record.id)


async def test_created_shapes_come_in_the_order_of_the_call(drawing: Drawing) -> None:
    first = await drawing.boxes(5, 1, 3)
    second = await drawing.boxes(4)
    assert [record.x for record in first] == [5, 1, 3]
    both = [(record.id, record.x) for record in [*first, *second]]
    assert await drawing.xs() == both
    assert len(dict(both)) == 4
    label = first[0].label
    assert (str(label.id), label.name, label.group_id) == (drawing.filled.labels["a"], "a", None)


async def test_an_id_stays_whatever_goes_or_comes_around_it(drawing: Drawing) -> None:
    one, two, three = await drawing.boxes(1, 2, 3)
    point = PointIn(label_id=drawing.filled.labels["b"], point=(7, 8))
    await drawing.call(shapes.POINTS.create, annotation_id=drawing.id, points=[point])
    await drawing.call(shapes.RECTANGLES.delete, shape_id=two.id)
    (four,) = await drawing.boxes(4)
    assert await drawing.xs() == [(one.id, 1), (three.id, 3), (four.id, 4)]
    # An import adds to the annotation, and a deleted shape's id is not given again.
    await drawing.filled.send(drawing.filled.item(0, 5), mode="CONCATENATE")
    found = await drawing.xs()
    assert found[:3] == [(one.id, 1), (three.id, 3), (four.id, 4)]
    assert two.id not in dict(found)
    for record in (one, three, four):
        assert (await drawing.call(shapes.RECTANGLES.get, shape_id=record.id)).x == record.x
    for x, _ in found:
        await drawing.call(shapes.RECTANGLES.delete, shape_id=x)
    assert await drawing.xs() == []
    assert (await drawing.filled.stats()).label_repartition == {"b": 1}


async def test_overwriting_gives_new_ids(drawing: Drawing) -> None:
    (old,) = await drawing.boxes(1)
    await drawing.call(
        annotating.SAVE_ANNOTATION, annotation_id=drawing.id, rectangles=[drawing.box(9)]
    )
    ((new, x),) = await drawing.xs()
    assert (new != old.id, x) == (True, 9)
    with pytest.raises(NotFoundError):
        await drawing.call(shapes.RECTANGLES.get, shape_id=old.id)


async def test_keypoints_and_instances_outlive_the_edits_around_them(drawing: Drawing) -> None:
    label = drawing.filled.labels["c"]
    await drawing.call(
        annotating.SAVE_ANNOTATION,
        annotation_id=drawing.id,
        keypoints=[KeypointsIn(label_id=label, keypoints=[(1, 2, 2), (3.5, 4, 0)])],
        polygons=[
            PolygonIn(label_id=label, polygon=[(0, 0), (1, 0), (i, 1)], instance=1)
            for i in range(3)
        ],
    )
    listed = await drawing.call(shapes.POLYGONS.list, annotation_id=drawing.id)
    await drawing.call(shapes.POLYGONS.delete, shape_id=listed.items[1].id)
    await drawing.call(
        shapes.POLYGONS.update, shape_id=listed.items[2].id, polygon=[(9, 9), (1, 0), (0.5, 1)]
    )
    (loaded,) = await drawing.filled.load()
    assert [shape.keypoints for shape in loaded.keypoints] == [[(1, 2, 2), (3.5, 4, 0)]]
    assert [(shape.polygon[0], shape.instance) for shape in loaded.polygons] == [
        ((0, 0), 1),
        ((9, 9), 1),
    ]


async def test_only_what_is_given_of_a_shape_changes(drawing: Drawing) -> None:
    (one, two) = await drawing.boxes(1, 2)
    changed = await drawing.call(
        shapes.RECTANGLES.update,
        shape_id=two.id,
        w=30.5,
        label_id=UUID(drawing.filled.labels["b"]),
    )
    assert (changed.x, changed.y, changed.w, changed.h) == (2, 2, 30.5, 4)
    assert (changed.label.name, changed.text) == ("b", None)
    changed = await drawing.call(shapes.RECTANGLES.update, shape_id=two.id, text="sign")
    assert (changed.w, changed.text) == (30.5, "sign")
    assert (await drawing.call(shapes.RECTANGLES.get, shape_id=one.id)) == one
    assert (await drawing.filled.stats()).label_repartition == {"a": 1, "b": 1}


async def test_every_kind_is_shown_as_it_is(drawing: Drawing) -> None:
    a = drawing.filled.labels["a"]
    place = {"annotation_id": drawing.id}
    (line,) = (
        await drawing.call(
            shapes.LINES.create, lines=[LineIn(label_id=a, line=[(0.5, 1), (2, 3)])], **place
        )
    ).lines
    (mask,) = (
        await drawing.call(shapes.MASKS.create, masks=[MaskIn(label_id=a, mask=PIXELS)], **place)
    ).masks
    (word,) = (
        await drawing.call(
            shapes.CLASSIFICATIONS.create,
            classifications=[ClassificationIn(label_id=a, text="t", attributes={"k": 1})],
            **place,
        )
    ).classifications
    assert line.line == [(0.5, 1), (2, 3)]
    assert (mask.mask, mask.area, mask.bbox) == (PIXELS, 5.0, [1, 0, 1, 5])
    assert (word.text, word.attributes) == ("t", {"k": 1})


async def test_clients_that_need_them_get_whole_pixels(drawing: Drawing) -> None:
    rounding = drawing.filled.lake.rounding()
    wanted = [drawing.box(1.6)]
    answer = await rounding.call(
        shapes.RECTANGLES.create, annotation_id=drawing.id, rectangles=wanted
    )
    (shown,) = answer.rectangles
    assert (shown.x, type(shown.x)) == (2, int)
    (listed,) = (await rounding.call(shapes.RECTANGLES.list, annotation_id=drawing.id)).items
    assert (listed.x, type(listed.x)) == (2, int)
    # Changing one side does not round the others.
    await rounding.call(shapes.RECTANGLES.update, shape_id=shown.id, y=7)
    exact = await drawing.call(shapes.RECTANGLES.get, shape_id=shown.id)
    assert (exact.x, exact.y) == (1.6, 7)


async def test_a_shape_answers_to_its_own_kind_only(drawing: Drawing) -> None:
    (box,) = await drawing.boxes(1)
    for operation in (
        shapes.POLYGONS.get,
        shapes.MASKS.get,
        shapes.POINTS.delete,
        shapes.LINES.update,
    ):
        with pytest.raises(NotFoundError):
            await drawing.call(operation, shape_id=box.id)
    with pytest.raises(NotFoundError):
        await drawing.call(shapes.RECTANGLES.get, shape_id=drawing.id)
    with pytest.raises(NotFoundError):
        await drawing.call(shapes.RECTANGLES.get, shape_id=UUID(int=box.id.int + 1))
    await drawing.call(annotating.DELETE_ANNOTATION, annotation_id=drawing.id)
    with pytest.raises(NotFoundError):
        await drawing.call(shapes.RECTANGLES.get, shape_id=box.id)


@pytest.mark.parametrize(
    ("operation", "field", "shape"),
    [
        (shapes.RECTANGLES.create, "rectangles", {"x": float("nan"), "y": 0, "w": 1, "h": 1}),
        (shapes.POINTS.create, "points", {"point": (float("inf"), 0)}),
        (shapes.MASKS.create, "masks", {"mask": "PP"}),
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(
    drawing: Drawing, operation: Any, field: str, shape: dict[str, Any]
) -> None:
    kind = {"rectangles": RectangleIn, "points": PointIn, "masks": MaskIn}[field]
    wrong = kind(label_id=drawing.filled.labels["a"], **shape)
    with pytest.raises(BadRequestError):
        await drawing.call(operation, annotation_id=drawing.id, **{field: [wrong]})
    (box,) = await drawing.boxes(1)
    with pytest.raises(BadRequestError):
        await drawing.call(shapes.RECTANGLES.update, shape_id=box.id, x=float("nan"))
    assert await drawing.xs() == [(box.id, 1)]


async def test_labels_of_other_versions_are_refused(drawing: Drawing) -> None:
    other = await drawing.filled.lake.filled(1, "other")
    (box,) = await drawing.boxes(1)
    strange = RectangleIn(label_id=other.labels["a"], x=1, y=1, w=1, h=1)
    with pytest.raises(NotFoundError):
        await drawing.call(
            shapes.RECTANGLES.create,
            annotation_id=drawing.id,
            rectangles=[drawing.box(2), strange],
        )
    with pytest.raises(NotFoundError):
        await drawing.call(
            shapes.RECTANGLES.update, shape_id=box.id, label_id=UUID(other.labels["a"])
        )
    assert await drawing.xs() == [(box.id, 1)]
