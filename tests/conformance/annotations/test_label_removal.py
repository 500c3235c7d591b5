"""A label goes with all its shapes, in ranges, also where forks share them and others draw meanwhile."""

from __future__ import annotations

from uuid import UUID

import pytest

from headrace.errors import ConflictError, NotFoundError
from headrace.platform.labels import delete as label_removal
from headrace.platform.labels import rewrite
from headrace.protocol.operations import datasets, labels, shapes
from headrace.protocol.operations.annotations import ImportItem, PolygonIn, RectangleIn
from tests.support.lakes.stocked_lake import Filled, Stocked

RING = [(i / 7, i / 3) for i in range(60)]  # too large for the annotation's own row


async def drawn(lake: Stocked, count: int) -> Filled:
    """Each asset has two boxes, a and b, and every third one a large polygon c."""
    filled = await lake.filled(count)
    await filled.send(
        *(
            ImportItem(
                asset_id=asset,
                rectangles=[
                    RectangleIn(label_id=filled.labels[name], x=number, y=1, w=2, h=3)
                    for name in "ab"
                ],
                polygons=[PolygonIn(label_id=filled.labels["c"], polygon=RING)] * (number % 3 == 0),
            )
            for number, asset in enumerate(filled.assets)
        )
    )
    return filled


async def delete(filled: Filled, name: str) -> None:
    await filled.lake.call(labels.DELETE_LABEL, label_id=UUID(filled.labels[name]))


async def test_all_its_shapes_go_and_no_others(
    lake: Stocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewrite, "RANGE", 7)
    filled = await drawn(lake, 30)
    await delete(filled, "a")
    stats = await filled.stats()
    assert (stats.label_repartition, stats.nb_annotations) == ({"b": 30, "c": 10}, 30)
    loaded = await filled.load()
    assert [[box.label for box in found.rectangles] for found in loaded] == [["b"]] * 30
    await delete(filled, "c")
    stats = await filled.stats()
    assert (stats.label_repartition, stats.nb_annotations) == ({"b": 30}, 30)
    assert all(found.polygons == [] for found in await filled.load())
    with lake.raw() as connection:
        assert connection.execute("select count(*) from content").fetchone() == (0,)
    with pytest.raises(NotFoundError):
        await delete(filled, "a")
    left = await lake.call(labels.LIST_LABELS, version_id=filled.id)
    assert [label.name for label in left.items] == ["b"]


async def test_ids_of_other_shapes_stay(lake: Stocked) -> None:
    filled = await drawn(lake, 1)
    (annotation,) = await filled.ids()
    before = await lake.call(shapes.RECTANGLES.list, annotation_id=annotation)
    await delete(filled, "a")
    after = await lake.call(shapes.RECTANGLES.list, annotation_id=annotation)
    assert after.items == before.items[1:]


async def test_a_label_made_again_is_another_one(lake: Stocked) -> None:
    """Also where a sibling version still has the first one's key for the name."""
    filled = await drawn(lake, 2)
    found = await lake.call(datasets.GET_VERSION, version_id=filled.id)
    sibling = await lake.version("sibling", dataset=found.origin_id)
    (shared,) = await lake.call(labels.ENSURE_LABELS, version_id=sibling.id, names=["a"])
    await delete(filled, "a")
    (again,) = await lake.call(labels.ENSURE_LABELS, version_id=filled.id, names=["a"])
    assert str(again.id) != filled.labels["a"]
    assert (await lake.call(labels.GET_LABEL, label_id=shared.id)).name == "a"
    with pytest.raises(NotFoundError):
        await lake.call(labels.GET_LABEL, label_id=UUID(filled.labels["a"]))


async def test_a_fork_keeps_what_its_parent_loses(lake: Stocked) -> None:
    filled = await drawn(lake, 6)
    found = await lake.call(datasets.GET_VERSION, version_id=filled.id)
    fork = await lake.call(
        datasets.FORK_VERSION,
        dataset_id=found.origin_id,
        parent_id=filled.id,
        version="fork",
        with_annotations=True,
    )
    copy = Filled(lake, fork.dataset_version.id, filled.data, [], {})
    while (await copy.stats()).nb_annotations != 6:
        await lake.call(datasets.GET_VERSION, version_id=copy.id)
    while True:
        try:
            await delete(filled, "c")
            break
        except ConflictError:  # the fork's job has not ended yet
            continue
    assert (await filled.stats()).label_repartition == {"a": 6, "b": 6}
    assert (await copy.stats()).label_repartition == {"a": 6, "b": 6, "c": 2}
    assert sum(len(found.polygons) for found in await copy.load()) == 2


async def test_a_job_that_uses_labels_keeps_them(lake: Stocked) -> None:
    filled = await drawn(lake, 2)
    with lake.raw() as connection:
        (number,) = connection.execute("select no from version").fetchone()
        connection.execute(
            "insert into job (no, organization, wire, kind, subject, spec, state, cancel, done,"
            " created, updated, owner, lease) values (99, 1, 1, 'COPY', 77,"
            f" '{{\"source\":{number}}}', 'RUNNING', 0, 0, 1, 1, 'x', 99999999999999)"
        )
    with pytest.raises(ConflictError, match="copy"):
        await delete(filled, "a")
    assert (await filled.stats()).label_repartition["a"] == 2


async def test_an_import_that_was_prepared_before_brings_no_label_back(
    lake: Stocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled = await drawn(lake, 2)
    from headrace.platform.annotations.imports import handler as imports

    prepare = imports._prepare

    async def slow(*arguments: object) -> object:
        made = await prepare(*arguments)  # type: ignore[arg-type]
        await delete(filled, "a")
        return made

    monkeypatch.setattr(imports, "_prepare", slow)
    with pytest.raises(NotFoundError, match="deleted meanwhile"):
        await filled.send(filled.item(0, 1))
    assert (await filled.stats()).label_repartition == {"b": 2, "c": 1}


async def test_a_group_goes_and_leaves_its_labels_and_groups(lake: Stocked) -> None:
    filled = await lake.filled(1)
    place = {"version_id": filled.id}
    top = await lake.call(labels.CREATE_LABEL_GROUP, name="top", **place)
    middle = await lake.call(labels.CREATE_LABEL_GROUP, name="middle", parent_id=top.id, **place)
    low = await lake.call(labels.CREATE_LABEL_GROUP, name="low", parent_id=middle.id, **place)
    await lake.call(labels.UPDATE_LABEL, label_id=UUID(filled.labels["a"]), group_id=middle.id)
    await lake.call(labels.DELETE_LABEL_GROUP, group_id=middle.id)
    assert (await lake.call(labels.GET_LABEL, label_id=UUID(filled.labels["a"]))).group_id is None
    groups = (await lake.call(labels.LIST_LABEL_GROUPS, **place)).items
    assert {group.id: group.parent_id for group in groups} == {top.id: None, low.id: None}
    again = await lake.call(labels.CREATE_LABEL_GROUP, name="middle", **place)
    assert again.id != middle.id


async def test_what_was_drawn_meanwhile_goes_too(
    lake: Stocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another import writes after the walk over the annotations and before the label is dropped."""
    filled = await drawn(lake, 3)
    rewrite_all, drew = rewrite.rewrite_all, []

    async def interrupted(*arguments: object) -> None:
        await rewrite_all(*arguments)  # type: ignore[arg-type]
        if not drew:
            drew.append(await filled.send(filled.item(0, 5), mode="CONCATENATE"))

    monkeypatch.setattr(label_removal, "rewrite_all", interrupted)
    await delete(filled, "a")
    assert drew
    assert (await filled.stats()).label_repartition == {"b": 3, "c": 1}
    assert all(box.label == "b" for found in await filled.load() for box in found.rectangles)
