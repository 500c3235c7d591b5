"""Annotations and single shapes on a platform that is not headrace's: whole pixels, and nothing that only headrace has."""

from __future__ import annotations

import pytest

from headrace.errors import NoDataError, NotFoundError, UnsupportedError
from headrace.model.enums import AnnotationStatus
from headrace.sdk.annotation import Annotation
from headrace.sdk.client.client import Client
from headrace.sdk.label import Label
from headrace.sdk.version.dataset_version import DatasetVersion


@pytest.fixture
async def cat(version: DatasetVersion) -> Label:
    return await version.create_label("cat")


@pytest.fixture
async def annotation(version: DatasetVersion, cat: Label) -> Annotation:
    return await (await version.find_asset(filename="image_0001.jpg")).create_annotation(1.5)


async def test_shapes_are_drawn_in_whole_pixels(annotation: Annotation, cat: Label) -> None:
    boxes = await annotation.create_multiple_rectangles([(1, 2, 3, 4, cat), (5.5, 6, 7, 8.2, cat)])
    box = await annotation.create_rectangle(9, 9, 1, 1, cat)
    assert [(each.x, each.h) for each in boxes] == [(1, 4), (6, 8)]
    assert await annotation.list_rectangles() == [*boxes, box]
    (polygon,) = await annotation.create_multiple_polygons([([[0, 0], [4, 0], [4, 4.6]], cat)])
    line = await annotation.create_line([(0, 0), (1, 1)], cat)
    point = await annotation.create_point([3, 4.25], cat)
    word = await annotation.create_classification(cat)
    assert (polygon.coords, point.coords) == ([[0, 0], [4, 0], [4, 5]], [3, 4])
    assert await annotation.list_polygons() == [polygon]
    assert (await annotation.list_lines(), await annotation.list_points()) == ([line], [point])
    assert await annotation.list_classifications() == [word]
    more = await annotation.create_multiple_lines([([[1, 1], [2, 2]], cat)])
    more += await annotation.create_multiple_points([([1, 1], cat)])
    more += await annotation.create_multiple_classifications([cat])
    more.append(await annotation.create_polygon([[0, 0], [4, 0], [4, 4]], cat))
    assert len({shape.id for shape in more}) == 4


async def test_shapes_are_changed_and_deleted(
    version: DatasetVersion, annotation: Annotation, cat: Label
) -> None:
    dog = await version.create_label("dog")
    box = await annotation.create_rectangle(1, 2, 3, 4, cat)
    await box.update(x=2.4, label=dog, text="sign")
    await box.sync()
    assert (box.x, box.y, box.label, box.text) == (2, 2, dog, "sign")
    polygon = await annotation.create_polygon([[0, 0], [4, 0], [4, 4]], cat)
    line = await annotation.create_line([(0, 0), (1, 1)], cat)
    point = await annotation.create_point([3, 4], cat)
    word = await annotation.create_classification(cat)
    await polygon.update([[0, 0], [1, 0], [1, 1.2]])
    await line.update(label=dog)
    await point.update((7, 8))
    await word.update(dog, "t")
    for shape in (polygon, line, point, word):
        await shape.sync()
    assert (polygon.coords[2], line.label, point.coords, word.text) == ([1, 1], dog, [7, 8], "t")
    for gone in (box, polygon, line, point, word):
        await gone.delete()
    with pytest.raises(NotFoundError):
        await polygon.sync()
    assert (await version.retrieve_stats()).nb_objects == 0


async def test_masks_are_measured_by_the_platform(annotation: Annotation, cat: Label) -> None:
    # No pixel outside, then two columns, then the rest.
    mask = await annotation.create_mask("0P3`n2", cat)
    assert (mask.area, mask.bbox) == (96, [0, 0, 2, 48])
    (again,) = await annotation.create_multiple_masks([(mask.mask, cat)])
    assert await annotation.list_masks() == [mask, again]
    await again.sync()
    assert again.mask == mask.mask
    await mask.delete()
    assert await annotation.list_masks() == [again]


async def test_an_annotation_is_overwritten_and_changed(
    version: DatasetVersion, annotation: Annotation, cat: Label
) -> None:
    await annotation.create_rectangle(1, 1, 1, 1, cat)
    await annotation.overwrite(
        rectangles=[(1, 2, 3, 4, cat)],
        polygons=[([[0, 0], [1, 0], [1, 1]], cat)],
        classifications=[cat],
        lines=[([[0, 0], [1, 1]], cat)],
        points=[([1, 1], cat)],
        duration=3,
    )
    assert (await version.retrieve_stats()).label_repartition == {"cat": 5}
    await annotation.update(status="accepted", duration=4.5)
    again = await (await version.find_asset(id=annotation.asset_id)).get_annotation()
    await again.sync()
    assert (again.status, again.duration) == (AnnotationStatus.ACCEPTED, 4.5)
    assert again.worker_id is None
    await annotation.overwrite()
    assert (await version.retrieve_stats()).nb_objects == 0
    await annotation.delete()
    assert await (await version.find_asset(id=annotation.asset_id)).list_annotations() == []


async def test_what_only_headrace_has_is_refused_with_a_cure(
    client: Client, version: DatasetVersion, annotation: Annotation, cat: Label
) -> None:
    await annotation.create_rectangle(1, 1, 1, 1, cat)
    with pytest.raises(UnsupportedError, match="import them with the shapes"):
        await annotation.update(attributes={"by": "me"})
    worker = (await (await client.get_dataset("drawings")).list_workers())[0]
    asset = await version.find_asset(id=annotation.asset_id)
    for deletion in (
        version.delete_all_annotations([worker]),
        asset.delete_annotations([worker]),
        (await version.list_assets()).delete_annotations([worker]),
    ):
        with pytest.raises(UnsupportedError, match="omit workers="):
            await deletion
    assert (await version.retrieve_stats()).nb_annotations == 1


async def test_annotations_are_listed_loaded_and_deleted(
    version: DatasetVersion, cat: Label
) -> None:
    assets = await version.list_assets(order_by=["filename"])
    made = []
    for number, asset in enumerate(assets):
        annotation = await asset.create_annotation(float(number))
        await annotation.create_rectangle(number, 0, 1, 1, cat)
        if number % 3 == 0:
            await annotation.update(status=AnnotationStatus.ACCEPTED)
        made.append(annotation)
    listed = await version.list_annotations()
    assert list(listed) == made[::-1]
    assert [each.asset_id for each in listed] == [each.asset_id for each in made[::-1]]
    assert await version.list_annotations(limit=5, offset=2) == listed[2:7]
    assert await version.list_annotations().count() == 12
    assert list(await version.list_annotations(order_by=["duration"], limit=2)) == made[:2]
    accepted = await version.list_annotations(status="ACCEPTED")
    loaded = await accepted.load(chunk_size=2)
    assert [found["rectangles"][0]["x"] for (found,) in loaded.values()] == [9, 6, 3, 0]
    assert len(await version.load_annotations(assets=assets[:3])) == 3
    walked = [each.asset_id async for each in version.iter_annotations(status="ACCEPTED")]
    assert sorted(walked) == sorted(str(each.asset_id) for each in accepted)
    await accepted.delete(undo=False)
    await assets[1].delete_annotations(undo=False)
    await assets[4:6].delete_annotations(undo=False)
    assert await version.list_annotations().count() == 5
    await version.delete_all_annotations(undo=False)
    with pytest.raises(NoDataError, match="no such annotations"):
        await version.list_annotations()
    assert (await version.retrieve_stats()).nb_annotations == 0
