"""Rows V01 to V17 of the conformance table: what a reader must take, mend, report or refuse."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from headrace.errors import ParseError
from headrace.formats import WriteOptions, get
from headrace.formats.findings.collect import Findings
from headrace.model.sample import Sample
from headrace.model.shapes import AnyShape, Polygon, Rectangle
from tests.support.data.formats import Reading, fails, lay_out, numbers, samples, strict_fails
from tests.support.data.formats import read as read_any

SIZE = "<size><width>100</width><height>50</height><depth>3</depth></size>"
BOX = "<bndbox><xmin>10</xmin><ymin>5</ymin><xmax>30</xmax><ymax>25</ymax></bndbox>"
DOG = f"<object><name>dog</name>{BOX}</object>"


def read(path: Path, **options: Any) -> Reading:
    return read_any(path, "voc", **options)


def xml(body: str = DOG, *, filename: str = "x.jpg", size: str = SIZE) -> str:
    return f"<annotation><filename>{filename}</filename>{size}{body}</annotation>"


def dataset(root: Path, body: str = DOG, **more: str) -> Path:
    return lay_out(root, {"Annotations/x.xml": xml(body, **more)})


def box(x1: Any, y1: Any, x2: Any, y2: Any, name: str = "dog", more: str = "") -> str:
    return (
        f"<object><name>{name}</name><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin>"
        f"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox>{more}</object>"
    )


def write(target: Path, *shapes: AnyShape, **options: Any) -> None:
    sample = Sample(filename="x.jpg", width=100, height=50, shapes=list(shapes))
    writer = get("voc").create(target, [], options=WriteOptions(**options), findings=Findings())
    with writer:
        writer.write([sample])


@pytest.mark.parametrize(
    ("origin", "expected"), [("zero", [1, 1, 99, 49]), ("one_inclusive", [0, 0, 100, 50])]
)
def test_v01_both_conventions(tmp_path: Path, origin: Any, expected: list[float]) -> None:
    root = dataset(tmp_path, box(1, 1, 100, 50))
    for strict in (False, True):
        found = read(root, strict=strict, voc_origin=origin)
        assert numbers(found.shapes[0]) == expected


@pytest.mark.parametrize("origin", ["zero", "one_inclusive"])
def test_v01_round_trip_is_exact_in_each(tmp_path: Path, origin: Any) -> None:
    shapes = [
        Rectangle(label="a", x=x, y=y, w=w, h=h)
        for x, y, w, h in [(0, 0, 100, 50), (3, 4, 1, 1), (1.5, 2.25, 10.5, 3), (0, 0, 0, 0)]
    ]
    write(tmp_path / "out", *shapes, voc_origin=origin)
    found = read(tmp_path / "out", voc_origin=origin, strict=True)
    assert [numbers(shape) for shape in found.shapes] == [numbers(shape) for shape in shapes]


def test_v01_signs_of_the_other_convention_are_reported(tmp_path: Path) -> None:
    ones = dataset(tmp_path / "ones", box(1, 1, 100, 50) + box(5, 5, 9, 9))
    assert read(ones, strict=True).codes == {"V01"}
    zeros = dataset(tmp_path / "zeros", box(0, 3, 100, 50))
    assert read(zeros, strict=True).codes == set()
    assert read(zeros, voc_origin="one_inclusive").codes == {"V01"}
    strict_fails(zeros, "voc", "V01", voc_origin="one_inclusive")


@pytest.mark.parametrize("text", ["10.5", "1.05e1", "+10.5", " 10.5\n", "010.50", "105e-1"])
def test_v02_numbers_of_every_spelling(tmp_path: Path, text: str) -> None:
    root = dataset(tmp_path, box(text, 5, 30, 25))
    for strict in (False, True):
        assert numbers(read(root, strict=strict).shapes[0]) == [10.5, 5, 19.5, 20]


@pytest.mark.parametrize(
    "text", ["", "x", "nan", "inf", "1e999", "1_0", "0x1", "1.2.3", "--1", "٣"]
)
def test_v02_what_is_no_number_is_an_error(tmp_path: Path, text: str) -> None:
    root = dataset(tmp_path, box(text, 5, 30, 25) + DOG)
    assert "V02" in str(fails(root, "voc"))
    strict_fails(root, "voc", "V02")
    found = read(root, on_error="skip")
    assert len(found.shapes) == 1
    assert [finding.dropped_shapes for finding in found.findings] == [1]


@pytest.mark.parametrize("count", [0, 1, 5])
def test_v03_any_number_of_objects(tmp_path: Path, count: int) -> None:
    root = dataset(tmp_path, DOG * count)
    for strict in (False, True):
        found = read(root, strict=strict)
        assert len(found.shapes) == count
        assert found.samples[0].annotated


FLAGS = [
    ("", {}),
    ("<truncated/><difficult/><occluded/><pose/>", {}),
    ("<pose>Unspecified</pose><truncated>Unspecified</truncated>", {}),
    ("<truncated>0</truncated><difficult>1</difficult>", {"truncated": False, "difficult": True}),
    (
        "<occluded>true</occluded><truncated>False</truncated>",
        {"occluded": True, "truncated": False},
    ),
    ("<pose>Frontal</pose>", {"pose": "Frontal"}),
    ("<truncated>partly</truncated>", {"truncated": "partly"}),
]


@pytest.mark.parametrize(("tags", "attributes"), FLAGS)
@pytest.mark.parametrize("order", ["before", "after"])
def test_v04_flags_have_three_states(
    tmp_path: Path, tags: str, attributes: dict[str, Any], order: str
) -> None:
    inside = f"{tags}{BOX}" if order == "before" else f"{BOX}{tags}"
    root = dataset(tmp_path, f"<object><name>dog</name>{inside}</object>")
    for strict in (False, True):
        assert (read(root, strict=strict).shapes[0].attributes or {}) == attributes


@pytest.mark.parametrize(
    "size",
    [
        "",
        "<size/>",
        "<size><width>0</width><height>0</height></size>",
        "<size><width>x</width><height>50</height></size>",
        "<size><width></width><height/></size>",
    ],
)
def test_v05_a_missing_size_comes_from_the_image(tmp_path: Path, size: str) -> None:
    root = dataset(tmp_path, size=size)
    found = read(root)
    assert (found.samples[0].width, found.samples[0].height) == (None, None)
    assert found.codes == {"V05"}
    strict_fails(root, "voc", "V05")
    lay_out(root, {"JPEGImages/x.jpg": (100, 50)})
    for strict in (False, True):
        found = read(root, strict=strict)
        assert (found.samples[0].width, found.samples[0].height) == (100, 50)
    lay_out(tmp_path, {"media/x.jpg": (70, 40)})
    assert read(root, images=tmp_path / "media").samples[0].width == 70


def test_v05_no_depth_is_no_matter(tmp_path: Path) -> None:
    root = dataset(tmp_path, size="<size><height>50</height><width>100</width></size>")
    assert read(root, strict=True).samples[0].width == 100


def test_v06_parts_belong_to_their_object(tmp_path: Path) -> None:
    part = "<part><name>head</name><bndbox><xmin>1.5</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></part>"
    root = dataset(tmp_path, f"{DOG}<object><name>person</name>{part}{BOX}{part}</object>")
    for strict in (False, True):
        found = read(root, strict=strict)
        assert [shape.label for shape in found.shapes] == ["dog", "person", "head", "head"]
        assert numbers(found.shapes[1]) == [10, 5, 20, 20]
        assert numbers(found.shapes[2]) == [1.5, 2, 1.5, 2]
        assert found.shapes[2].attributes == {"part_of": found.shapes[1].id}
        assert found.names == ["dog", "person", "head"]
    broken = dataset(
        tmp_path / "b", f"<object><name>p</name>{BOX}<part><name>h</name></part></object>"
    )
    assert read(broken).codes == {"V06"}
    strict_fails(broken, "voc", "V06")


RING = "<x1>1</x1><y1>2</y1><x2>5.5</x2><y2>2</y2><x3>5.5</x3><y3>9</y3>"
POINTS = "<pt><x>1</x><y>2</y></pt><pt><x>5.5</x><y>2</y></pt><pt><x>5.5</x><y>9</y></pt>"
MIXED = "<y3>9</y3><x1>1</x1><x2>5.5</x2><y1>2</y1><y2>2</y2><x3>5.5</x3>"


@pytest.mark.parametrize("spelled", [RING, POINTS, MIXED])
@pytest.mark.parametrize("bndbox", ["", BOX])
def test_v07_polygons_in_both_spellings(tmp_path: Path, spelled: str, bndbox: str) -> None:
    body = f"<object><name>dog</name>{bndbox}<polygon>{spelled}</polygon></object>"
    root = dataset(tmp_path, body)
    for strict in (False, True):
        (shape,) = read(root, strict=strict).shapes
        assert isinstance(shape, Polygon)
        assert shape.rings == [[1, 2, 5.5, 2, 5.5, 9]]
        assert shape.bbox == ((10, 5, 20, 20) if bndbox else None)


@pytest.mark.parametrize("spelled", ["<x1>1</x1><y1>1</y1>", RING + "<x4>1</x4>", "", "<a>1</a>"])
def test_v07_polygons_that_are_none(tmp_path: Path, spelled: str) -> None:
    root = dataset(tmp_path, f"<object><name>dog</name>{BOX}<polygon>{spelled}</polygon></object>")
    found = read(root)
    assert isinstance(found.shapes[0], Rectangle)
    assert found.codes == {"V07"}
    strict_fails(root, "voc", "V07")


def test_v07_rings_round_trip(tmp_path: Path) -> None:
    shape = Polygon(label="a", rings=[[1, 1, 5.5, 1, 5.5, 4], [7, 7, 9, 7, 9, 9]])
    given = Polygon(label="a", rings=[[1, 1, 5, 1, 5, 4]], bbox=(0, 0, 9, 9))
    write(tmp_path / "out", shape, given)
    back = read(tmp_path / "out", strict=True).shapes
    assert [(one.rings, one.bbox) for one in back] == [
        (shape.rings, None),
        (given.rings, given.bbox),
    ]


def test_v08_segmented_is_kept_and_masks_are_reported(tmp_path: Path) -> None:
    root = dataset(tmp_path, f"<segmented>1</segmented>{DOG}")
    assert read(root, strict=True).samples[0].extra == {"voc": {"segmented": "1"}}
    (root / "SegmentationClass").mkdir()
    for strict in (False, True):
        assert read(root, strict=strict).codes == {"V08"}


def test_v09_what_else_an_object_says(tmp_path: Path) -> None:
    body = (
        "<folder>f</folder><path>/etc/passwd</path><source><database>D</database></source>"
        f"<object><name>dog</name>{BOX}<attributes><attribute><name>colour</name><value>red &amp; blue"
        "</value></attribute></attributes><actions><jumping>1</jumping><other>0</other></actions>"
        "<point><x>3</x><y>4.5</y></point><deleted>0</deleted></object>"
    )
    root = dataset(tmp_path, body)
    for strict in (False, True):
        found = read(root, strict=strict)
        assert found.shapes[0].attributes == {
            "colour": "red & blue",
            "actions": {"jumping": True, "other": False},
            "point": [3, 4.5],
            "deleted": "0",
        }
        assert found.samples[0].extra == {
            "voc": {"folder": "f", "path": "/etc/passwd", "source": {"database": "D"}}
        }
    assert read(root, keep_extra=False).samples[0].extra is None


def test_v10_names(tmp_path: Path) -> None:
    assert read(dataset(tmp_path / "a")).samples[0].filename == "x.jpg"
    no_name = lay_out(tmp_path / "b", {"x.xml": f"<annotation>{SIZE}{DOG}</annotation>"})
    found = read(no_name)
    assert (found.samples[0].filename, found.codes) == ("x", {"V10"})
    strict_fails(no_name, "voc", "V10")
    lay_out(no_name, {"x.PNG": (1, 1)})
    assert read(no_name).samples[0].filename == "x.PNG"


def test_v10_without_a_suffix(tmp_path: Path) -> None:
    root = dataset(tmp_path, filename="x")
    assert read(root, strict=True).samples[0].filename == "x"
    lay_out(root, {"JPEGImages/x.jpeg": (1, 1)})
    assert read(root, strict=True).samples[0].filename == "x.jpeg"


def test_v10_another_name_than_the_files(tmp_path: Path) -> None:
    root = dataset(tmp_path, filename="y.jpg")
    assert read(root).samples[0].filename == "y.jpg"
    assert read(root).codes == {"V10"}
    strict_fails(root, "voc", "V10")
    lay_out(root, {"JPEGImages/x.jpg": (1, 1)})
    assert read(root).samples[0].filename == "x.jpg"
    lay_out(root, {"JPEGImages/y.jpg": (1, 1)})
    assert read(root).samples[0].filename == "y.jpg"


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("x.jpg", "sub/x.jpg"),
        ("sub/x.jpg", "sub/x.jpg"),
        ("sub\\x.jpg", "sub/x.jpg"),
        ("/home/me/x.jpg", "sub/x.jpg"),
        ("C:\\data\\x.jpg", "sub/x.jpg"),
    ],
)
def test_v10_folders(tmp_path: Path, filename: str, expected: str) -> None:
    root = lay_out(tmp_path, {"Annotations/sub/x.xml": xml(filename=filename)})
    for strict in (False, True):
        assert read(root, strict=strict).samples[0].filename == expected


def test_v11_any_order_and_a_namespace(tmp_path: Path) -> None:
    body = f"<object>{BOX}<name>dog</name></object>{SIZE}<filename>x.jpg</filename>"
    for name, text in {
        "order": f"<annotation>{body}</annotation>",
        "namespace": f'<annotation xmlns="http://x/y">{body}</annotation>',
        "prefix": f'<v:annotation xmlns:v="u">{body}</v:annotation>',
        "attribute": f'<annotation verified="yes">{body}</annotation>',
        "comment": f"<!-- hi --><annotation><!-- <object/> -->{body}</annotation>",
        "cdata": f"<annotation>{body.replace('dog', '<![CDATA[dog]]>')}</annotation>",
        "spaced": f"\ufeff<annotation>\r\n\t{body}\r\n</annotation>\r\n",
        "laid out": f"<annotation>{body.replace('dog', chr(10) + '   dog' + chr(10))}</annotation>",
    }.items():
        root = lay_out(tmp_path / name, {"Annotations/x.xml": text})
        for strict in (False, True):
            found = read(root, strict=strict)
            assert [shape.label for shape in found.shapes] == ["dog"], name
            assert (found.samples[0].filename, found.samples[0].width) == ("x.jpg", 100), name
            assert found.names == ["dog"], name


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "utf-16", "utf-8-sig", "ascii"])
@pytest.mark.parametrize("declared", [True, False])
def test_v11_encodings(tmp_path: Path, encoding: str, declared: bool) -> None:
    label = "dog" if encoding == "ascii" else "größe"
    named = "utf-8" if encoding == "utf-8-sig" else encoding
    head = f'<?xml version="1.0" encoding="{named}"?>\n' if declared else ""
    text = head + xml(DOG.replace("dog", label))
    root = lay_out(tmp_path, {"Annotations/x.xml": text.encode(encoding)})
    if encoding == "iso-8859-1" and not declared:
        assert "V11" in str(fails(root, "voc"))
        assert read(root, on_error="skip").samples == []
        return
    for strict in (False, True):
        found = read(root, strict=strict)
        assert [shape.label for shape in found.shapes] == [label]
        assert found.names == [label]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    "text", ["", "<", "<annotation>", xml() + "x", xml("<a></b>"), xml("&nope;"), xml("\x01")]
)
def test_v11_broken_files(tmp_path: Path, strict: bool, text: str) -> None:
    root = lay_out(
        tmp_path, {"Annotations/x.xml": text, "Annotations/y.xml": xml(filename="y.jpg")}
    )
    error = fails(root, "voc", strict=strict)
    assert isinstance(error, ParseError)
    assert "x.xml" in str(error)
    found = read(root, on_error="skip")
    assert [one.filename for one in found.samples] == ["y.jpg"]
    assert [finding.dropped_images for finding in found.of("V11")] == [1]


def test_v11_other_xml_is_passed_over(tmp_path: Path) -> None:
    root = lay_out(dataset(tmp_path), {"Annotations/config.xml": "<View><x/></View>"})
    assert [finding.severity.name for finding in read(root, strict=True).of("V11")] == ["NOTE"]
    alone = lay_out(tmp_path / "alone", {"config.xml": "<View/>"})
    assert "not a VOC annotation" in str(fails(alone / "config.xml", "voc"))
    assert isinstance(fails(alone, "voc"), ParseError)


def test_v12_odd_boxes(tmp_path: Path) -> None:
    root = dataset(tmp_path / "swapped", box(30, 25, 10, 5))
    assert numbers(read(root).shapes[0]) == [10, 5, 20, 20]
    assert read(root).codes == {"V12"}
    strict_fails(root, "voc", "V12")
    for text, expected in {
        box(10, 5, 10, 25): [10, 5, 0, 20],
        box(-10, -5, 10, 25): [-10, -5, 20, 30],
        box(10, 5, 1000, 2500): [10, 5, 990, 2495],
    }.items():
        kept = read(dataset(tmp_path / str(len(os.listdir(tmp_path))), text), strict=True)
        assert numbers(kept.shapes[0]) == expected


@pytest.mark.parametrize(
    "name", ["<>&\"'", "two words", " blank ", "7", "012", "é日👍", "a]]>b", "\t\n", "v2.0"]
)
def test_v13_class_names(tmp_path: Path, name: str) -> None:
    write(tmp_path / "out", Rectangle(label=name, x=1, y=2, w=3, h=4))
    if name.strip():
        assert [shape.label for shape in read(tmp_path / "out", strict=True).shapes] == [name]


@pytest.mark.parametrize("strict", [False, True])
def test_v13_an_object_without_a_name(tmp_path: Path, strict: bool) -> None:
    root = dataset(tmp_path, f"<object>{BOX}</object>")
    assert "V13" in str(fails(root, "voc", strict=strict))
    assert read(root, on_error="skip").shapes == []


BOMB = "<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>]>"
EVIL = [
    BOMB + xml(DOG.replace("dog", "&b;")),
    f"<!DOCTYPE annotation SYSTEM 'file:///etc/passwd'>{xml()}",
    "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/hostname'>]>" + xml(DOG.replace("dog", "&x;")),
    "<?xml version='1.0'?><?xml-stylesheet href='x'?>" + xml(),
    "<!DOCTYPE annotation>" + xml(),
]


@pytest.mark.parametrize("text", EVIL)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_v14_document_types_and_instructions_are_refused(
    tmp_path: Path, text: str, encoding: str
) -> None:
    root = lay_out(tmp_path, {"Annotations/x.xml": text.encode(encoding)})
    assert "V14" in str(fails(root, "voc"))
    strict_fails(root, "voc", "V14")
    found = read(root, on_error="skip")
    assert (found.samples, found.names) == ([], [])


@pytest.mark.parametrize("strict", [False, True])
def test_v14_size_and_depth_are_bounded(tmp_path: Path, strict: bool) -> None:
    big = xml(f"<!-- {'x' * 5_000_000} -->")
    assert "V14" in str(fails(lay_out(tmp_path / "a", {"x.xml": big}), "voc", strict=strict))
    deep = xml("<a>" * 3000 + "</a>" * 3000)
    assert "V11" in str(fails(lay_out(tmp_path / "b", {"x.xml": deep}), "voc", strict=strict))


def test_v15_split_lists(tmp_path: Path) -> None:
    files: dict[str, Any] = {
        f"Annotations/{name}.xml": xml(filename=f"{name}.jpg")
        for name in ("a", "b", "c", "s/d", "e.f")
    }
    files |= {
        "ImageSets/Main/train.txt": "c\na\n",
        "ImageSets/Main/val.txt": "b  -1\ns/d 1\r\n# a comment\n",
        "ImageSets/Main/trainval.txt": "a\nb\nc\n",
        "ImageSets/Main/cow_train.txt": "e.f 1\n",
        "ImageSets/Main/test.txt": "e.f\n",
    }
    root = lay_out(tmp_path, files)
    for strict in (False, True):
        found = read(root, strict=strict)
        assert {one.filename: one.split for one in found.samples} == {
            "a.jpg": "train", "b.jpg": "val", "c.jpg": "train", "s/d.jpg": "val", "e.f.jpg": "test",
        }  # fmt: skip
    assert [one.filename for one in read(root, split="val").samples] == ["b.jpg", "s/d.jpg"]
    assert "test, train, val" in str(fails(root, "voc", split="dev"))


def test_v15_lists_that_do_not_fit(tmp_path: Path) -> None:
    lists = {"ImageSets/Main/train.txt": "x\ngone\n", "ImageSets/Main/val.txt": "x\n"}
    root = lay_out(dataset(tmp_path), lists)
    assert {finding.severity.name for finding in read(root).of("V15")} == {"NOTE", "WARNING"}
    strict_fails(root, "voc", "V15")


@pytest.mark.parametrize("strict", [False, True])
def test_v15_listed_images_without_a_file_are_not_annotated(tmp_path: Path, strict: bool) -> None:
    files: dict[str, Any] = {"Annotations/b.xml": xml(filename="b.jpg")}
    files |= {f"JPEGImages/{name}.jpg": (8, 6) for name in ("a", "b", "c", "s/d", "unlisted")}
    files |= {
        "ImageSets/Main/train.txt": "a\nb\ns/d\n",
        "ImageSets/Main/val.txt": "c\na\n",
    }
    root = lay_out(tmp_path, files)
    found = read(root, strict=strict)
    assert [(one.filename, one.path, one.split, one.annotated) for one in found.samples] == [
        ("a.jpg", "JPEGImages/a.jpg", "train", False),
        ("b.jpg", "JPEGImages/b.jpg", "train", True),
        ("c.jpg", "JPEGImages/c.jpg", "val", False),
        ("s/d.jpg", "JPEGImages/s/d.jpg", "train", False),
    ]
    assert {(one.width, one.height) for one in found.samples if not one.annotated} == {(8, 6)}
    assert [one.filename for one in read(root, split="val").samples] == ["c.jpg"]


@pytest.mark.parametrize("strict", [False, True])
def test_v15_folders_named_by_split(tmp_path: Path, strict: bool) -> None:
    files = {
        f"{name}/{name}.xml": xml(filename=f"{name}.jpg") for name in ("train", "valid", "test")
    }
    found = read(lay_out(tmp_path, files), strict=strict)
    assert {one.filename: one.split for one in found.samples} == {
        "train.jpg": "train", "valid.jpg": "val", "test.jpg": "test",
    }  # fmt: skip


def test_v16_objects_without_a_box(tmp_path: Path) -> None:
    root = dataset(tmp_path, f"<object><name>dog</name></object>{DOG}")
    assert "V16" in str(fails(root, "voc"))
    strict_fails(root, "voc", "V16")
    assert len(read(root, on_error="skip").shapes) == 1
    polygon = dataset(tmp_path / "p", f"<object><name>dog</name><polygon>{RING}</polygon></object>")
    assert read(polygon, strict=True).shapes[0].bbox is None


def test_v17_what_we_write_we_read_and_write_again_unchanged(tmp_path: Path) -> None:
    shape = Rectangle(
        label="dog",
        x=1.5,
        y=2,
        w=3,
        h=4,
        iscrowd=True,
        attributes={"pose": "Left", "truncated": True, "age": "old"},
    )
    write(tmp_path / "a", shape)
    found = read(tmp_path / "a", strict=True)
    (back,) = found.shapes
    assert back.iscrowd
    assert back.attributes == {
        "pose": "Left", "truncated": True, "difficult": False, "occluded": False, "age": "old",
    }  # fmt: skip
    writer = get("voc").create(tmp_path / "b", [], options=WriteOptions(), findings=Findings())
    with writer:
        writer.write(found.samples)
    for name in ("Annotations/x.xml", "ImageSets/Main/train.txt"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


COUNTS = [
    ("raccoon", 200, 217, 1),
    ("bccd/BCCD", 364, 4888, 3),
    ("roboflow-python/datasets/chess", 11, 180, 12),
    ("labelformat/object_detection/PascalVOC", 2, 16, 5),
    ("mmyolo/VOCdevkit", 2, 3, 3),
    ("imantics/data/xml_example", 2, 6, 3),
    ("labelme/bbox_detection/data_dataset_voc", 3, 9, 3),
    ("od-metrics-toy/gts_vocpascal_format", 10, 12, 1),
    # Two objects and a part; an image that is listed and has no XML file.
    ("datumaro/voc_dataset/voc_dataset1", 2, 3, 3),
    ("datumaro/voc_dataset/voc_dataset2", 5, 4, 22),  # labelmap.txt names all of the devkit's
    ("datumaro/voc_dataset/voc_dataset3", 1, 1, 1),
]


@pytest.mark.parametrize(("folder", "images", "shapes", "labels"), COUNTS)
def test_real_files_read_as_counted(folder: str, images: int, shapes: int, labels: int) -> None:
    found = read(samples(*folder.split("/")))
    assert (len(found.samples), len(found.shapes), len(found.labels)) == (images, shapes, labels)
    assert {shape.label for shape in found.shapes} <= set(found.names)


def test_real_splits() -> None:
    found = read(samples("bccd", "BCCD"))
    splits = [one.split for one in found.samples]
    assert {split: splits.count(split) for split in set(splits)} == {
        "train": 205,
        "val": 87,
        "test": 72,
    }


def test_real_files_of_another_kind_are_refused() -> None:
    error = fails(samples("label-studio-yolo", "test_export_yolo"), "voc")
    assert "VOC annotation" in str(error)
