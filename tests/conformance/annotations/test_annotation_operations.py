"""Single annotations: made, listed, changed, overwritten and deleted, with the counters right all along."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from headrace.errors import BadRequestError, LockedError, NotFoundError
from headrace.platform.annotations import delete as annotation_removal
from headrace.protocol.operations import annotating, annotations, shapes
from headrace.protocol.operations.annotations import ImportItem, PolygonIn, RectangleIn
from tests.support.lakes.stocked_lake import Filled, Stocked, colleague

pytestmark = pytest.mark.every_storage

RING = [(i / 7, i / 3) for i in range(60)]  # too large for the annotation's own row


async def listed(filled: Filled, **more: Any) -> list[UUID]:
    page = await filled.lake.call(annotating.LIST_ANNOTATIONS, version_id=filled.id, **more)
    return [annotation.id for annotation in page.items]


async def made(filled: Filled, asset: int = 0, **more: Any) -> UUID:
    record = await filled.lake.call(
        annotating.CREATE_ANNOTATION, asset_id=UUID(filled.assets[asset]), **more
    )
    return record.id


def contents(lake: Stocked) -> int:
    with lake.raw() as connection:
        found: int = connection.execute("select count(*) from content").fetchone()[0]
    return found


async def test_a_new_annotation_is_pending_and_empty(filled: Filled) -> None:
    annotation = await made(filled, duration=2.5)
    record = await filled.lake.call(annotating.GET_ANNOTATION, annotation_id=annotation)
    assert (record.status, record.duration, record.attributes) == ("PENDING", 2.5, None)
    assert str(record.asset_id) == filled.assets[0]
    stats = await filled.stats()
    assert (stats.nb_annotations, stats.nb_objects) == (1, 0)
    (loaded,) = await filled.load()
    assert (loaded.id, loaded.duration) == (str(annotation), 2.5)


async def test_listings_are_newest_first_and_page_exactly(filled: Filled) -> None:
    ids = [await made(filled, number % 5) for number in range(7)][::-1]
    assert await listed(filled) == ids == await filled.ids()
    assert await listed(filled, limit=3, offset=2) == ids[2:5]
    assert await listed(filled, limit=3, offset=6) == ids[6:]
    assert await listed(filled, offset=7) == []
    first = await filled.lake.call(annotating.LIST_ANNOTATIONS, version_id=filled.id, limit=3)
    assert first.count == 7
    # What is made meanwhile does not shift a page that a cursor names.
    newest = await made(filled)
    second = await filled.lake.call(
        annotating.LIST_ANNOTATIONS, version_id=filled.id, limit=3, cursor=first.next_cursor
    )
    assert [record.id for record in second.items] == ids[3:6]
    assert await listed(filled, limit=2) == [newest, ids[0]]
    with pytest.raises(BadRequestError):
        await listed(filled, status="ACCEPTED", cursor=first.next_cursor)


async def test_listings_by_status_and_order(filled: Filled) -> None:
    ids = [await made(filled, number, duration=float(10 - number)) for number in range(4)]
    for annotation in ids[1:3]:
        await filled.lake.call(
            annotating.UPDATE_ANNOTATION,
            annotation_id=annotation,
            status=annotations.AnnotationStatus.ACCEPTED,
        )
    accepted = annotations.AnnotationStatus.ACCEPTED
    page = await filled.lake.call(
        annotating.LIST_ANNOTATIONS, version_id=filled.id, status=accepted, limit=1
    )
    assert ([record.id for record in page.items], page.count) == ([ids[2]], 2)
    assert await listed(filled, status=accepted, cursor=page.next_cursor) == [ids[1]]
    assert await listed(filled, order_by=["duration"]) == ids[::-1]
    assert await listed(filled, order_by=["-duration"], limit=2, offset=1) == ids[1:3]
    assert await listed(filled, order_by=["created_at"], status=accepted) == ids[1:3]
    assert await listed(filled, order_by=["status", "duration"]) == [ids[2], ids[1], ids[3], ids[0]]


async def test_the_newest_of_an_asset_is_found_whoever_made_it(filled: Filled) -> None:
    asset = {"asset_id": UUID(filled.assets[3])}
    with pytest.raises(NotFoundError):
        await filled.lake.call(annotating.FIND_ANNOTATION, **asset)
    first = await made(filled, 3)
    other = await colleague(filled.lake)
    second = (await other.call(annotating.CREATE_ANNOTATION, **asset)).id
    assert (await filled.lake.call(annotating.FIND_ANNOTATION, **asset)).id == second
    items = (await filled.lake.call(annotating.LIST_ASSET_ANNOTATIONS, **asset)).items
    assert [record.id for record in items] == [second, first]


async def test_only_what_is_given_changes(filled: Filled) -> None:
    annotation = {"annotation_id": await made(filled, duration=1.0)}
    update = annotating.UPDATE_ANNOTATION
    record = await filled.lake.call(update, attributes={"a": [1, None]}, **annotation)
    assert (record.duration, record.attributes) == (1.0, {"a": [1, None]})
    record = await filled.lake.call(update, duration=3.0, **annotation)
    assert (record.status, record.duration, record.attributes) == ("PENDING", 3.0, {"a": [1, None]})
    record = await filled.lake.call(update, attributes={}, **annotation)
    assert record.attributes is None
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(BadRequestError, match="duration"):
            await filled.lake.call(update, duration=wrong, **annotation)


async def test_overwriting_replaces_all_shapes_and_lets_go_of_large_ones(filled: Filled) -> None:
    a, b = filled.labels["a"], filled.labels["b"]
    annotation = await made(filled)
    save = annotating.SAVE_ANNOTATION
    large = [PolygonIn(label_id=b, polygon=RING)]
    await filled.lake.call(save, annotation_id=annotation, polygons=large, duration=4.0)
    assert contents(filled.lake) == 1
    box = RectangleIn(label_id=a, x=1, y=2, w=3, h=4)
    record = await filled.lake.call(save, annotation_id=annotation, rectangles=[box, box])
    assert (record.duration, contents(filled.lake)) == (0.0, 0)
    (loaded,) = await filled.load()
    assert (len(loaded.rectangles), loaded.polygons) == (2, [])
    assert (await filled.stats()).label_repartition == {"a": 2}
    await filled.lake.call(save, annotation_id=annotation)
    assert (await filled.stats()).nb_objects == 0
    assert (await filled.stats()).nb_annotations == 1


async def test_everything_goes_in_ranges(lake: Stocked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotation_removal, "RANGE", 7)
    filled = await lake.filled(30)
    items = [
        ImportItem(
            asset_id=asset,
            rectangles=filled.item(0, 1).rectangles,
            polygons=[PolygonIn(label_id=filled.labels["b"], polygon=RING)] * (number % 3 == 0),
        )
        for number, asset in enumerate(filled.assets)
    ]
    await filled.send(*items)
    assert contents(lake) == 10
    await filled.lake.call(
        annotating.DELETE_ANNOTATIONS, version_id=filled.id, asset_ids=filled.assets[:9]
    )
    stats = await filled.stats()
    assert (stats.nb_annotations, stats.label_repartition) == (21, {"a": 21, "b": 7})
    await filled.lake.call(
        annotating.DELETE_ANNOTATIONS, version_id=filled.id, asset_ids=["__all__"]
    )
    stats = await filled.stats()
    assert (stats.nb_annotations, stats.label_repartition) == (0, {})
    assert (await filled.ids(), contents(lake), stats.nb_assets) == ([], 0, 30)


@pytest.mark.parametrize("undo", [None, False])
async def test_all_annotations_go_in_whole_blocks_of_assets(
    lake: Stocked, monkeypatch: pytest.MonkeyPatch, undo: bool | None
) -> None:
    """Of assets with none, one or more annotations; the marks of labels are compared when the lake is closed."""
    monkeypatch.setattr(annotation_removal, "RANGE", 5)
    monkeypatch.setattr(annotation_removal, "BLOCK", 4)
    filled = await lake.filled(24)
    other = await lake.filled(4, "v2")
    for times in range(1, 4):
        await filled.send(
            *(filled.item(number, 1) for number in range(24) if number % 7 >= times),
            mode="REPLACE" if times == 1 else "CONCATENATE",
        )
        for number in (5, 6, 13):
            await made(filled, number)
    await other.send(other.item(1, 2))
    kept = await other.stats()
    assert kept.nb_annotations == 1
    await filled.lake.call(
        annotating.DELETE_ANNOTATIONS, version_id=filled.id, asset_ids=["__all__"], undo=undo
    )
    stats = await filled.stats()
    assert (stats.nb_annotations, stats.label_repartition, stats.nb_assets) == (0, {}, 24)
    assert await filled.ids() == []
    assert await other.stats() == kept


async def test_by_id_only_these_go_and_an_empty_list_takes_nothing(filled: Filled) -> None:
    ids = [await made(filled, number % 2) for number in range(6)]
    call = {"version_id": filled.id, "asset_ids": ["__all__"]}
    await filled.lake.call(annotating.DELETE_ANNOTATIONS, annotation_ids=[], **call)
    assert await listed(filled) == ids[::-1]
    await filled.lake.call(annotating.DELETE_ANNOTATIONS, annotation_ids=ids[:2], **call)
    assert await listed(filled) == ids[:1:-1]
    # Of these assets, only these annotations; what is gone already is no error.
    await filled.lake.call(
        annotating.DELETE_ANNOTATIONS,
        version_id=filled.id,
        asset_ids=filled.assets[:1],
        annotation_ids=ids[:4],
    )
    assert await listed(filled) == [ids[5], ids[4], ids[3]]
    await filled.lake.call(annotating.DELETE_ANNOTATION, annotation_id=ids[3])
    with pytest.raises(NotFoundError):
        await filled.lake.call(annotating.DELETE_ANNOTATION, annotation_id=ids[3])
    assert (await filled.stats()).nb_annotations == 2


async def test_an_unknown_id_refuses_the_whole_deletion(filled: Filled) -> None:
    mine = await made(filled)
    other = await filled.lake.filled(1, "other")
    theirs = await made(other)
    call = {"version_id": filled.id, "asset_ids": ["__all__"]}
    with pytest.raises(NotFoundError):
        await filled.lake.call(annotating.DELETE_ANNOTATIONS, annotation_ids=[mine, theirs], **call)
    with pytest.raises(NotFoundError):
        await filled.lake.call(
            annotating.DELETE_ANNOTATIONS,
            version_id=filled.id,
            asset_ids=[filled.assets[0], other.assets[0]],
        )
    assert (await listed(filled), await listed(other)) == ([mine], [theirs])


async def test_a_locked_version_refuses_every_change(filled: Filled) -> None:
    annotation = await made(filled)
    box = RectangleIn(label_id=filled.labels["a"], x=1, y=2, w=3, h=4)
    call = {"annotation_id": annotation}
    drawn = await filled.lake.call(shapes.RECTANGLES.create, rectangles=[box], **call)
    shape = {"shape_id": drawn.rectangles[0].id}
    with filled.lake.raw() as connection:
        connection.execute("update version set locked = 1")
    for operation, fields in (
        (annotating.CREATE_ANNOTATION, {"asset_id": UUID(filled.assets[0])}),
        (annotating.UPDATE_ANNOTATION, {"duration": 1.0, **call}),
        (annotating.SAVE_ANNOTATION, call),
        (annotating.DELETE_ANNOTATION, call),
        (annotating.DELETE_ANNOTATIONS, {"version_id": filled.id, "asset_ids": ["__all__"]}),
        (shapes.RECTANGLES.create, {"rectangles": [box], **call}),
        (shapes.RECTANGLES.update, {"x": 3.0, **shape}),
        (shapes.RECTANGLES.delete, shape),
    ):
        with pytest.raises(LockedError):
            await filled.lake.call(operation, **fields)
    assert (await filled.lake.call(shapes.RECTANGLES.get, **shape)).x == 1
