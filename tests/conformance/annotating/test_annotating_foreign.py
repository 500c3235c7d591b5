"""Every call of these rooms, made by another organization of the same lake: nothing is there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from headrace.errors import NotFoundError
from headrace.protocol.operation import Operation
from headrace.protocol.operations import (
    annotating,
    datasets,
    extended,
    label_details,
    shapes,
    users,
)
from headrace.protocol.operations.annotations import (
    ClassificationIn,
    LineIn,
    MaskIn,
    PointIn,
    PolygonIn,
    RectangleIn,
)
from tests.support.stocked_lake import Filled, Stocked, stranger

ROOMS = (annotating, shapes, label_details, extended, users)


async def calls(filled: Filled) -> list[tuple[Operation[Any, Any], dict[str, Any]]]:
    """One call of every operation that its owner may make."""
    label = filled.labels["a"]
    asset = {"asset_id": UUID(filled.assets[0])}
    made = await filled.lake.call(annotating.CREATE_ANNOTATION, **asset)
    annotation = {"annotation_id": made.id}
    drawn = {
        "rectangle": RectangleIn(label_id=label, x=1, y=1, w=1, h=1),
        "polygon": PolygonIn(label_id=label, polygon=[(0, 0), (1, 0), (1, 1)]),
        "line": LineIn(label_id=label, line=[(0, 0), (1, 1)]),
        "point": PointIn(label_id=label, point=(1, 1)),
        "classification": ClassificationIn(label_id=label),
        "mask": MaskIn(label_id=label, mask="P?5k`[9"),
    }
    found: list[tuple[Operation[Any, Any], dict[str, Any]]] = [
        (annotating.LIST_ANNOTATIONS, {"version_id": filled.id}),
        (annotating.LIST_ASSET_ANNOTATIONS, asset),
        (annotating.FIND_ANNOTATION, asset),
        (annotating.CREATE_ANNOTATION, asset),
        (annotating.GET_ANNOTATION, annotation),
        (annotating.UPDATE_ANNOTATION, {"duration": 3.0, **annotation}),
    ]
    for name, shape in drawn.items():
        room = vars(shapes)
        create = {f"{name}s": [shape], **annotation}
        answer = await filled.lake.call(room[f"CREATE_{name.upper()}S"], **create)
        one = {"shape_id": getattr(answer, f"{name}s")[0].id}
        found += [(room[f"CREATE_{name.upper()}S"], create)]
        found += [(room[f"LIST_{name.upper()}S"], annotation)]
        found += [(room[f"GET_{name.upper()}"], one)]
        if name != "mask":
            found += [(room[f"UPDATE_{name.upper()}"], {"text": "x", **one})]
        found += [(room[f"DELETE_{name.upper()}"], one)]
    of_label, of_version = {"label_id": UUID(label)}, {"version_id": filled.id}
    organization = {"organization_id": filled.lake.access.organization_id}
    version = await filled.lake.call(datasets.GET_VERSION, **of_version)
    dataset = {"dataset_id": version.origin_id}
    (me,) = (await filled.lake.call(users.LIST_ORGANIZATION_USERS, **organization)).users
    skeleton: dict[str, Any] = {"vertices": ["a"], "edges": []}
    return [
        *found,
        (extended.LIST_EXTENDED_ASSETS, of_version),
        (users.LIST_ORGANIZATION_USERS, organization),
        (users.LIST_DATASET_USERS, dataset),
        (users.ADD_DATASET_USER, {**dataset, "user_id": me.id}),
        (label_details.LIST_SKELETONS, of_version),
        (label_details.GET_SKELETON, of_label),
        (label_details.SET_SKELETON, {**of_label, **skeleton}),
        (label_details.GET_LABEL_ATTRIBUTES, of_label),
        (label_details.SET_LABEL_ATTRIBUTES, {**of_label, "attributes": {}}),
        (label_details.GET_VERSION_ATTRIBUTES, of_version),
        (label_details.SET_VERSION_ATTRIBUTES, {**of_version, "attributes": {}}),
        (annotating.SAVE_ANNOTATION, annotation),
        (annotating.DELETE_ANNOTATION, annotation),
        (annotating.DELETE_ANNOTATIONS, {"version_id": filled.id, "asset_ids": ["__all__"]}),
    ]


async def test_a_stranger_finds_nothing_and_changes_nothing(filled: Filled, lake: Stocked) -> None:
    made = await calls(filled)
    foreign = await stranger(lake)
    before = contents(lake)
    for operation, fields in made:
        with pytest.raises(NotFoundError):
            await foreign.call(operation, **fields)
    assert contents(lake) == before
    # The owner's very same calls are answered: what the stranger missed is there.
    for operation, fields in made:
        await lake.call(operation, **fields)


async def test_every_operation_of_the_rooms_is_walked(filled: Filled) -> None:
    walked = {operation.name for operation, _ in await calls(filled)}
    assert walked == {
        value.name
        for room in ROOMS
        for value in vars(room).values()
        if isinstance(value, Operation)
    }


def contents(lake: Stocked) -> dict[str, list[Any]]:
    tables = ("version", "label", "annotation", "content", "label_delta", "version_delta")
    with lake.raw() as connection:
        return {table: connection.execute(f"select * from {table}").fetchall() for table in tables}
