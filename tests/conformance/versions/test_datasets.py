"""Datasets and versions: names, lists, finding, changing, deleting."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from headrace.errors import BadRequestError, ConflictError, LockedError, NotFoundError
from headrace.model.enums import InferenceType, TagTarget
from headrace.platform.core.scopes import version_scope
from headrace.protocol.operations import datasets, tags
from tests.support.lakes.stocked_lake import Stocked


async def test_a_dataset_is_found_by_name_and_id(lake: Stocked) -> None:
    organization = lake.access.organization_id
    made = await lake.call(
        datasets.CREATE_DATASET, organization_id=organization, name="birds", description="of prey"
    )
    for wish in ({"name": "birds"}, {"id": made.id}, {"name": "birds", "id": made.id}):
        found = await lake.call(datasets.FIND_DATASET, organization_id=organization, **wish)
        assert (found.id, found.name, found.description) == (made.id, "birds", "of prey")
    for wish in ({"name": "Birds"}, {"id": uuid4()}, {"name": "fish", "id": made.id}):
        with pytest.raises(NotFoundError):
            await lake.call(datasets.FIND_DATASET, organization_id=organization, **wish)
    with pytest.raises(BadRequestError):
        await lake.call(datasets.FIND_DATASET, organization_id=organization)


@pytest.mark.parametrize("name", ["", "  ", "tab\tin", "x" * 2000])
async def test_names_must_be_names(lake: Stocked, name: str) -> None:
    with pytest.raises(BadRequestError):
        await lake.dataset(name)
    dataset = await lake.dataset()
    with pytest.raises(BadRequestError):
        await lake.version(name, dataset=dataset.id)


async def test_a_taken_name_is_refused_and_named(lake: Stocked) -> None:
    first = await lake.dataset("birds")
    with pytest.raises(ConflictError, match="'birds'"):
        await lake.dataset("birds")
    other = await lake.dataset("fish")
    with pytest.raises(ConflictError, match="'birds'"):
        await lake.call(datasets.UPDATE_DATASET, dataset_id=other.id, name="birds")
    await lake.version("v1", dataset=first.id)
    with pytest.raises(ConflictError, match="'v1'"):
        await lake.version("v1", dataset=first.id)
    await lake.version("v1", dataset=other.id)


async def test_lists_are_newest_first_unless_ordered(lake: Stocked) -> None:
    organization = lake.access.organization_id
    for name in ("b", "a", "c"):
        await lake.dataset(name)

    async def names(**more: object) -> list[str]:
        listed = await lake.call(datasets.LIST_DATASETS, organization_id=organization, **more)
        return [dataset.name for dataset in listed.items]

    assert await names() == ["c", "a", "b"]
    assert await names(order_by=["name"]) == ["a", "b", "c"]
    assert await names(order_by=["-name"], limit=1, offset=1) == ["b"]
    with pytest.raises(BadRequestError, match="created_at"):
        await names(order_by=["size; drop table dataset"])
    with pytest.raises(BadRequestError):
        await names(limit=0)


async def test_versions_of_a_dataset(lake: Stocked) -> None:
    dataset = await lake.dataset()
    first = await lake.call(
        datasets.CREATE_VERSION,
        dataset_id=dataset.id,
        version="v1",
        description="raw",
        type=InferenceType.SEGMENTATION,
    )
    assert (first.origin_name, first.origin_id, first.version) == ("birds", dataset.id, "v1")
    assert (first.type, first.description) == (InferenceType.SEGMENTATION, "raw")
    second = await lake.version("v2", dataset=dataset.id)
    assert second.type is InferenceType.NOT_CONFIGURED
    listed = await lake.call(datasets.LIST_VERSIONS, dataset_id=dataset.id)
    assert [version.id for version in listed.items] == [second.id, first.id]
    for wish in ({"version": "v1"}, {"id": first.id}):
        found = await lake.call(datasets.FIND_VERSION, dataset_id=dataset.id, **wish)
        assert found.id == first.id
    by_id = await lake.call(
        datasets.FIND_VERSION_BY_ID, organization_id=lake.access.organization_id, id=second.id
    )
    assert by_id.version == "v2"
    elsewhere = await lake.dataset("fish")
    for wish in ({"version": "v1"}, {"id": first.id}):
        with pytest.raises(NotFoundError):
            await lake.call(datasets.FIND_VERSION, dataset_id=elsewhere.id, **wish)


async def test_a_version_is_changed_in_part(lake: Stocked) -> None:
    version = await lake.version("v1")
    changed = await lake.call(
        datasets.UPDATE_VERSION, version_id=version.id, type=InferenceType.MASK
    )
    assert (changed.version, changed.type) == ("v1", InferenceType.MASK)
    changed = await lake.call(
        datasets.UPDATE_VERSION, version_id=version.id, version="v1b", description=""
    )
    assert (changed.id, changed.version, changed.type) == (version.id, "v1b", InferenceType.MASK)


async def test_tags_show_on_get(lake: Stocked) -> None:
    version = await lake.version()
    for target, thing in (
        (TagTarget.DATASET, version.origin_id),
        (TagTarget.DATASET_VERSION, version.id),
    ):
        tag = await lake.call(
            tags.CREATE_TAG,
            organization_id=lake.access.organization_id,
            name="gold",
            target_type=target,
        )
        await lake.call(tags.ATTACH_TAG, tag_id=tag.id, ids=[thing])
    dataset = await lake.call(datasets.GET_DATASET, dataset_id=version.origin_id)
    found = await lake.call(datasets.GET_VERSION, version_id=version.id)
    assert [(tag.name, tag.target_type) for tag in dataset.tags] == [("gold", TagTarget.DATASET)]
    assert [(tag.name, tag.target_type) for tag in found.tags] == [
        ("gold", TagTarget.DATASET_VERSION)
    ]


async def test_a_deleted_version_is_gone_at_once_and_its_name_free(lake: Stocked) -> None:
    version = await lake.version("v1")
    await lake.call(datasets.DELETE_VERSION, version_id=version.id, undo=False)
    with pytest.raises(NotFoundError):
        await lake.call(datasets.GET_VERSION, version_id=version.id)
    with pytest.raises(NotFoundError):
        await lake.call(datasets.DELETE_VERSION, version_id=version.id)
    again = await lake.version("v1", dataset=version.origin_id)
    assert again.id != version.id
    with pytest.raises(NotFoundError):
        await lake.call(datasets.GET_VERSION, version_id=version.id)


async def test_a_deleted_dataset_takes_its_versions_along(lake: Stocked) -> None:
    version = await lake.version("v1")
    await lake.call(datasets.DELETE_DATASET, dataset_id=version.origin_id, undo=False)
    for operation, fields in (
        (datasets.GET_DATASET, {"dataset_id": version.origin_id}),
        (datasets.GET_VERSION, {"version_id": version.id}),
        (datasets.LIST_VERSIONS, {"dataset_id": version.origin_id}),
    ):
        with pytest.raises(NotFoundError):
            await lake.call(operation, **fields)
    assert (await lake.dataset("birds")).id != version.origin_id


async def test_a_locked_version_refuses_every_change(lake: Stocked) -> None:
    version = await lake.version("v1")
    await _lock(lake, version.id)
    with pytest.raises(LockedError, match="birds/v1"):
        await lake.call(datasets.UPDATE_VERSION, version_id=version.id, version="v2")
    with pytest.raises(LockedError):
        await lake.call(datasets.DELETE_VERSION, version_id=version.id)
    with pytest.raises(LockedError):
        await lake.call(datasets.DELETE_DATASET, dataset_id=version.origin_id)
    assert (await lake.call(datasets.GET_VERSION, version_id=version.id)).version == "v1"


async def _lock(lake: Stocked, version: UUID) -> None:
    # There is no call that locks a version yet; the rule must hold for the day there is.
    scope = await version_scope(lake.platform.context.database, lake.access, version)
    with lake.raw() as connection:
        connection.execute("update version set locked = 1 where no = ?", (scope.no,))
