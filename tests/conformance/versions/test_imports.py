"""Bulk imports: modes, statuses, what is refused whole, and the ledger."""

from __future__ import annotations

import math
from typing import Any
from uuid import UUID, uuid4

import anyio
import pytest

from headrace.errors import BadRequestError, ConflictError, NotFoundError, RequestTooLargeError
from headrace.model.enums import AnnotationStatus, JobStatus
from headrace.protocol.operations import annotations, jobs
from headrace.protocol.operations.annotations import (
    ClassificationIn,
    ImportItem,
    MaskIn,
    PolygonIn,
    RectangleIn,
)
from tests.support.lakes.stocked_lake import HEIGHT, WIDTH, Filled, Stocked, colleague


def boxes(annotation: annotations.LoadedAnnotation) -> list[tuple[str, float]]:
    return [(shape.label, shape.x) for shape in annotation.rectangles]


@pytest.mark.every_storage
async def test_the_answer_counts_shapes_by_annotation(filled: Filled) -> None:
    answer = await filled.send(filled.item(0, 1, 2), filled.item(3), filled.item(1, 5))
    assert list(answer.values()) == [2, 0, 1]
    ids = await filled.ids()
    assert [str(each) for each in ids] == list(answer)[::-1]
    loaded = await filled.load()
    assert [annotation.asset_id for annotation in loaded] == [
        filled.assets[1],
        filled.assets[3],
        filled.assets[0],
    ]
    assert {annotation.status for annotation in loaded} == {AnnotationStatus.PENDING}
    assert await filled.send() == {}


@pytest.mark.every_storage
async def test_replace_puts_a_new_annotation_in_the_place_of_the_own_one(filled: Filled) -> None:
    (old,) = await filled.send(filled.item(0, 1, 2), mode="REPLACE")
    (new,) = await filled.send(filled.item(0, 9, label="b"), mode="REPLACE")
    assert old != new
    (annotation,) = await filled.load()
    assert (annotation.id, boxes(annotation)) == (new, [("b", 9)])
    assert (await filled.stats()).label_repartition == {"b": 1}
    assert await filled.load([UUID(old)]) == []


async def test_replace_by_nothing_clears(filled: Filled) -> None:
    await filled.send(filled.item(0, 1, 2), filled.item(1, 3))
    ((cleared, shapes),) = (await filled.send(filled.item(0))).items()
    assert shapes == 0
    by_asset = {annotation.asset_id: annotation for annotation in await filled.load()}
    assert by_asset[filled.assets[0]].id == cleared
    assert boxes(by_asset[filled.assets[0]]) == []
    assert boxes(by_asset[filled.assets[1]]) == [("a", 3)]
    stats = await filled.stats()
    assert (stats.nb_objects, stats.nb_annotations) == (1, 2)


@pytest.mark.every_storage
async def test_replace_leaves_the_annotations_of_others(filled: Filled) -> None:
    other = Filled(await colleague(filled.lake), filled.id, [], filled.assets, filled.labels)
    (theirs,) = await other.send(other.item(0, 7))
    (mine,) = await filled.send(filled.item(0, 1))
    (mine_again,) = await filled.send(filled.item(0, 2))
    assert [str(each) for each in await filled.ids()] == [mine_again, theirs]
    assert mine_again != mine
    assert (await filled.stats()).nb_annotations == 2


@pytest.mark.parametrize("mode", ["REPLACE", "KEEP", "CONCATENATE"])
async def test_beside_adds_an_annotation_in_every_mode(filled: Filled, mode: str) -> None:
    (first,) = await filled.send(filled.item(0, 1))
    item = filled.item(0, 1, 2)
    item.duration, item.status = 4.5, AnnotationStatus.REFUSED
    (second,) = await filled.send(item, mode=mode, beside=True)
    (third,) = await filled.send(filled.item(0), mode=mode, beside=True)
    assert [str(each) for each in await filled.ids()] == [third, second, first]
    _, added, _ = await filled.load()
    assert (boxes(added), added.duration, added.status) == ([("a", 1), ("a", 2)], 4.5, "REFUSED")
    stats = await filled.stats()
    assert (stats.nb_objects, stats.nb_annotations) == (3, 3)


@pytest.mark.parametrize("duration", [-1, math.inf, math.nan])
async def test_durations_must_be_possible(filled: Filled, duration: float) -> None:
    item = filled.item(0, 1)
    item.duration = duration
    with pytest.raises(BadRequestError, match="duration"):
        await filled.send(item)


@pytest.mark.every_storage
async def test_keep_ignores_items_of_annotated_assets(filled: Filled) -> None:
    (old,) = await filled.send(filled.item(0, 1))
    answer = await filled.send(
        filled.item(0, 5, 6), filled.item(1, 7, 8), mode="SKIP", status=AnnotationStatus.ACCEPTED
    )
    assert answer[old] == 0
    assert sorted(answer.values()) == [0, 2]
    by_asset = {annotation.asset_id: annotation for annotation in await filled.load()}
    kept, made = by_asset[filled.assets[0]], by_asset[filled.assets[1]]
    assert (boxes(kept), kept.status) == ([("a", 1)], AnnotationStatus.PENDING)
    assert (boxes(made), made.status) == ([("a", 7), ("a", 8)], AnnotationStatus.ACCEPTED)


async def test_keep_heeds_the_annotations_of_others(filled: Filled) -> None:
    other = Filled(await colleague(filled.lake), filled.id, [], filled.assets, filled.labels)
    (theirs,) = await other.send(other.item(0, 7))
    assert await filled.send(filled.item(0, 1), mode="KEEP") == {theirs: 0}


@pytest.mark.every_storage
async def test_concatenate_adds_to_the_own_annotation(filled: Filled) -> None:
    (old,) = await filled.send(
        filled.item(0, 1, attributes={"seen": 1, "by": "me"}), status=AnnotationStatus.REFUSED
    )
    more = ImportItem(
        asset_id=filled.assets[0],
        rectangles=[RectangleIn(label_id=filled.labels["b"], x=2, y=1, w=2, h=3, text="two")],
        classifications=[ClassificationIn(label_id=filled.labels["c"])],
        attributes={"seen": 2},
    )
    answer = await filled.send(more, filled.item(1, 9), mode="CONCATENATE")
    assert answer[old] == 2
    by_asset = {annotation.asset_id: annotation for annotation in await filled.load()}
    annotation = by_asset[filled.assets[0]]
    assert annotation.id == old
    assert boxes(annotation) == [("a", 1), ("b", 2)]
    assert [shape.text for shape in annotation.rectangles] == [None, "two"]
    assert [shape.label for shape in annotation.classifications] == ["c"]
    assert annotation.attributes == {"seen": 2, "by": "me"}
    assert annotation.status is AnnotationStatus.REFUSED
    stats = await filled.stats()
    assert stats.label_repartition == {"a": 2, "b": 1, "c": 1}
    assert stats.nb_annotations == 2


async def test_concatenate_makes_its_own_annotation_beside_those_of_others(filled: Filled) -> None:
    other = Filled(await colleague(filled.lake), filled.id, [], filled.assets, filled.labels)
    (theirs,) = await other.send(other.item(0, 7))
    (mine,) = await filled.send(filled.item(0, 1), mode="CONCATENATE")
    assert [str(each) for each in await filled.ids()] == [mine, theirs]


@pytest.mark.every_storage
async def test_large_shapes_survive_every_mode(filled: Filled) -> None:
    ring = [(i + i / 7, i * i / 3) for i in range(200)]
    item = ImportItem(
        asset_id=filled.assets[0],
        polygons=[PolygonIn(label_id=filled.labels["a"], polygon=ring, instance=4)],
    )
    for mode, polygons in (("REPLACE", 1), ("CONCATENATE", 2), ("CONCATENATE", 3), ("REPLACE", 1)):
        await filled.send(item, mode=mode)
        (annotation,) = await filled.load()
        assert [shape.polygon for shape in annotation.polygons] == [ring] * polygons
        # Another call never adds a part to a polygon that is there already.
        assert len({shape.instance for shape in annotation.polygons}) == polygons
        with filled.lake.raw() as connection:
            assert connection.execute("select count(*) from content").fetchone() == (1,)
    await filled.send(filled.item(0, 1))
    with filled.lake.raw() as connection:
        assert connection.execute("select count(*) from content").fetchone() == (0,)


async def test_an_item_may_have_a_status_of_its_own(filled: Filled) -> None:
    await filled.send(
        filled.item(0, 1),
        filled.item(1, 1, status=AnnotationStatus.SKIPPED),
        status=AnnotationStatus.ACCEPTED,
    )
    assert [annotation.status for annotation in await filled.load()] == [
        AnnotationStatus.SKIPPED,
        AnnotationStatus.ACCEPTED,
    ]
    skipped = await filled.ids(status=AnnotationStatus.SKIPPED)
    assert len(skipped) == 1
    assert skipped == (await filled.ids())[:1]


def mask(counts: str) -> dict[str, Any]:
    return {"masks": [MaskIn(label_id="a", mask=counts)]}


async def test_what_makes_no_sense_refuses_the_whole_call(filled: Filled) -> None:
    other = await filled.lake.filled(1, "other")
    label, asset = filled.labels["a"], filled.assets[1]

    def item(**shapes: Any) -> ImportItem:
        return ImportItem(asset_id=asset, **shapes)

    def box(**changed: Any) -> ImportItem:
        return item(
            rectangles=[
                RectangleIn(**({"label_id": label, "x": 0, "y": 0, "w": 1, "h": 1} | changed))
            ]
        )

    cases: list[tuple[ImportItem, type[Exception]]] = [
        (box(label_id=other.labels["a"]), NotFoundError),
        (box(label_id=str(uuid4())), NotFoundError),
        (box(label_id="cat"), NotFoundError),
        (ImportItem(asset_id=other.assets[0]), NotFoundError),
        (ImportItem(asset_id=str(uuid4())), NotFoundError),
        (ImportItem(asset_id="a.png"), NotFoundError),
        (filled.item(0, 5), BadRequestError),
        (box(x=math.nan), BadRequestError),
        (box(h=math.inf), BadRequestError),
        (item(polygons=[PolygonIn(label_id=label, polygon=[(0, math.nan)])]), BadRequestError),
        (item(polygons=[PolygonIn(label_id=label, polygon=[], instance=-1)]), BadRequestError),
        (item(masks=[MaskIn(label_id=label, mask="1")]), BadRequestError),
        (item(masks=[MaskIn(label_id=label, mask="")]), BadRequestError),
        (item(masks=[MaskIn(label_id=label, mask="é")]), BadRequestError),
    ]
    for bad, error in cases:
        with pytest.raises(error):
            await filled.send(filled.item(0, 1), filled.item(2, 1), bad)
    assert await filled.ids() == []
    stats = await filled.stats()
    assert (stats.nb_objects, stats.nb_annotations) == (0, 0)


@pytest.mark.every_storage
async def test_an_asset_deleted_meanwhile_refuses_the_whole_call(filled: Filled) -> None:
    from headrace.protocol.operations import assets

    await filled.lake.call(assets.DELETE_ASSET, asset_id=UUID(filled.assets[4]))
    with pytest.raises(NotFoundError, match=filled.assets[4]):
        await filled.send(filled.item(0, 1), filled.item(4, 1))
    assert await filled.ids() == []


async def test_too_many_assets_are_too_large_a_request(filled: Filled) -> None:
    with pytest.raises(RequestTooLargeError, match="2000"):
        await filled.send(*[filled.item(0)] * 2001)


def counts_of(runs: list[int]) -> str:
    """COCO's compression of run lengths, as pycocotools writes it."""
    text = ""
    for i, run in enumerate(runs):
        value = run - runs[i - 2] if i > 2 else run
        while True:
            code = value & 0x1F
            value >>= 5
            more = value != -1 if code & 0x10 else value != 0
            text += chr(48 + (code | 0x20 if more else code))
            if not more:
                break
    return text


async def test_a_mask_fits_its_asset(filled: Filled) -> None:
    # Two columns of ten pixels each, from row 5 on, in columns 3 and 4.
    runs = [3 * HEIGHT + 5, 10, HEIGHT - 10, 10]
    runs.append(WIDTH * HEIGHT - sum(runs))
    counts = counts_of(runs)
    label = filled.labels["a"]
    await filled.send(
        ImportItem(asset_id=filled.assets[0], masks=[MaskIn(label_id=label, mask=counts)])
    )
    (annotation,) = await filled.load()
    (shape,) = annotation.masks
    assert (shape.mask, shape.area, shape.bbox) == (counts, 20.0, [3, 5, 2, 10])
    too_long = counts_of([*runs[:-1], runs[-1] + 1])
    with pytest.raises(BadRequestError, match="480 x 640"):
        await filled.send(
            ImportItem(asset_id=filled.assets[0], masks=[MaskIn(label_id=label, mask=too_long)])
        )


# --- the ledger ------------------------------------------------------------------------------------------


async def start(filled: Filled, source: str = "s") -> annotations.ImportRecord:
    return await filled.lake.call(annotations.START_IMPORT, version_id=filled.id, source=source)


@pytest.mark.every_storage
async def test_a_chunk_that_is_in_is_not_applied_again(filled: Filled) -> None:
    begun = await start(filled)
    assert begun.done == []
    job = await filled.lake.call(jobs.GET_JOB, job_id=begun.id)
    assert job.status is JobStatus.RUNNING
    chunk = {"mode": "CONCATENATE", "import_id": begun.id, "chunk": 3}
    first = await filled.send(filled.item(0, 1), filled.item(1), **chunk)
    again = await filled.send(filled.item(0, 1), filled.item(1), **chunk)
    assert first == again
    assert (await filled.stats()).nb_objects == 1
    await filled.send(filled.item(0, 2), mode="CONCATENATE", import_id=begun.id, chunk=0)
    resumed = await start(filled)
    assert (resumed.id, resumed.done) == (begun.id, [0, 3])
    assert (await filled.stats()).nb_objects == 2


@pytest.mark.every_storage
async def test_a_chunk_sent_many_times_at_once_is_applied_once(filled: Filled) -> None:
    begun = await start(filled)
    answers: list[dict[str, int]] = []

    async def once() -> None:
        chunk = {"mode": "CONCATENATE", "import_id": begun.id, "chunk": 0}
        answers.append(await filled.send(filled.item(0, 1), filled.item(2, 5, 6), **chunk))

    async with anyio.create_task_group() as group:
        for _ in range(6):
            group.start_soon(once)
    assert answers == [answers[0]] * 6
    assert (await filled.stats()).nb_objects == 3


@pytest.mark.every_storage
async def test_a_refused_chunk_is_not_in(filled: Filled) -> None:
    begun = await start(filled)
    with pytest.raises(NotFoundError):
        await filled.send(ImportItem(asset_id=str(uuid4())), import_id=begun.id, chunk=0)
    assert (await start(filled)).done == []


async def test_a_finished_import_is_over(filled: Filled) -> None:
    begun = await start(filled)
    await filled.send(filled.item(0, 1), import_id=begun.id, chunk=0)
    for _ in range(2):
        await filled.lake.call(annotations.FINISH_IMPORT, import_id=begun.id)
    job = await filled.lake.call(jobs.GET_JOB, job_id=begun.id)
    assert job.status is JobStatus.SUCCESS
    with pytest.raises(ConflictError, match="closed"):
        await filled.send(filled.item(0, 1), import_id=begun.id, chunk=1)
    fresh = await start(filled)
    assert (fresh.id != begun.id, fresh.done) == (True, [])


@pytest.mark.every_storage
async def test_imports_differ_by_version_source_and_account(filled: Filled) -> None:
    other_version = await filled.lake.filled(1, "other")
    other_account = Filled(
        await colleague(filled.lake), filled.id, [], filled.assets, filled.labels
    )
    begun = [
        await start(filled),
        await start(filled, "another"),
        await start(other_version),
        await start(other_account),
    ]
    assert len({record.id for record in begun}) == 4
    assert await start(filled) == begun[0]


async def test_a_ledger_belongs_to_its_version(filled: Filled, lake: Stocked) -> None:
    other = await lake.filled(1, "other")
    begun = await start(other)
    for import_id in (begun.id, uuid4(), filled.id):
        with pytest.raises(NotFoundError):
            await filled.send(filled.item(0, 1), import_id=import_id, chunk=0)
    own = await start(filled)
    for more in ({}, {"chunk": -1}):
        with pytest.raises(BadRequestError):
            await filled.send(filled.item(0, 1), import_id=own.id, **more)
    with pytest.raises(NotFoundError):
        await lake.call(annotations.FINISH_IMPORT, import_id=uuid4())
    assert await filled.ids() == []


@pytest.mark.every_storage
async def test_texts_and_attributes_must_be_writable(filled: Filled) -> None:
    circle: dict[str, Any] = {}
    circle["again"] = circle
    label = filled.labels["a"]
    for bad in ({"text": "\ud800"}, {"attributes": {"k": object()}}, {"attributes": circle}):
        shape = RectangleIn(label_id=label, x=0, y=0, w=1, h=1, **bad)
        with pytest.raises(BadRequestError, match=filled.assets[0]):
            await filled.send(ImportItem(asset_id=filled.assets[0], rectangles=[shape]))
    with pytest.raises(BadRequestError):
        await filled.send(filled.item(0, attributes=circle))
    large = {"n": 2**63, "deep": [[{"x": 1.5}]], "ö": "🦜"}
    shape = RectangleIn(label_id=label, x=0, y=0, w=1, h=1, text="🦜", attributes=large)
    await filled.send(ImportItem(asset_id=filled.assets[0], rectangles=[shape]))
    ((loaded,),) = [annotation.rectangles for annotation in await filled.load()]
    assert (loaded.text, loaded.attributes) == ("🦜", large)


async def test_attributes_that_are_nested_too_deeply_are_named_with_their_asset(
    filled: Filled,
) -> None:
    deep: dict[str, Any] = {}
    for _ in range(64):
        deep = {"a": deep}
    shape = RectangleIn(label_id=filled.labels["a"], x=0, y=0, w=1, h=1, attributes=deep)
    for item in (
        ImportItem(asset_id=filled.assets[0], rectangles=[shape]),
        filled.item(0, attributes=deep),
    ):
        with pytest.raises(BadRequestError, match="deeper than 64 levels") as caught:
            await filled.send(item)
        assert filled.assets[0] in str(caught.value)
    shape.attributes = deep["a"]
    await filled.send(ImportItem(asset_id=filled.assets[0], rectangles=[shape]))
