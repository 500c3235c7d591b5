"""What the VOC writer puts on the disk."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from headrace.engine.convert.run import convert_blocking
from headrace.errors import ParseError
from headrace.formats import get
from headrace.formats.findings.collect import Findings
from headrace.formats.options import WriteOptions
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import AnyShape, Keypoints, Mask, Point, Polygon, Rectangle
from tests.support.data.formats import read


def box(x: float, y: float, w: float, h: float, label: str = "dog", **more: Any) -> Rectangle:
    return Rectangle(label=label, x=x, y=y, w=w, h=h, **more)


def image(filename: str, *shapes: AnyShape, **more: Any) -> Sample:
    return Sample(filename=filename, width=100, height=50, shapes=list(shapes), **more)


def write(
    target: Path,
    samples: Sequence[Sample],
    *,
    findings: Findings | None = None,
    labels: Sequence[str] = ("dog",),
    **options: Any,
) -> Findings:
    findings = Findings() if findings is None else findings
    declared = [LabelInfo(name=name) for name in labels]
    with get("voc").create(
        target, declared, options=WriteOptions(**options), findings=findings
    ) as writer:
        writer.write(samples)
    return findings


def files(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def parse(path: Path) -> ElementTree.Element:
    return ElementTree.fromstring(path.read_bytes())  # our own bytes, no foreign ones


def corners(path: Path) -> list[list[str]]:
    return [[each.text or "" for each in box] for box in parse(path).iter("bndbox")]


def test_v17_every_customary_tag_in_the_customary_order(tmp_path: Path) -> None:
    write(tmp_path / "out", [image("sub/a.b.jpg", box(1.5, 2, 10, 20))])
    root = parse(tmp_path / "out/Annotations/sub/a.b.xml")
    assert [each.tag for each in root] == [
        "folder", "filename", "path", "source", "size", "segmented", "object",
    ]  # fmt: skip
    assert root.findtext("filename") == "sub/a.b.jpg"
    assert [each.text for each in root.iterfind("size/*")] == ["100", "50", "3"]
    found = root.find("object")
    assert found is not None
    assert [each.tag for each in found] == [
        "name", "pose", "truncated", "difficult", "occluded", "bndbox",
    ]  # fmt: skip
    assert [each.text for each in found][1:5] == ["Unspecified", "0", "0", "0"]
    assert [(each.tag, each.text) for each in found.iterfind("bndbox/*")] == [
        ("xmin", "1.5"), ("ymin", "2"), ("xmax", "11.5"), ("ymax", "22"),
    ]  # fmt: skip


def test_v01_the_origin_is_the_callers_choice(tmp_path: Path) -> None:
    samples = [image("a.jpg", box(0, 0, 100, 50))]
    write(tmp_path / "zero", samples)
    write(tmp_path / "one", samples, voc_origin="one_inclusive")
    assert corners(tmp_path / "zero/Annotations/a.xml") == [["0", "0", "100", "50"]]
    assert corners(tmp_path / "one/Annotations/a.xml") == [["1", "1", "100", "50"]]


def test_v13_names_are_escaped(tmp_path: Path) -> None:
    nasty = "<a> & \"b\" 'c' v2.0 .0< \t\n\r ]]> é 日本"
    write(tmp_path / "out", [image("x & y.jpg", box(1, 1, 2, 2, nasty))])
    root = parse(tmp_path / "out/Annotations/x & y.xml")
    assert root.findtext("object/name") == nasty
    assert root.findtext("filename") == "x & y.jpg"


def test_v13_what_xml_cannot_hold_is_replaced_and_reported(tmp_path: Path) -> None:
    findings = write(tmp_path / "out", [image("a.jpg", box(1, 1, 2, 2, "a\x01\ud800b"))])
    assert parse(tmp_path / "out/Annotations/a.xml").findtext("object/name") == "a��b"
    assert {each.code for each in findings} == {"V13"}
    with pytest.raises(ParseError, match="V13"):
        write(
            tmp_path / "strict",
            [image("a.jpg", box(1, 1, 2, 2, "a\x01"))],
            findings=Findings(strict=True),
        )


def test_v07_polygons_with_their_box(tmp_path: Path) -> None:
    shape = Polygon(label="dog", rings=[[1, 1, 5.5, 1, 5.5, 4], [7, 7, 9, 7, 9, 9]])
    write(tmp_path / "out", [image("a.jpg", shape)])
    path = tmp_path / "out/Annotations/a.xml"
    rings = [[(each.tag, each.text) for each in ring] for ring in parse(path).iter("polygon")]
    assert rings[0] == [
        ("x1", "1"), ("y1", "1"), ("x2", "5.5"), ("y2", "1"), ("x3", "5.5"), ("y3", "4"),
    ]  # fmt: skip
    assert len(rings) == 2
    assert corners(path) == [["1", "1", "9", "9"]]


def test_v09_attributes(tmp_path: Path) -> None:
    shape = box(1, 1, 2, 2, attributes={"pose": "Left", "truncated": True, "a<b": 3}, iscrowd=True)
    write(tmp_path / "out", [image("a.jpg", shape, attributes={"weather": "rain"})])
    root = parse(tmp_path / "out/Annotations/a.xml")
    found = root.find("object")
    assert found is not None
    assert [found.findtext(tag) for tag in ("pose", "truncated", "occluded")] == ["Left", "1", "0"]
    assert [[each.text for each in one] for one in found.iterfind("attributes/attribute")] == [
        ["a<b", "3"],
        ["iscrowd", "1"],
    ]
    assert root.findtext("attributes/attribute/value") == "rain"


def test_v06_parts_lie_inside_their_object(tmp_path: Path) -> None:
    samples = [
        image(
            "a.jpg",
            box(0, 0, 50, 50, "person", id=7),
            box(1, 1, 5, 5, "head", attributes={"part_of": 7}),
            box(2, 2, 5, 5, "hand", attributes={"part_of": 99}),
        )
    ]
    findings = write(tmp_path / "out", samples)
    root = parse(tmp_path / "out/Annotations/a.xml")
    assert [each.findtext("name") for each in root.iterfind("object")] == ["person", "hand"]
    assert root.findtext("object/part/name") == "head"
    assert root.findtext("object/part/bndbox/xmax") == "6"
    written = findings.get("write")
    assert written is not None
    assert written.shapes_out == 3


def test_v15_splits_are_listed(tmp_path: Path) -> None:
    write(tmp_path / "out", [image("a.jpg"), image("s/b.jpg", split="val"), image("c.jpg")])
    lists = tmp_path / "out/ImageSets/Main"
    assert (lists / "train.txt").read_text() == "a\nc\n"
    assert (lists / "val.txt").read_text() == "s/b\n"


def test_v03_images_without_objects(tmp_path: Path) -> None:
    write(tmp_path / "out", [image("a.jpg")])
    assert corners(tmp_path / "out/Annotations/a.xml") == []
    findings = write(tmp_path / "none", [image("a.jpg")], background="none")
    assert files(tmp_path / "none") == {"labelmap.txt"}
    assert [each.dropped_images for each in findings] == [1]
    unlabelled = [image("a.jpg", annotated=False), image("a.png")]
    findings = write(tmp_path / "b", unlabelled, findings=Findings(strict=True))
    assert files(tmp_path / "b/Annotations") == {"a.xml"}
    assert [each.dropped_images for each in findings] == [1]


def test_v05_an_unknown_size_is_reported(tmp_path: Path) -> None:
    samples = [Sample(filename="a.jpg", shapes=[box(1, 1, 2, 2)])]
    findings = write(tmp_path / "out", samples)
    assert {each.code for each in findings} == {"V05"}
    with pytest.raises(ParseError, match="V05"):
        write(tmp_path / "b", samples, findings=Findings(strict=True))


def test_shapes_without_a_place_in_voc_are_counted(tmp_path: Path) -> None:
    shapes: list[AnyShape] = [
        Keypoints(label="dog", points=[10, 10, 2, 30, 20, 1, 0, 0, 0]),
        Mask(label="dog", counts="", height=50, width=100, bbox=(0, 0, 10, 10)),
        Point(label="dog", x=1, y=1),
        box(float("inf"), 0, 1, 1),
    ]
    findings = write(tmp_path / "out", [image("a.jpg", *shapes)])
    assert corners(tmp_path / "out/Annotations/a.xml") == [
        ["10", "10", "30", "20"],
        ["0", "0", "10", "10"],
    ]
    assert sum(each.dropped_shapes for each in findings) == 2


def test_equal_stems_get_a_number(tmp_path: Path) -> None:
    write(tmp_path / "out", [image("a.jpg"), image("a.png"), image("a.jpg")])
    names = {
        p: parse(tmp_path / "out" / p).findtext("filename")
        for p in files(tmp_path / "out")
        if p.endswith(".xml")
    }
    assert names == {
        "Annotations/a.xml": "a.jpg",
        "Annotations/a-2.xml": "a.png",
        "Annotations/a-3.xml": "a.jpg",
    }


@pytest.mark.parametrize(
    "name", ["../a.jpg", "/a.jpg", "C:\\a.jpg", "a/../../b.jpg", "nul.jpg", "a\0.jpg", "..\\a.jpg"]
)
@pytest.mark.parametrize("part", ["filename", "split"])
def test_s01_unsafe_names_write_nothing(tmp_path: Path, name: str, part: str) -> None:
    sample = image("a.jpg")
    setattr(sample, part, name)
    with pytest.raises(ParseError, match="S01"):
        write(tmp_path / "out", [sample])
    assert os.listdir(tmp_path) == []
    write(tmp_path / "out", [sample], findings=Findings("skip"))
    assert files(tmp_path) == {"out/labelmap.txt"}


def test_labels_and_their_order_stand_in_a_map(tmp_path: Path) -> None:
    labels = ["zebra", "a:b", "ant", "# x", " y", "u\0v"]
    samples = [
        image("a.jpg", box(1, 1, 5, 5, "ant"), box(1, 1, 5, 5, "a:b"), box(1, 1, 5, 5, "new"))
    ]
    findings = write(tmp_path / "out", samples, labels=labels)
    map_text = (tmp_path / "out/labelmap.txt").read_text()
    assert map_text.splitlines()[1:] == ["zebra:::", "ant:::", "u\ufffdv:::", "new:::"]
    lost = [each for each in findings if "labelmap.txt cannot contain" in each.message]
    assert [(each.code, each.count) for each in lost] == [("LOSS", 2)]
    assert {place.detail for place in lost[0].examples} == {"'# x'", "' y'"}
    source = read(tmp_path / "out", "voc")
    assert [label.name for label in source.labels] == ["zebra", "ant", "u\ufffdv", "new"]
    assert [shape.label for shape in source.shapes] == ["ant", "a:b", "new"]


def test_no_labels_no_map(tmp_path: Path) -> None:
    write(tmp_path / "out", [image("a.jpg")], labels=[])
    assert not (tmp_path / "out/labelmap.txt").exists()


def test_the_same_samples_give_the_same_bytes(tmp_path: Path) -> None:
    samples = [image(f"{i}.jpg", box(i / 7, i / 3, 5, 5)) for i in range(50)]
    for name in "ab":
        write(tmp_path / name, samples)
    for path in files(tmp_path / "a"):
        assert (tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes()


def test_for_detection_only_boxes_are_written(tmp_path: Path) -> None:
    shape = Polygon(label="dog", rings=[[1, 1, 5.5, 1, 5.5, 4]])
    findings = write(tmp_path / "out", [image("a.jpg", shape)], task="detect")
    root = parse(tmp_path / "out/Annotations/a.xml")
    assert root.find("object/polygon") is None
    assert corners(tmp_path / "out/Annotations/a.xml") == [["1", "1", "5.5", "4"]]
    assert [each.code for each in findings] == ["LOSS"]


def test_clip_cuts_at_the_edge_and_counts_what_lies_outside(tmp_path: Path) -> None:
    shapes = [box(-10, 0, 30, 10), box(200, 0, 5, 5), box(1, 1, 2, 2, id=4)]
    findings = write(tmp_path / "out", [image("a.jpg", *shapes)], clip=True)
    assert corners(tmp_path / "out/Annotations/a.xml") == [
        ["0", "0", "20", "10"],
        ["1", "1", "3", "3"],
    ]
    assert sum(each.dropped_shapes for each in findings) == 1


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_none_are_never_written(tmp_path: Path, bad: float) -> None:
    shapes: list[AnyShape] = [
        box(1, 1, 1, bad),
        box(bad, 1, 1, 1),
        Polygon(label="dog", rings=[[1, 1, 5, 1, bad, 4]], bbox=(1, 1, 4, 4)),
        box(1e308, 1e308, 1, 1),
    ]
    findings = write(tmp_path / "out", [image("a.jpg", *shapes)])
    assert corners(tmp_path / "out/Annotations/a.xml") == [["1e+308", "1e+308"] * 2]
    assert sum(each.dropped_shapes for each in findings) == 3


def test_actions_and_points_have_tags_of_their_own(tmp_path: Path) -> None:
    said = {"actions": {"jumping": True, "other": False}, "point": [1, 2.5], "other": {"a": 1}}
    write(tmp_path / "out", [image("a.jpg", box(1, 1, 2, 2, attributes=said))])
    found = parse(tmp_path / "out/Annotations/a.xml").find("object")
    assert found is not None
    assert [(each.tag, each.text) for each in found.iterfind("actions/*")] == [
        ("jumping", "1"),
        ("other", "0"),
    ]
    assert [each.text for each in found.iterfind("point/*")] == ["1", "2.5"]
    assert found.findtext("attributes/attribute/value") == '{"a":1}'


def test_tags_that_follow_from_the_name_are_nothing_of_their_own(tmp_path: Path) -> None:
    write(tmp_path / "out", [image("sub/a.jpg", box(1, 2, 10, 20)), image("b.jpg")])
    samples = read(tmp_path / "out", "voc").samples
    assert [each.extra for each in samples] == [None, None]
    other = tmp_path / "out/Annotations/b.xml"
    other.write_text(other.read_text().replace("<path>b.jpg", "<path>/home/me/b.jpg"))
    samples = read(tmp_path / "out", "voc").samples
    assert {each.filename: each.extra for each in samples}["b.jpg"] == {
        "voc": {"path": "/home/me/b.jpg"}
    }


def test_the_example_of_a_loss_is_an_image_that_has_it(tmp_path: Path) -> None:
    samples = [
        image("a.jpg", box(1, 2, 10, 20)),
        image("b.jpg"),
        image("c.jpg", box(1, 2, 10, 20), box(3, 4, 5, 6, score=0.5)),
        image("d.jpg", attributes={"weather": "rain"}),
    ]
    findings = write(tmp_path / "out", samples)
    examples = {each.message: [place.path for place in each.examples] for each in findings}
    assert examples["not written: the score"] == ["c.jpg"]


def test_the_example_of_a_loss_in_a_table_of_boxes_is_an_image_that_has_it(tmp_path: Path) -> None:
    boxes = [
        {"id": number, "image_id": number // 3, "category_id": 1, "bbox": [1, 2, 3, 4]}
        for number in range(9)
    ]
    boxes[7]["score"] = 0.5
    document = {
        "images": [
            {"id": number, "file_name": f"{number}.jpg", "width": 9, "height": 9}
            for number in range(3)
        ],
        "annotations": boxes,
        "categories": [{"id": 1, "name": "dog"}],
    }
    (tmp_path / "in.json").write_text(json.dumps(document))
    report = convert_blocking(tmp_path / "in.json", tmp_path / "out", to="voc")
    (score,) = [each for each in report.findings if each.message == "not written: the score"]
    assert [place.path for place in score.examples] == ["2.jpg"]
