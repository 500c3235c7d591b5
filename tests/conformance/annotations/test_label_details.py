"""Skeletons and kinds of attributes: what contradicts itself is refused by name."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from headrace.errors import BadRequestError
from headrace.model.enums import AttributeType
from headrace.protocol.operations import datasets, label_details
from headrace.protocol.operations.label_details import AttributeRecord, SkeletonRecord
from tests.support.lakes.stocked_lake import Filled


async def test_skeletons_are_kept_by_label_and_followed_by_forks(filled: Filled) -> None:
    a, b = (UUID(filled.labels[name]) for name in "ab")
    call = filled.lake.call
    body = {"vertices": ["head", "tail", "tail"], "edges": [(1, 2), (2, 3)]}
    await call(label_details.SET_SKELETON, label_id=b, **body)
    answer = await call(label_details.LIST_SKELETONS, version_id=filled.id)
    assert answer.items == {str(b): SkeletonRecord(**body)}
    assert await call(label_details.GET_SKELETON, label_id=a) == SkeletonRecord(
        vertices=[], edges=[]
    )
    version = await call(datasets.GET_VERSION, version_id=filled.id)
    fork = await call(
        datasets.FORK_VERSION,
        dataset_id=version.origin_id,
        parent_id=filled.id,
        version="fork",
        with_labels=True,
    )
    copied = await call(label_details.LIST_SKELETONS, version_id=fork.dataset_version.id)
    assert list(copied.items.values()) == [SkeletonRecord(**body)]
    await call(label_details.SET_SKELETON, label_id=b, vertices=[], edges=[])
    assert (await call(label_details.LIST_SKELETONS, version_id=filled.id)).items == {}


@pytest.mark.parametrize("edge", [(0, 1), (1, 3), (-1, 1)])
async def test_an_edge_joins_what_is_there(filled: Filled, edge: tuple[int, int]) -> None:
    label = {"label_id": UUID(filled.labels["a"])}
    with pytest.raises(BadRequestError, match="does not join two of the 2 vertices"):
        await filled.lake.call(
            label_details.SET_SKELETON, vertices=["x", "y"], edges=[(1, 2), edge], **label
        )
    assert (await filled.lake.call(label_details.GET_SKELETON, **label)).vertices == []


GOOD: list[dict[str, Any]] = [
    {"input_type": "STRING"},
    {"input_type": "STRING", "choices": ["a", "b"], "allow_multiple": True},
    {"input_type": "INTEGER", "choices": [1]},
    {"input_type": "INTEGER", "min": 0},
    {"input_type": "FLOAT", "min": 0.5, "max": 1},
    {"input_type": "BOOLEAN", "required": True, "display_name": "x" * 256},
    {"input_type": "BOOLEAN", "archived": True},
]
BAD: list[tuple[dict[str, Any], str]] = [
    ({"input_type": "STRING", "display_name": ""}, "display_name"),
    ({"input_type": "STRING", "display_name": "x" * 257}, "display_name"),
    ({"input_type": "STRING", "archived": True, "required": True}, "archived"),
    ({"input_type": "STRING", "allow_multiple": False}, "needs choices"),
    ({"input_type": "STRING", "choices": ["a"]}, "2 to 64"),
    ({"input_type": "INTEGER", "choices": list(range(65))}, "1 to 64"),
    ({"input_type": "INTEGER", "choices": []}, "1 to 64"),
    ({"input_type": "INTEGER", "choices": [1.5]}, "is not INTEGER"),
    ({"input_type": "INTEGER", "choices": [True]}, "is not INTEGER"),
    ({"input_type": "STRING", "choices": ["a", 1]}, "is not STRING"),
    ({"input_type": "STRING", "choices": ["a", "a"]}, "is given twice"),
    ({"input_type": "BOOLEAN", "choices": [True]}, "takes no choices"),
    ({"input_type": "FLOAT", "choices": [0.5], "min": 0}, "combined with min"),
    ({"input_type": "STRING", "min": 1}, "takes no min"),
    ({"input_type": "BOOLEAN", "max": 1}, "takes no min"),
    ({"input_type": "INTEGER", "min": 0.5}, "is not INTEGER"),
    ({"input_type": "FLOAT", "min": 1, "max": 1}, "less than"),
]


def record(fields: dict[str, Any]) -> AttributeRecord:
    kind = AttributeType(fields["input_type"])
    return AttributeRecord(**{"required": False, **fields, "input_type": kind})


@pytest.mark.parametrize("fields", GOOD)
async def test_good_attributes_come_back_as_they_are(
    filled: Filled, fields: dict[str, Any]
) -> None:
    kinds = {"näme": record(fields)}
    call, label = filled.lake.call, {"label_id": UUID(filled.labels["a"])}
    await call(label_details.SET_LABEL_ATTRIBUTES, attributes=kinds, **label)
    assert (await call(label_details.GET_LABEL_ATTRIBUTES, **label)).attributes == kinds
    await call(label_details.SET_LABEL_ATTRIBUTES, attributes=None, **label)
    assert (await call(label_details.GET_LABEL_ATTRIBUTES, **label)).attributes is None


@pytest.mark.parametrize(("fields", "words"), BAD)
async def test_what_contradicts_itself_is_refused(
    filled: Filled, fields: dict[str, Any], words: str
) -> None:
    call, version = filled.lake.call, {"version_id": filled.id}
    good = {"old": record(GOOD[0])}
    await call(label_details.SET_VERSION_ATTRIBUTES, attributes=good, **version)
    with pytest.raises(BadRequestError, match="'name'") as caught:
        await call(
            label_details.SET_VERSION_ATTRIBUTES,
            attributes={"fine": record(GOOD[0]), "name": record(fields)},
            **version,
        )
    assert words in str(caught.value)
    assert (await call(label_details.GET_VERSION_ATTRIBUTES, **version)).attributes == good
