"""Tags of lakes and organizations: made once a name, attached and detached in any number."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from headrace.errors import BadRequestError, ConflictError, NotFoundError
from headrace.model.enums import TagTarget
from headrace.model.records import TagRecord
from headrace.protocol.operation import Operation
from headrace.protocol.operations.datalake import (
    DELETE_DATA,
    GET_DATA,
    LIST_DATA,
    DataId,
    ListData,
)
from headrace.protocol.operations.datasets import (
    CREATE_DATASET,
    CREATE_VERSION,
    GET_DATASET,
    GET_VERSION,
    CreateDataset,
    CreateVersion,
    DatasetId,
    VersionId,
)
from headrace.protocol.operations.tags import (
    ATTACH_TAG,
    CREATE_DATA_TAG,
    CREATE_TAG,
    DELETE_TAG,
    DETACH_TAG,
    FIND_DATA_TAG,
    FIND_TAG,
    GET_TAG,
    LIST_DATA_TAGS,
    LIST_TAGS,
    UPDATE_TAG,
    DataTagName,
    ListDataTags,
    ListOrganizationTags,
    OrganizationTagName,
    TagId,
    TagTargets,
    UpdateTag,
)
from tests.support.lakes.lake import Lake


def organization_tag(lake: Lake, name: str, target: TagTarget) -> OrganizationTagName:
    return OrganizationTagName(organization_id=lake.organization, name=name, target_type=target)


async def tagged(lake: Lake, name: str) -> int:
    page = await lake.call(LIST_DATA, ListData(datalake_id=lake.id, q=f'tags.name = "{name}"'))
    return page.count


@pytest.mark.every_storage
async def test_a_lakes_tags_are_made_found_listed_and_renamed(lake: Lake) -> None:
    made = [await lake.data_tag(name) for name in ("b", "a", "Ünï 🎈")]
    assert all(tag.target_type is TagTarget.DATA for tag in made)
    find = DataTagName(datalake_id=lake.id, name="a")
    assert await lake.call(FIND_DATA_TAG, find) == made[1]
    assert await lake.call(GET_TAG, TagId(tag_id=made[1].id)) == made[1]
    assert (await lake.call(LIST_DATA_TAGS, ListDataTags(datalake_id=lake.id))).items == made
    by_name = ListDataTags(datalake_id=lake.id, order_by=["name"], limit=2)
    assert (await lake.call(LIST_DATA_TAGS, by_name)).items == [made[1], made[0]]
    renamed = await lake.call(UPDATE_TAG, UpdateTag(tag_id=made[1].id, name="z"))
    assert renamed == TagRecord(id=made[1].id, name="z", target_type=TagTarget.DATA)
    with pytest.raises(NotFoundError):
        await lake.call(FIND_DATA_TAG, find)


@pytest.mark.every_storage
async def test_names_are_unique_in_their_scope_and_target(lake: Lake, stranger: Lake) -> None:
    first = await lake.data_tag("t")
    with pytest.raises(ConflictError, match="'t'"):
        await lake.data_tag("t")
    await stranger.data_tag("t")
    dataset_tag = await lake.call(CREATE_TAG, organization_tag(lake, "t", TagTarget.DATASET))
    await lake.call(CREATE_TAG, organization_tag(lake, "t", TagTarget.DATASET_VERSION))
    with pytest.raises(ConflictError):
        await lake.call(CREATE_TAG, organization_tag(lake, "t", TagTarget.DATASET))
    other = await lake.data_tag("other")
    with pytest.raises(ConflictError, match="'t'"):
        await lake.call(UPDATE_TAG, UpdateTag(tag_id=other.id, name="t"))
    find = organization_tag(lake, "t", TagTarget.DATASET)
    assert await lake.call(FIND_TAG, find) == dataset_tag
    listing = ListOrganizationTags(organization_id=lake.organization, target_type=TagTarget.DATASET)
    assert (await lake.call(LIST_TAGS, listing)).items == [dataset_tag]
    assert first.id != dataset_tag.id


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\ud800", "x" * 2000])
async def test_names_that_are_none_are_refused(lake: Lake, name: str) -> None:
    with pytest.raises(BadRequestError):
        await lake.data_tag(name)


@pytest.mark.parametrize("target", [TagTarget.DATA, TagTarget.ASSET, TagTarget.PREDICTED_ASSET])
async def test_targets_that_are_not_the_organizations_are_refused(
    lake: Lake, target: TagTarget
) -> None:
    with pytest.raises(BadRequestError, match=target):
        await lake.call(CREATE_TAG, organization_tag(lake, "t", target))


@pytest.mark.every_storage
async def test_attaching_counts_what_is_there_and_is_repeatable(lake: Lake, stranger: Lake) -> None:
    tag = await lake.data_tag("t")
    data = [await lake.add(f"{number}.png") for number in range(4)]
    theirs = await stranger.add()
    ids = [item.id for item in data[:3]]
    wrong = [uuid4(), lake.id, theirs.id, tag.id, type(tag.id)(int=data[0].id.int + 1000)]
    targets = TagTargets(tag_id=tag.id, ids=[*ids, *wrong, ids[0]])
    for _ in range(2):
        answer = await lake.call(ATTACH_TAG, targets)
        assert (answer.tag, answer.count) == (tag, 3)
        assert await tagged(lake, "t") == 3
    assert (await lake.call(GET_DATA, DataId(data_id=ids[0]))).tags == [tag]
    answer = await lake.call(DETACH_TAG, TagTargets(tag_id=tag.id, ids=ids[:2]))
    assert answer.count == 2
    assert await tagged(lake, "t") == 1
    assert (await lake.call(ATTACH_TAG, TagTargets(tag_id=tag.id, ids=[]))).count == 0


async def test_datasets_and_versions_carry_tags_of_their_own_kind(lake: Lake) -> None:
    dataset = await lake.call(
        CREATE_DATASET, CreateDataset(organization_id=lake.organization, name="d")
    )
    version = await lake.call(CREATE_VERSION, CreateVersion(dataset_id=dataset.id, version="v"))
    of_dataset = await lake.call(CREATE_TAG, organization_tag(lake, "d", TagTarget.DATASET))
    of_version = await lake.call(CREATE_TAG, organization_tag(lake, "v", TagTarget.DATASET_VERSION))
    of_model = await lake.call(CREATE_TAG, organization_tag(lake, "m", TagTarget.MODEL))
    ids = [dataset.id, version.id, uuid4()]
    for tag, count in ((of_dataset, 1), (of_version, 1), (of_model, 0)):
        answer = await lake.call(ATTACH_TAG, TagTargets(tag_id=tag.id, ids=ids))
        assert answer.count == count
    read = await lake.call(GET_DATASET, DatasetId(dataset_id=dataset.id))
    assert read.tags == [of_dataset]
    read_version = await lake.call(GET_VERSION, VersionId(version_id=version.id))
    assert read_version.tags == [of_version]
    assert (await lake.call(DETACH_TAG, TagTargets(tag_id=of_dataset.id, ids=ids))).count == 1
    read = await lake.call(GET_DATASET, DatasetId(dataset_id=dataset.id))
    assert read.tags == []


@pytest.mark.every_storage
async def test_a_deleted_tag_is_gone_everywhere(lake: Lake) -> None:
    tag = await lake.data_tag("t")
    kept = await lake.data_tag("kept")
    data = await lake.add(tags=[tag.id, kept.id])
    await lake.call(DELETE_TAG, TagId(tag_id=tag.id))
    assert (await lake.call(GET_DATA, DataId(data_id=data.id))).tags == [kept]
    for operation, request in refused(tag):
        with pytest.raises(NotFoundError):
            await lake.call(operation, request)
    again = await lake.data_tag("t")
    assert again.id != tag.id
    assert await tagged(lake, "t") == 0


async def test_tags_of_others_are_not_found(lake: Lake, stranger: Lake) -> None:
    theirs = await stranger.data_tag("t")
    shared = await stranger.call(CREATE_TAG, organization_tag(stranger, "t", TagTarget.DATASET))
    for tag in (theirs, shared):
        for operation, request in refused(tag):
            with pytest.raises(NotFoundError):
                await lake.call(operation, request)
        assert await stranger.call(GET_TAG, TagId(tag_id=tag.id)) == tag
    name = DataTagName(datalake_id=stranger.id, name="u")
    with pytest.raises(NotFoundError):
        await lake.call(CREATE_DATA_TAG, name)
    with pytest.raises(NotFoundError):
        await lake.call(CREATE_TAG, organization_tag(stranger, "u", TagTarget.DATASET))


async def test_ids_of_other_kinds_name_no_tag(lake: Lake) -> None:
    tag = await lake.data_tag("t")
    for wrong in (lake.id, uuid4(), type(tag.id)(int=tag.id.int + 1)):
        with pytest.raises(NotFoundError, match=str(wrong)):
            await lake.call(GET_TAG, TagId(tag_id=wrong))


@pytest.mark.every_storage
async def test_the_tags_of_a_deleted_data_do_not_count(lake: Lake) -> None:
    tag = await lake.data_tag("t")
    data = await lake.add(tags=[tag.id])
    await lake.call(DELETE_DATA, DataId(data_id=data.id))
    answer = await lake.call(DETACH_TAG, TagTargets(tag_id=tag.id, ids=[data.id]))
    assert answer.count == 0


@pytest.mark.every_storage
async def test_twenty_thousand_targets_go_in_batches(lake: Lake) -> None:
    tag = await lake.data_tag("t")
    data = await lake.add()
    ids = [type(data.id)(int=data.id.int + number % 12_000) for number in range(20_000)]
    assert (await lake.call(ATTACH_TAG, TagTargets(tag_id=tag.id, ids=ids))).count == 1


def refused(tag: TagRecord) -> list[tuple[Operation[Any, Any], Any]]:
    return [
        (GET_TAG, TagId(tag_id=tag.id)),
        (UPDATE_TAG, UpdateTag(tag_id=tag.id, name="x")),
        (DELETE_TAG, TagId(tag_id=tag.id)),
        (ATTACH_TAG, TagTargets(tag_id=tag.id, ids=[])),
        (DETACH_TAG, TagTargets(tag_id=tag.id, ids=[])),
    ]
