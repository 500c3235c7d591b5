"""Labels and their groups: order, names, keys shared inside a dataset."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from headrace.errors import BadRequestError, ConflictError, NotFoundError
from headrace.model.ids import decode
from headrace.protocol.operations import labels
from tests.support.lakes.stocked_lake import Stocked


async def names(lake: Stocked, version: UUID) -> list[str]:
    listed = await lake.call(labels.LIST_LABELS, version_id=version)
    return [label.name for label in listed.items]


async def test_labels_stand_in_order_of_creation(lake: Stocked) -> None:
    version = await lake.version()
    for name in ("zebra", "ant", "mule"):
        await lake.call(labels.CREATE_LABEL, version_id=version.id, name=name)
    found = await lake.call(
        labels.ENSURE_LABELS, version_id=version.id, names=["new", "ant", "Ant", "new"]
    )
    assert [label.name for label in found] == ["new", "ant", "Ant"]
    assert await names(lake, version.id) == ["zebra", "ant", "mule", "new", "Ant"]
    again = await lake.call(
        labels.ENSURE_LABELS, version_id=version.id, names=["new", "ant", "Ant"]
    )
    assert again == found
    assert await lake.call(labels.ENSURE_LABELS, version_id=version.id, names=[]) == []


async def test_a_label_by_name_and_by_id(lake: Stocked) -> None:
    version = await lake.version()
    made = await lake.call(labels.CREATE_LABEL, version_id=version.id, name="cat")
    assert await lake.call(labels.FIND_LABEL, version_id=version.id, name="cat") == made
    assert await lake.call(labels.GET_LABEL, label_id=made.id) == made
    with pytest.raises(NotFoundError):
        await lake.call(labels.FIND_LABEL, version_id=version.id, name="CAT")
    for stranger in (uuid4(), version.id):
        with pytest.raises(NotFoundError):
            await lake.call(labels.GET_LABEL, label_id=stranger)
    with pytest.raises(ConflictError, match="'cat'"):
        await lake.call(labels.CREATE_LABEL, version_id=version.id, name="cat")
    with pytest.raises(BadRequestError):
        await lake.call(labels.ENSURE_LABELS, version_id=version.id, names=["ok", " "])
    assert await names(lake, version.id) == ["cat"]


async def test_versions_of_a_dataset_share_the_keys_of_equal_names(lake: Stocked) -> None:
    first = await lake.version("v1")
    second = await lake.version("v2", dataset=first.origin_id)
    foreign = await lake.version("v1", dataset=(await lake.dataset("fish")).id)

    async def keys(version: UUID, *wanted: str) -> dict[str, int]:
        found = await lake.call(labels.ENSURE_LABELS, version_id=version, names=list(wanted))
        return {label.name: decode(label.id).seq for label in found}

    ours = await keys(first.id, "cat", "dog")
    theirs = await keys(second.id, "cow", "dog", "cat")
    assert (theirs["cat"], theirs["dog"]) == (ours["cat"], ours["dog"])
    assert len({*ours.values(), *theirs.values()}) == 3
    assert await names(lake, second.id) == ["cow", "dog", "cat"]
    assert (await keys(foreign.id, "cow"))["cow"] == 1


async def test_a_key_in_use_under_another_name_is_not_shared(lake: Stocked) -> None:
    first = await lake.version("v1")
    second = await lake.version("v2", dataset=first.origin_id)
    cat = await lake.call(labels.CREATE_LABEL, version_id=first.id, name="cat")
    twin = await lake.call(labels.CREATE_LABEL, version_id=second.id, name="cat")
    await lake.call(labels.UPDATE_LABEL, label_id=twin.id, name="lion")
    fresh = await lake.call(labels.CREATE_LABEL, version_id=second.id, name="cat")
    keys = [decode(label.id).seq for label in (cat, twin, fresh)]
    assert keys[0] == keys[1] != keys[2]
    assert await names(lake, second.id) == ["lion", "cat"]


async def test_a_label_is_renamed_and_grouped(lake: Stocked) -> None:
    version = await lake.version()
    cat = await lake.call(labels.CREATE_LABEL, version_id=version.id, name="cat")
    await lake.call(labels.CREATE_LABEL, version_id=version.id, name="dog")
    group = await lake.call(labels.CREATE_LABEL_GROUP, version_id=version.id, name="pets")
    grouped = await lake.call(labels.UPDATE_LABEL, label_id=cat.id, group_id=group.id)
    assert (grouped.id, grouped.name, grouped.group_id) == (cat.id, "cat", group.id)
    renamed = await lake.call(labels.UPDATE_LABEL, label_id=cat.id, name="lion")
    assert (renamed.id, renamed.name, renamed.group_id) == (cat.id, "lion", group.id)
    with pytest.raises(ConflictError):
        await lake.call(labels.UPDATE_LABEL, label_id=cat.id, name="dog")
    sibling = await lake.version("v2", dataset=version.origin_id)
    elsewhere = await lake.call(labels.CREATE_LABEL_GROUP, version_id=sibling.id, name="pets")
    with pytest.raises(NotFoundError):
        await lake.call(labels.UPDATE_LABEL, label_id=cat.id, group_id=elsewhere.id)


async def test_groups_form_a_forest(lake: Stocked) -> None:
    version = await lake.version()
    animal = await lake.call(labels.CREATE_LABEL_GROUP, version_id=version.id, name="animal")
    pet = await lake.call(
        labels.CREATE_LABEL_GROUP, version_id=version.id, name="pet", parent_id=animal.id
    )
    assert pet.parent_id == animal.id
    assert await lake.call(labels.GET_LABEL_GROUP, group_id=pet.id) == pet
    listed = await lake.call(labels.LIST_LABEL_GROUPS, version_id=version.id)
    assert listed.items == [animal, pet]
    for parent in (pet, animal):
        with pytest.raises(BadRequestError, match="its own ancestor"):
            await lake.call(labels.UPDATE_LABEL_GROUP, group_id=animal.id, parent_id=parent.id)
    # The parent that it has already: the official client sends every link again.
    assert await lake.call(labels.UPDATE_LABEL_GROUP, group_id=pet.id, parent_id=animal.id) == pet
    with pytest.raises(ConflictError):
        await lake.call(labels.CREATE_LABEL_GROUP, version_id=version.id, name="pet")
    with pytest.raises(ConflictError):
        await lake.call(labels.UPDATE_LABEL_GROUP, group_id=pet.id, name="animal")
    with pytest.raises(NotFoundError):
        await lake.call(labels.GET_LABEL_GROUP, group_id=uuid4())
