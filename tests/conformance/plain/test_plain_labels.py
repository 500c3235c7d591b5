"""Labels, groups, skeletons and attributes on a platform that is not headrace's."""

from __future__ import annotations

import pytest

from headrace.errors import ConflictError, NotFoundError
from headrace.sdk.version.dataset_version import DatasetVersion


async def test_labels_in_groups(version: DatasetVersion) -> None:
    cat = await version.create_label("cat")
    with pytest.raises(ConflictError):
        await version.create_label("cat")
    assert await version.get_or_create_label("cat") == cat
    dog = await version.get_or_create_label("dog")
    assert await version.list_labels() == [cat, dog]
    with pytest.raises(NotFoundError):
        await version.get_label("cta")
    animal = await version.create_label_group("animal")
    pet = await version.create_label_group("pet")
    await pet.set_parent(animal)
    await dog.set_group(pet)
    await dog.sync()
    assert (await dog.get_group(), await pet.get_parent()) == (pet, animal)
    assert await version.list_label_groups() == [animal, pet]
    await dog.update(name="hound")
    await animal.update(name="beast")
    await animal.sync()
    assert (await version.get_label("hound"), animal.name) == (dog, "beast")
    await pet.delete()
    await dog.sync()
    assert await dog.get_group() is None
    await dog.delete()
    assert await version.list_labels() == [cat]


async def test_skeletons_and_attributes(version: DatasetVersion) -> None:
    cat = await version.create_label("cat")
    assert (await cat.get_skeleton())["vertices"] == []
    await cat.set_skeleton(["nose", "tail"], [(1, 2)])
    skeleton = await cat.get_skeleton()
    assert skeleton["vertices"] == ["nose", "tail"]
    assert await version.get_skeletons() == {str(cat.id): skeleton}
    age = {"age": {"input_type": "INTEGER", "required": True, "min": 0, "max": 30}}
    await cat.set_attributes(age)
    found = await cat.get_attributes()
    assert (found or {})["age"]["max"] == 30
    await version.set_attributes({"weather": {"input_type": "STRING", "required": False}})
    assert await version.get_attributes() is not None
    await version.set_attributes(None)
    assert not await version.get_attributes()
