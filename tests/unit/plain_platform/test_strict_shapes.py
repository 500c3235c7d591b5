"""Shapes are taken as the reference has them: whole pixels, known keys, keypoints whose visibility is whole."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.support.plain_platform.imports import BODY
from tests.support.plain_platform.kinds import WrongValueError
from tests.support.plain_platform.runs import area_and_box, runs_of
from tests.support.plain_platform.shape_kinds import GEOMETRY, created, imported

LABEL = {"label_id": str(uuid4())}
RIGHT: dict[str, dict[str, Any]] = {
    "rectangles": {"x": 1, "y": 2, "w": 3, "h": 4},
    "polygons": {"polygon": [[0, 0], [1, 0], [1, 1]]},
    "lines": {"line": [[0, 0], [1, 1]]},
    "points": {"point": [1, 2]},
    "classifications": {},
    "masks": {"mask": "04"},
    "keypoints": {"keypoints": [[1.5, 2, 2], [3, 4, 0]]},
    "tracks": {"start_frame_index": 0, "end_keyframes": [{"frame_index": 3}]},
}


@pytest.mark.parametrize("kind", RIGHT)
def test_what_is_right_passes(kind: str) -> None:
    if kind in GEOMETRY:
        created(kind).check({**LABEL, **RIGHT[kind]}, "it")
    if kind not in ("lines", "points"):
        imported(kind).check({**LABEL, **RIGHT[kind], "text": None, "attributes": {"a": 1}}, "it")


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("rectangles", {"x": 1.5}),
        ("rectangles", {"x": 1.0}),
        ("rectangles", {"score": 0.5}),
        ("polygons", {"polygon": [[0.5, 0], [1, 0]]}),
        ("polygons", {"instance": 1}),
        ("masks", {"bbox": [0, 0, 1, 1]}),
        ("keypoints", {"keypoints": [[1, 2, 2.0]]}),
        ("keypoints", {"keypoints": [[1, 2]]}),
        ("tracks", {"start_frame_index": 0.5}),
        ("classifications", {"label_id": "cat"}),
    ],
)
def test_what_is_wrong_is_refused(kind: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(WrongValueError):
        imported(kind).check({**LABEL, **RIGHT[kind], **wrong}, "it")


def test_an_import_takes_a_hundred_assets_and_no_lines() -> None:
    def body(count: int, **more: Any) -> dict[str, Any]:
        items = [{"asset_id": str(uuid4()), **more} for _ in range(count)]
        return {"import_type": "REPLACE", "annotations": items}

    BODY.check(body(100), "it")
    for wrong in (body(101), body(1, lines=[]), body(1, status="ACCEPTED")):
        with pytest.raises(WrongValueError):
            BODY.check(wrong, "it")


def test_runs_of_masks() -> None:
    assert runs_of("0P3`n2") == [0, 96, 3024]
    assert area_and_box("0P3`n2", 48) == (96, [0, 0, 2, 48])
    assert area_and_box("54", 3) == (4, [1, 0, 2, 3])
    for wrong in ("P", "\x10", "0O"):
        with pytest.raises(WrongValueError):
            runs_of(wrong)
