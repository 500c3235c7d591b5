"""Annotations and shapes as handles, over both doors."""

from __future__ import annotations

import pytest

import headrace
from headrace.errors import BadRequestError, NoDataError, NotFoundError
from headrace.model.enums import AnnotationStatus
from headrace.sdk.annotation import MultiAnnotation
from headrace.sdk.version.dataset_version import DatasetVersion


@pytest.mark.lakes_only("other platforms take whole pixels")
async def test_an_annotation_is_drawn_shape_by_shape(version: DatasetVersion) -> None:
    cat, dog = await version.create_label("cat"), await version.create_label("dog")
    asset = await version.find_asset(filename="image_0002.jpg")
    with pytest.raises(NotFoundError):
        await asset.get_annotation()
    annotation = await asset.create_annotation(1.5)
    assert (annotation.asset_id, annotation.dataset_version_id) == (asset.id, version.id)
    boxes = await annotation.create_multiple_rectangles([(1, 2, 3, 4, cat), (5.5, 6, 7, 8, dog)])
    assert [(box.x, box.label.name) for box in boxes] == [(1, "cat"), (5.5, "dog")]
    box = await annotation.create_rectangle(9, 9, 1, 1, cat)
    polygon = await annotation.create_polygon([[0, 0], [4, 0], [4, 4.5]], dog)
    line = await annotation.create_line([(0, 0), (1, 1)], dog)
    point = await annotation.create_point([3, 4.25], cat)
    word = await annotation.create_classification(cat)
    assert await annotation.list_rectangles() == [*boxes, box]
    assert await annotation.list_polygons() == [polygon]
    assert (await annotation.list_lines(), await annotation.list_points()) == ([line], [point])
    assert await annotation.list_classifications() == [word]
    assert (polygon.coords, point.coords) == ([[0, 0], [4, 0], [4, 4.5]], [3, 4.25])
    stats = await version.retrieve_stats()
    assert stats.label_repartition == {"cat": 4, "dog": 3}

    await boxes[0].update(x=2, label=dog, text="sign")
    assert (boxes[0].x, boxes[0].y, boxes[0].label, boxes[0].text) == (2, 2, dog, "sign")
    await polygon.update([[0, 0], [1, 0], [1, 1]])
    await line.update(label=cat)
    await point.update((7, 8))
    await word.update(dog, "t")
    for shape in (polygon, line, point, word):
        await shape.sync()
    assert (polygon.coords[2], line.label, point.coords, word.text) == ([1, 1], cat, [7, 8], "t")
    for gone in (boxes[1], polygon, line, point, word):
        await gone.delete()
    assert await annotation.list_rectangles() == [boxes[0], box]
    with pytest.raises(NotFoundError):
        await polygon.sync()
    with pytest.raises(BadRequestError, match="no shapes"):
        await annotation.create_multiple_points([])


@pytest.mark.lakes_only("the refusal has another status there")
async def test_masks_know_their_area_and_box(version: DatasetVersion) -> None:
    """Over HTTP too the numbers are whole where they must be."""
    label = await version.create_label("stain")
    asset = await version.find_asset(filename="image_0000.jpg")
    annotation = await asset.create_annotation()
    everything = _all_of(asset.width * asset.height)
    mask = await annotation.create_mask(everything, label)
    assert (mask.mask, mask.area) == (everything, asset.width * asset.height)
    assert mask.bbox == [0, 0, asset.width, asset.height]
    assert await annotation.list_masks() == [mask]
    with pytest.raises(BadRequestError, match="cover"):
        await annotation.create_mask(_all_of(7), label)
    await mask.delete()
    assert await annotation.list_masks() == []


def _all_of(pixels: int) -> str:
    """Run lengths of no background and then so many pixels."""
    text = "0"
    while True:
        low, pixels = pixels & 31, pixels >> 5
        more = pixels != (-1 if low & 16 else 0)
        text += chr((low | (32 if more else 0)) + 48)
        if not more:
            return text


@pytest.mark.lakes_only("only headrace changes attributes of annotations")
async def test_overwriting_and_changing(version: DatasetVersion) -> None:
    cat = await version.create_label("cat")
    asset = await version.find_asset(filename="image_0001.jpg")
    annotation = await asset.create_annotation()
    await annotation.create_rectangle(1, 1, 1, 1, cat)
    await annotation.overwrite(
        rectangles=[(1, 2, 3, 4, cat)],
        polygons=[([[0, 0], [1, 0], [1, 1]], cat)],
        classifications=[cat],
        lines=[([[0, 0], [1, 1]], cat)],
        points=[([1, 1], cat)],
        duration=3,
    )
    assert annotation.duration == 3
    assert (await version.retrieve_stats()).label_repartition == {"cat": 5}
    await annotation.update(status="accepted", duration=4.5, attributes={"by": "me"})
    again = await asset.get_annotation()
    assert (again.status, again.duration) == (AnnotationStatus.ACCEPTED, 4.5)
    assert again.attributes == {"by": "me"}
    await annotation.update(attributes={})
    await again.sync()
    assert (again.attributes, again.asset_id) == (None, asset.id)
    await annotation.overwrite()
    assert (await version.retrieve_stats()).nb_objects == 0
    await annotation.delete()
    assert await asset.list_annotations() == []


@pytest.mark.lakes_only("only headrace tells annotations by worker")
async def test_listings_loads_and_deletions(version: DatasetVersion) -> None:
    cat = await version.create_label("cat")
    assets = await version.list_assets(order_by=["filename"])
    made = []
    for number, asset in enumerate(assets):
        annotation = await asset.create_annotation(float(number))
        await annotation.create_rectangle(number, 0, 1, 1, cat)
        if number % 3 == 0:
            await annotation.update(status=AnnotationStatus.ACCEPTED)
        made.append(annotation)
    listed = await version.list_annotations()
    assert isinstance(listed, MultiAnnotation)
    assert list(listed) == made[::-1]
    assert [annotation.asset_id for annotation in listed] == [a.asset_id for a in made[::-1]]
    assert await version.list_annotations(limit=5, offset=2) == listed[2:7]
    assert await version.list_annotations().count() == 12
    assert list(await version.list_annotations(order_by=["duration"], limit=2)) == made[:2]
    accepted = await version.list_annotations(status="ACCEPTED")
    assert list(accepted) == made[::3][::-1]
    assert [a async for a in version.list_annotations(limit=3)] == list(listed[:3])

    loaded = await accepted.load(chunk_size=2)
    assert list(loaded) == [str(annotation.asset_id) for annotation in accepted]
    assert [found["rectangles"][0]["x"] for (found,) in loaded.values()] == [9, 6, 3, 0]

    with pytest.raises(BadRequestError, match="'me'"):
        await version.delete_all_annotations(workers=["me"])
    await MultiAnnotation(version.session, version.id).delete()
    assert await version.list_annotations().count() == 12
    await accepted.delete()
    await assets[1].delete_annotations()
    await assets[4:6].delete_annotations()
    assert await version.list_annotations().count() == 5
    await version.delete_all_annotations()
    with pytest.raises(NoDataError, match="no such annotations"):
        await version.list_annotations()
    assert [a async for a in version.list_annotations()] == []
    assert (await version.retrieve_stats()).nb_annotations == 0


async def test_more_than_a_page_of_annotations(version: DatasetVersion) -> None:
    """Pages go on by cursor where there is one, so nothing is lost or repeated."""
    asset = await version.find_asset(filename="image_0000.jpg")
    made = [(await asset.create_annotation()).id for _ in range(1003)]
    pages = [page.ids async for page in version.list_annotations().pages()]
    assert pages == [made[:2:-1], made[2::-1]]
    assert await version.list_annotations(limit=1002).ids() == made[:0:-1]
    assert await version.list_annotations(limit=1, offset=1002).ids() == made[:1]


async def test_the_blocking_twin_draws_too(version: DatasetVersion, door: object) -> None:
    from tests.support.lakes.doors import Door

    assert isinstance(door, Door)

    def draw() -> list[float]:
        with headrace.blocking.connect(door.target, api_token=door.token) as client:
            found = client.version("drawings/first")
            label = found.create_label("cat")
            annotation = found.list_assets()[0].create_annotation()
            box = annotation.create_rectangle(1, 2, 3, 4, label)
            box.update(x=8, label=box.label)
            polygon = annotation.create_polygon([[0, 0], [1, 0], [1, 1]], label)
            polygon.delete()
            (again,) = found.list_annotations()
            assert type(again).__module__ == "headrace.blocking._generated"
            assert found.list_annotations().load()[str(again.asset_id)][0]["id"] == str(again.id)
            seen = [shape.x for shape in again.list_rectangles()]
            found.delete_all_annotations()
            return seen

    from anyio import to_thread

    assert await to_thread.run_sync(draw) == [8]
