"""Polygons that stay text until somebody looks, and the proof that they are polygons."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.formats import ReadOptions, WriteOptions, get
from headrace.formats.findings.collect import Findings
from headrace.formats.geometry.lazy_polygons import NO_RINGS, LazyPolygon, lazy_polygons
from headrace.model.sample import Sample
from headrace.model.shapes import Polygon


@pytest.mark.parametrize(
    "text", ["[[1,2,3,4,5,6]]", "[[ -1.5, 2,\n3, 0, 5, 6,7,8 ]]", "[[0.1,0,0,0,0,-0]]"]
)
def test_one_ring_of_plain_numbers_is_proved(text: str) -> None:
    ring = lazy_polygons([text.encode()])[0]
    assert isinstance(ring, LazyPolygon)
    assert ring == json.loads(text)
    assert (len(ring), ring[0], ring[:1], list(ring)) == (
        1,
        *[json.loads(text)[0], json.loads(text)],
        json.loads(text),
    )
    assert repr(ring) == repr(json.loads(text))


def test_so_are_several_rings() -> None:
    text = "[[1,2,3,4,5,6],[0, -1.5,2,2, 3,3,4,4],\n[1,1,2,1,2,2]]"
    rings = lazy_polygons([b"[]", text.encode()])[1]
    assert isinstance(rings, LazyPolygon)
    assert rings == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        "[ ]",
        "[[1,2,3,4]]",
        "[[1,2,3,4,5,6,7]]",
        "[[1,2,3,4,5,6],[1,2,3,4]]",
        "[[1,2,3,4,5,6],[1,2,3,4,5,6,7]]",
        "[[1,2,3,4,5,6],[]]",
        "[[1,2,3,4,5,6],7]",
        "[[1,2,3,4,5,6],[[1,2,3,4,5,6]]]",
        "[[1,2,3,4,5,6],null]",
        "[1,2,3,4,5,6]",
        "[[[1,2,3,4,5,6]]]",
        "[[1,2,3,4,5,[6]]]",
        '[["1",2,3,4,5,6]]',
        "[[1,2,3,4,5,null]]",
        "[[1,2,3,4,5,true]]",
        "[[1,2,3,4,5,1e999]]",
        '{"size":[1,2],"counts":"1"}',
        "[[1,2,3,4,5," + "9" * 2000 + "]]",
    ],
)
def test_anything_else_is_not(text: str) -> None:
    whole = b"[[1,2,3,4,5,6]]"
    assert lazy_polygons([whole, text.encode(), whole, b"[]", b"null"]) == [
        [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]],
        None,
        [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]],
        NO_RINGS,
        NO_RINGS,
    ]


def test_rings_are_what_they_stand_for() -> None:
    rings = [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]
    lazy = LazyPolygon(b"[[1,2,3,4,5,6]]")
    assert lazy == LazyPolygon(b"[[1.0,2,3,4,5,6]]") == rings
    assert Polygon(label="a", rings=rings) == Polygon(label="a", rings=lazy)  # type: ignore[arg-type]
    assert lazy != [[1.0]]


def read(path: Path, geometry: str) -> list[Sample]:
    findings = Findings("skip")
    options = ReadOptions(geometry=geometry)  # type: ignore[arg-type]
    with get("coco").open(path, options=options, findings=findings) as reader:
        found = [sample for batch in reader.batches() for sample in batch]
        findings.check()
        return found


def test_reading_as_text_finds_the_same(tmp_path: Path) -> None:
    polygon_texts = [
        [[1, 2, 3, 4, 5, 6]],
        [[1, 2, 3, 4, 5, 6], [0, 0, 1, 0, 1, 1]],
        [[1, 2, 3, 4, 5, 6, 7]],
        [1, 2, 3, 4, 5, 6],
        [],
        None,
        {},
        {"size": [5, 5], "counts": [25]},
        {"size": [5, 5], "counts": "~"},
        [[1, 2, 3, 4, 5, "x"]],
        "text",
    ]
    document = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 5, "height": 5}],
        "categories": [{"id": 1, "name": "a"}],
        "annotations": [
            {
                "id": n,
                "image_id": 1,
                "category_id": 1,
                "bbox": [0, 0, 1, 1],
                "area": 1,
                "segmentation": outline,
                "odd": n,
            }
            for n, outline in enumerate(polygon_texts)
        ],
    }
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(document))
    as_floats, as_text = read(path, "floats"), read(path, "raw")
    assert as_floats == as_text
    assert isinstance(as_text[0].shapes[0], Polygon)
    assert isinstance(as_text[0].shapes[0].rings, LazyPolygon)
    target = tmp_path / "again.json"
    with get("coco").create(target, [], options=WriteOptions(), findings=Findings()) as writer:
        writer.write(as_text)
    assert '"segmentation":[[1, 2, 3, 4, 5, 6]]' in target.read_text()
    assert [shape.label for sample in read(target, "floats") for shape in sample.shapes] == [
        "a"
    ] * len(as_text[0].shapes)
