"""Loading annotations: every kind of shape comes back, in order, rounded for those who need it."""

from __future__ import annotations

from uuid import UUID, uuid4

import msgspec
import pytest
from msgspec import UNSET

from headrace.errors import NotFoundError, RequestTooLargeError
from headrace.protocol.operations import annotations, assets, labels
from headrace.protocol.operations.annotations import (
    ClassificationIn,
    EndKeyframe,
    ImportItem,
    KeypointsIn,
    LineIn,
    PointIn,
    PolygonIn,
    PolygonKeyframe,
    RectangleIn,
    RectangleKeyframe,
    TrackIn,
)
from tests.support.lakes.stocked_lake import Filled, Stocked

TRIANGLE = [(0.5, 0.0), (10.25, 0.0), (0.5, 8.0)]


def everything(filled: Filled, asset: int = 0) -> ImportItem:
    a, b = filled.labels["a"], filled.labels["b"]
    return ImportItem(
        asset_id=filled.assets[asset],
        rectangles=[
            RectangleIn(label_id=a, x=1.5, y=-2.25, w=3, h=1 / 3, text="hi"),
            RectangleIn(label_id=b, x=1, y=2, w=3, h=4, attributes={"k": [1, None]}),
        ],
        polygons=[PolygonIn(label_id=b, polygon=TRIANGLE, instance=0)],
        lines=[LineIn(label_id=a, line=[(0.5, 1.5), (2.5, 3.5)])],
        points=[PointIn(label_id=a, point=(7.5, 8.25))],
        classifications=[ClassificationIn(label_id=b, text="whole")],
        keypoints=[KeypointsIn(label_id=a, keypoints=[(1.5, 2.5, 2), (0, 0, 0)])],
        tracks=[
            TrackIn(
                label_id=a,
                start_frame_index=7,
                rectangle_keyframes=[RectangleKeyframe(frame_index=0, x=0.5, y=1, w=2.6, h=3)],
                polygon_keyframes=[PolygonKeyframe(frame_index=2, polygon=TRIANGLE)],
                end_keyframes=[EndKeyframe(frame_index=9)],
            )
        ],
        attributes={"weather": "rain"},
    )


async def test_every_kind_comes_back_as_it_was_sent(filled: Filled) -> None:
    item = everything(filled)
    ((made, shapes),) = (await filled.send(item)).items()
    assert shapes == 8
    (got,) = await filled.load()
    assert (got.id, got.asset_id, got.attributes) == (made, filled.assets[0], {"weather": "rain"})
    by_name = {label: name for name, label in filled.labels.items()}
    for kind in msgspec.structs.fields(ImportItem):
        if kind.name in ("asset_id", "attributes", "status", "duration"):
            continue
        sent, found = getattr(item, kind.name), getattr(got, kind.name)
        assert len(sent) == len(found), kind.name
        for one, other in zip(sent, found, strict=True):
            for field in one.__struct_fields__:
                value, back = getattr(one, field), getattr(other, field, None)
                if field == "label_id":
                    assert other.label == by_name[value]
                else:
                    assert (None if back is UNSET else back) == value, (kind.name, field)
    assert got.polygons[0].area == pytest.approx(9.75 * 8 / 2)


async def test_text_and_attributes_are_always_there(filled: Filled) -> None:
    await filled.send(filled.item(0, 1))
    (got,) = await filled.load()
    plain = msgspec.to_builtins(got)
    (rectangle,) = plain["rectangles"]
    assert rectangle == {
        "label": "a",
        "text": None,
        "attributes": None,
        "x": 1.0,
        "y": 1.0,
        "w": 2.0,
        "h": 3.0,
    }
    assert plain["polygons"] == plain["masks"] == plain["tracks"] == []


async def test_clients_that_need_whole_pixels_get_them(filled: Filled) -> None:
    await filled.send(everything(filled))
    (got,) = await Filled(
        filled.lake.rounding(), filled.id, [], filled.assets, filled.labels
    ).load()
    first, second = got.rectangles
    assert [first.x, first.y, first.w, first.h] == [2, -2, 3, 0]
    assert got.polygons[0].polygon == [(0, 0), (10, 0), (0, 8)]
    assert got.tracks[0].rectangle_keyframes[0].w == 3
    numbers = [first.x, first.w, second.x, *got.polygons[0].polygon[0]]
    assert {type(number) for number in numbers} == {int}
    assert type(got.polygons[0].area) is float
    # These may lie between pixels for every client.
    assert got.lines[0].line == [(0.5, 1.5), (2.5, 3.5)]
    assert got.points[0].point == (7.5, 8.25)
    assert got.keypoints[0].keypoints[0] == (1.5, 2.5, 2)
    # What is stored is not rounded.
    assert (await filled.load())[0].rectangles[0].x == 1.5


async def test_loaded_annotations_are_newest_first_whatever_is_asked(filled: Filled) -> None:
    await filled.send(*(filled.item(asset, 1) for asset in range(5)))
    ids = await filled.ids()
    loaded = await filled.load([ids[3], ids[0], ids[4], ids[0]])
    assert [annotation.id for annotation in loaded] == [str(ids[0]), str(ids[3]), str(ids[4])]


async def test_ids_of_chosen_assets(filled: Filled) -> None:
    await filled.send(*(filled.item(asset, 1) for asset in range(4)))
    ids = await filled.ids()
    some = [UUID(filled.assets[asset]) for asset in (0, 2, 4, 2)]
    assert await filled.ids(asset_ids=some) == [ids[1], ids[3]]
    assert await filled.ids(asset_ids=[]) == []
    many = [UUID(asset) for asset in filled.assets] * 500
    assert await filled.ids(asset_ids=many) == ids
    with pytest.raises(NotFoundError):
        await filled.ids(asset_ids=[uuid4()])


async def test_ids_of_other_versions_are_not_found(filled: Filled, lake: Stocked) -> None:
    other = await lake.filled(1, "other")
    await other.send(other.item(0, 1))
    await filled.send(filled.item(0, 1))
    (foreign,) = await other.ids()
    for stranger in (foreign, uuid4(), UUID(filled.assets[0])):
        with pytest.raises(NotFoundError, match=str(stranger)):
            await filled.load([*(await filled.ids()), stranger])


async def test_annotations_deleted_meanwhile_are_left_out(filled: Filled) -> None:
    await filled.send(filled.item(0, 1), filled.item(1, 2))
    ids = await filled.ids()
    await filled.lake.call(assets.DELETE_ASSET, asset_id=UUID(filled.assets[1]))
    assert [annotation.id for annotation in await filled.load(ids)] == [str(ids[1])]


async def test_too_many_at_once_are_too_large_a_request(filled: Filled) -> None:
    await filled.send(filled.item(0, 1))
    (only,) = await filled.ids()
    with pytest.raises(RequestTooLargeError):
        await filled.load([only] * 10_001)


async def test_a_renamed_label_shows_its_new_name(filled: Filled) -> None:
    await filled.send(filled.item(0, 1))
    await filled.lake.call(labels.UPDATE_LABEL, label_id=UUID(filled.labels["a"]), name="z")
    (annotation,) = await filled.load()
    assert annotation.rectangles[0].label == "z"
    assert (await filled.stats()).label_repartition == {"z": 1}


async def test_the_wire_form_holds_whole_numbers_for_the_official_client(filled: Filled) -> None:
    await filled.send(everything(filled))
    rounding = filled.lake.rounding()
    loaded = await rounding.call(
        annotations.LOAD_ANNOTATIONS, version_id=filled.id, ids=await filled.ids()
    )
    text = msgspec.json.encode(loaded[0].rectangles[0]).decode()
    assert '"x":2,"y":-2,"w":3,"h":0' in text
