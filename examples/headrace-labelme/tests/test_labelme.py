"""LabelMe passes headrace's suite of formats, and what only LabelMe has is read and written as its users expect."""

from __future__ import annotations

import base64
import json
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from headrace import formats
from headrace.errors import LossyWriteError, ParseError
from headrace.formats import Severity
from headrace.model.sample import Sample
from headrace.model.shapes import Classification, Line, Point, Polygon, Rectangle
from headrace.testing.formats import FormatConformance


class TestConformance(FormatConformance):
    format = "labelme"

    def broken(self) -> dict[str, tuple[str, bytes]]:
        return {
            "no JSON": ("photos/000000.json", b'{"shapes": [}'),
            "a text for points": (
                "photos/000000.json",
                b'{"imagePath": "a.jpg", "shapes": [{"label": "cat", "points": "1, 2"}]}',
            ),
            "two corners": (
                "photos/000000.json",
                b'{"imagePath": "a.jpg", "shapes": [{"label": "cat", "points": [[1, 2], [3, 4]]}]}',
            ),
            "not UTF-8": ("photos/000000.json", b'{"imagePath": "\xff.jpg", "shapes": []}'),
        }


def shape(kind: str, points: Sequence[Sequence[float]], **more: Any) -> dict[str, Any]:
    """A shape in the spelling of LabelMe's own writer."""
    fields: dict[str, Any] = {"group_id": None, "description": "", "flags": {}, "mask": None}
    return {"label": "cat", "points": points, "shape_type": kind, **fields, **more}


def labelme_file(path: Path, *shapes: dict[str, Any], **more: Any) -> Path:
    """Write a file in the spelling of LabelMe's own writer."""
    content: dict[str, Any] = {
        "version": "5.4.1",
        "flags": {},
        "shapes": shapes,
        "imagePath": f"{path.stem}.jpg",
        "imageData": None,
        "imageHeight": 100,
        "imageWidth": 200,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content | more, ensure_ascii=False, indent=2), encoding="utf-8")
    return path


def only(path: Path, **options: Any) -> Sample:
    (sample,) = formats.read(path, "labelme", **options)
    return sample


def test_every_shape_of_labelme(tmp_path: Path) -> None:
    path = labelme_file(
        tmp_path / "a.json",
        shape("polygon", [[1, 2], [3, 4.5], [5, 6]], flags={"hard": True}, description="red"),
        shape("rectangle", [[30, 40], [10, 20]], group_id=3),
        shape("line", [[1, 2], [3, 4]]),
        shape("linestrip", [[1, 2], [3, 4], [5, 7]]),
        shape("point", [[1, 2]]),
        shape("points", [[1, 2], [3, 4]]),
        shape("oriented_rectangle", [[5, 0], [10, 5], [5, 10], [0, 5]]),
        shape("rectangle", [[0, 0], [9, 0], [9, 8], [0, 8]]),
        flags={"night": True, "rain": False},
    )
    sample = only(path)
    assert (sample.filename, sample.width, sample.height) == ("a.jpg", 200, 100)
    assert sample.shapes == [
        Polygon(label="cat", rings=[[1, 2, 3, 4.5, 5, 6]], attributes={"hard": True}, text="red"),
        Rectangle(label="cat", x=10, y=20, w=20, h=20, attributes={"group_id": 3}),
        Line(label="cat", points=[1, 2, 3, 4]),
        Line(label="cat", points=[1, 2, 3, 4, 5, 7]),
        Point(label="cat", x=1, y=2),
        Point(label="cat", x=1, y=2),
        Point(label="cat", x=3, y=4),
        Polygon(label="cat", rings=[[5, 0, 10, 5, 5, 10, 0, 5]]),
        Rectangle(label="cat", x=0, y=0, w=9, h=8),
        Classification(label="night"),
    ]


def test_circles_and_masks_are_declared_losses(tmp_path: Path) -> None:
    circle = shape("circle", [[50, 50], [60, 50]])
    mask = shape("mask", [[10, 10], [40, 30]], mask="iVBORw0KGgo=")
    path = labelme_file(tmp_path / "a.json", circle, mask)
    source = formats.read(path)
    (sample,) = source
    ring = sample.shapes[0]
    assert isinstance(ring, Polygon)
    assert len(ring.rings[0]) == 2 * 64
    assert (min(ring.rings[0][::2]), max(ring.rings[0][::2])) == (40, 60)
    assert sample.shapes[1] == Rectangle(label="cat", x=10, y=10, w=30, h=20)
    assert {(each.code, each.severity) for each in source.findings} == {
        ("LM02", Severity.LOSS),
        ("LM03", Severity.LOSS),
    }
    with pytest.raises(LossyWriteError, match="LM02"):
        only(path, strict=True)


def test_a_group_of_polygons_is_one_object(tmp_path: Path) -> None:
    one, two = [[1, 1], [5, 1], [5, 5]], [[11, 1], [15, 1], [15, 5]]
    path = labelme_file(
        tmp_path / "in" / "a.json",
        shape("polygon", one, group_id=4),
        shape("polygon", two, group_id=4),
        shape("polygon", two, group_id=4, label="dog"),
        shape("polygon", one),
    )
    rings = [each.rings for each in only(path).shapes if isinstance(each, Polygon)]
    assert [len(each) for each in rings] == [2, 1, 1]
    formats.write(formats.read(path), tmp_path / "out", "labelme")
    written = json.loads((tmp_path / "out" / "a.json").read_text())["shapes"]
    assert [each["group_id"] for each in written] == [0, 0, 4, None]
    assert only(tmp_path / "out").shapes == only(path).shapes


def test_images_elsewhere_and_names_of_windows(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "b.jpg").write_bytes(b"")
    labelme_file(tmp_path / "json" / "b.json", imagePath="..\\images\\b.jpg")
    labelme_file(tmp_path / "json" / "c.json", imagePath="C:\\Users\\me\\c.jpg")
    labelme_file(tmp_path / "json" / "d.json", imagePath="../../../etc/d.jpg")
    found = {each.filename: each.path for each in formats.read(tmp_path, "labelme")}
    assert found["images/b.jpg"] == "images/b.jpg"
    assert found["d.jpg"] is None
    assert all("C:" not in name for name in found)


def test_other_json_files_are_skipped_with_one_note(tmp_path: Path) -> None:
    labelme_file(tmp_path / "a.json", shape("point", [[1, 2]]))
    for name in ("coco", "notes"):
        (tmp_path / f"{name}.json").write_text('{"images": [], "annotations": []}')
    (tmp_path / "list.json").write_text("[1, 2]")
    source = formats.read(tmp_path, "labelme", strict=True)
    assert [each.filename for each in source] == ["a.jpg"]
    (note,) = source.findings
    assert (note.code, note.count, note.severity) == ("LM01", 3, Severity.NOTE)


def test_embedded_pictures_are_not_loaded(tmp_path: Path) -> None:
    picture = base64.b64encode(bytes(6_000_000)).decode()
    path = labelme_file(tmp_path / "a.json", shape("point", [[1, 2]]), imageData=picture)
    assert path.stat().st_size > 8_000_000
    only(path)
    tracemalloc.start()
    try:
        only(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_one_bad_file_can_be_skipped(tmp_path: Path) -> None:
    labelme_file(tmp_path / "a.json", shape("point", [[1, 2]]))
    (tmp_path / "b.json").write_text('{"shapes": [{"label": "cat", "points": 1}], "imagePath": ""}')
    with pytest.raises(ParseError, match=r"LM05.*\$\.shapes\[0\]\.points"):
        list(formats.read(tmp_path, "labelme"))
    source = formats.read(tmp_path, "labelme", on_error="skip")
    assert [each.filename for each in source] == ["a.jpg"]
    assert [(each.code, each.dropped_images) for each in source.findings] == [("LM05", 1)]
