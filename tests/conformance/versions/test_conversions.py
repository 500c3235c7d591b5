"""Tags become classifications: once, beside what is there, for tags of assets and of data."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from headrace.errors import BadRequestError, NotFoundError
from headrace.model.enums import InferenceType, JobStatus, TagTarget
from headrace.platform.jobs import runner as job_runner
from headrace.protocol.operations import annotations, assets, datalake, datasets, jobs, tags
from headrace.protocol.operations.annotations import ClassificationIn, ImportItem
from tests.support.lakes.forks import rows, told
from tests.support.lakes.stocked_lake import Filled, Stocked


async def classified(lake: Stocked, count: int) -> Filled:
    """A version whose assets are to be classified."""
    filled = await lake.filled(count)
    await lake.call(
        datasets.UPDATE_VERSION, version_id=filled.id, type=InferenceType.CLASSIFICATION
    )
    return filled


async def asset_tag(filled: Filled, name: str, *which: int) -> UUID:
    tag = await filled.lake.call(tags.CREATE_ASSET_TAG, version_id=filled.id, name=name)
    ids = [UUID(filled.assets[index]) for index in which]
    await filled.lake.call(tags.ATTACH_TAG, tag_id=tag.id, ids=ids)
    return tag.id


async def convert(filled: Filled, *ids: UUID, kind: TagTarget = TagTarget.ASSET) -> Any:
    return await filled.lake.call(
        tags.CONVERT_TAGS, version_id=filled.id, tag_ids=list(ids), tag_type=kind
    )


async def said(filled: Filled) -> dict[int, list[list[str]]]:
    """Labels of classifications by asset, a list for each annotation, newest first."""
    numbers = {asset: index for index, asset in enumerate(filled.assets)}
    found: dict[int, list[list[str]]] = {}
    for annotation in await filled.load():
        names = [shape.label for shape in annotation.classifications]
        found.setdefault(numbers[annotation.asset_id], []).append(names)
    return found


async def test_assets_are_classified_by_their_tags(lake: Stocked) -> None:
    filled = await classified(lake, 6)
    dog, cat = await asset_tag(filled, "dog", 0, 2, 4), await asset_tag(filled, "cat", 4, 5)
    await asset_tag(filled, "unasked", 1, 2)
    job = await convert(filled, dog, cat)
    assert (job.status, job.done) == (JobStatus.SUCCESS, 4)
    assert await said(filled) == {0: [["dog"]], 2: [["dog"]], 4: [["dog", "cat"]], 5: [["cat"]]}
    stats = await filled.stats()
    assert stats.label_repartition == {"dog": 3, "cat": 2}
    assert stats.nb_annotations == 4
    assert (await told(lake, filled.id))["labels"] == ["a", "b", "c", "dog", "cat"]


async def test_converting_again_adds_nothing(lake: Stocked) -> None:
    filled = await classified(lake, 4)
    dog = await asset_tag(filled, "dog", 0, 1)
    await convert(filled, dog)
    before = await told(lake, filled.id)
    assert (await convert(filled, dog, dog)).done == 0
    assert await told(lake, filled.id) == before


async def test_what_is_there_stays_and_is_added_to(lake: Stocked) -> None:
    filled = await classified(lake, 4)
    shapes = [ClassificationIn(label_id=filled.labels[name]) for name in "ab"]
    await filled.send(
        ImportItem(asset_id=filled.assets[0], classifications=shapes[:1], attributes={"x": 1}),
        ImportItem(asset_id=filled.assets[1], classifications=shapes[1:]),
        filled.item(2, 5, label="b"),
    )
    await convert(filled, await asset_tag(filled, "b", 0, 1, 2))
    # A box under the label is no classification with it.
    assert await said(filled) == {0: [["a", "b"]], 1: [["b"]], 2: [["b"]]}
    shapes_of = (await told(lake, filled.id))["shapes"]
    assert sorted(str(each[0]["attributes"]) for each in shapes_of.values()) == [
        "None",
        "None",
        "{'x': 1}",
    ]
    assert (await filled.stats()).nb_annotations == 3


async def test_assets_are_classified_by_the_tags_of_their_data(lake: Stocked) -> None:
    filled = await classified(lake, 5)
    found = await lake.call(datalake.FIND_DATALAKE, organization_id=lake.access.organization_id)
    tag = await lake.call(tags.CREATE_DATA_TAG, datalake_id=found.id, name="night")
    await lake.call(tags.ATTACH_TAG, tag_id=tag.id, ids=[filled.data[1], filled.data[3]])
    await convert(filled, tag.id, kind=TagTarget.DATA)
    assert await said(filled) == {1: [["night"]], 3: [["night"]]}


async def test_refusals_change_nothing(lake: Stocked) -> None:
    plain = await lake.filled(2, "plain")
    filled = await classified(lake, 2)
    dog, other = await asset_tag(filled, "dog", 0), await asset_tag(plain, "dog", 0)
    before = rows(lake, "job"), rows(lake, "label")
    with pytest.raises(BadRequestError, match="NOT_CONFIGURED"):
        await convert(plain, other)
    with pytest.raises(NotFoundError):
        await convert(filled, dog, other)
    with pytest.raises(NotFoundError):
        await convert(filled, dog, kind=TagTarget.DATA)
    with pytest.raises(BadRequestError, match="ASSET or DATA"):
        await convert(filled, dog, kind=TagTarget.DATASET)
    assert (rows(lake, "job"), rows(lake, "label")) == before


async def test_a_conversion_in_many_ranges_may_be_cancelled_and_done_again(
    lake: Stocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FIRST_SIZE", "MIN_SIZE", "MAX_SIZE"):
        monkeypatch.setattr(job_runner, name, 7)
    monkeypatch.setattr(job_runner, "PAUSE_SECONDS", 0.03)
    monkeypatch.setattr("headrace.platform.jobs.records.ANSWER_SECONDS", 0.05)
    filled = await classified(lake, 200)
    dog = await asset_tag(filled, "dog", *range(0, 200, 2))
    begun = await convert(filled, dog)
    assert begun.status is JobStatus.RUNNING
    await lake.call(jobs.CANCEL_JOB, job_id=begun.id)
    ended = await lake.call(jobs.GET_JOB, job_id=begun.id)
    assert ended.status is JobStatus.TERMINATED
    part = await said(filled)
    assert len(part) < 100
    assert (await filled.stats()).nb_annotations == len(part)
    again = await convert(filled, dog)
    assert (await lake.call(jobs.GET_JOB, job_id=again.id)).status is JobStatus.SUCCESS
    assert await said(filled) == {index: [["dog"]] for index in range(0, 200, 2)}
    listed = await lake.call(assets.LIST_ASSETS, version_id=filled.id, q='tags.name = "dog"')
    assert listed.count == 100
    ids = await lake.call(annotations.ANNOTATION_IDS, version_id=filled.id)
    assert len(ids) == 100
