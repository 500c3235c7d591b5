"""Polygons of an import stay text where they are plain; whatever else a client sends is read as before."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import msgspec
import pytest

from headrace.errors import BadRequestError
from headrace.model.blob.unpack import unpack
from headrace.model.columns import ShapeKind
from headrace.platform.annotations.decode import prepare_annotations
from headrace.protocol.codec import decode_request
from headrace.protocol.operations.annotations import (
    IMPORT_ANNOTATIONS,
    ImportAnnotations,
    ImportItem,
    PolygonIn,
    PolygonText,
)

LABEL, OTHER = str(UUID(int=1)), str(UUID(int=2))
KEYS = {LABEL: 7, OTHER: 9}
VERSION = {"version_id": str(UUID(int=3))}

PLAIN = ["[[1,2],[3,4],[5,6]]", "[[ 1.5 , -2 ],[3,4.25]]", "[[1,2]]", "[[7,8]]"]
READ_AS_BEFORE = [
    "[[1e2,2],[3,4]]",
    '[["1","2.5"],[3,4]]',
    "[]",
    "[" + ",".join(["[1,2]"] * 3_000) + "]",
]
REFUSED = [
    "[[1,2,3]]",
    "[[1]]",
    "[1,2]",
    "[[]]",
    "[[[1,2]]]",
    '[["x",1]]',
    "[[1,null]]",
    "[[1,true]]",
    '"[[1,2]]"',
    "{}",
    "7",
    "[[1,2],[3]]",
    "[[1,2][3,4]]",
]  # fmt: skip


def body(*polygons: str, more: str = "") -> bytes:
    shapes = ",".join(f'{{"label_id":"{LABEL}","polygon":{text}}}' for text in polygons)
    return f'{{"annotations":[{{"asset_id":"a","polygons":[{shapes}]{more}}}]}}'.encode()


def read(content: bytes) -> ImportAnnotations:
    return decode_request(IMPORT_ANNOTATIONS, VERSION, [], content)


def slowly(content: bytes) -> list[ImportItem]:
    return msgspec.convert(json.loads(content)["annotations"], list[ImportItem], strict=False)


def stored(items: list[Any]) -> Any:
    (made,) = prepare_annotations(items, [1], KEYS, {})
    return unpack(made.blob), made.counts


@pytest.mark.parametrize("texts", [[each] for each in PLAIN] + [PLAIN])
def test_plain_polygons_stay_text(texts: list[str]) -> None:
    items = read(body(*texts)).annotations
    assert {type(each) for each in items[0].polygons} == {PolygonText}
    assert stored(items) == stored(slowly(body(*texts)))


@pytest.mark.parametrize("text", READ_AS_BEFORE)
def test_other_polygons_are_read_as_before(text: str) -> None:
    items = read(body("[[1,2]]", text)).annotations
    assert {type(each) for each in items[0].polygons} == {PolygonIn}
    assert stored(items) == stored(slowly(body("[[1,2]]", text)))


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_polygon_is_refused_by_its_place(text: str) -> None:
    with pytest.raises(
        BadRequestError,
        match=r"import_annotations: (annotations\[0\]\.polygons\[1\]\.polygon|the body)",
    ):
        read(body("[[1,2]]", text))


def test_polygons_beside_other_chains_become_points() -> None:
    line = f',"lines":[{{"label_id":"{OTHER}","line":[[1,2],[3,4.5]]}}]'
    content = body(*PLAIN, more=line)
    assert stored(read(content).annotations) == stored(slowly(content))
    (shapes, _) = stored(read(content).annotations)
    assert [group.kind for group in shapes.groups] == [ShapeKind.POLYGON, ShapeKind.LINE]


@pytest.mark.parametrize(("number", "fits"), [(2**53, True), (2**53 + 2, True), (2**53 + 1, False)])
def test_integers_that_floats_would_change_are_refused(number: int, fits: bool) -> None:
    items = read(body(f"[[{number},2],[3,4]]")).annotations
    if fits:
        assert stored(items)[0].groups[0].geometry[0][0][0] == number
    else:
        with pytest.raises(BadRequestError, match="asset a are invalid"):
            stored(items)
    with pytest.raises(BadRequestError, match="asset a are invalid"):
        stored(read(body(f"[[{'9' * 400},2]]")).annotations)


def test_boxes_that_a_client_gives_are_kept() -> None:
    content = body('[[1,2],[3,2],[3,4]],"bbox":[1,2,2,2]')
    (group,) = stored(read(content).annotations)[0].groups
    assert group.boxes == [(1, 2, 2, 2)]
