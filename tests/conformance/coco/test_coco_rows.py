"""Rows C01 to C30 of the conformance table: what reading COCO must take, mend, report or refuse."""

from __future__ import annotations

import gzip
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from headrace.errors import FormatError, ParseError
from headrace.formats import WriteOptions, get
from headrace.formats.findings.collect import Findings
from headrace.formats.geometry import raster
from headrace.model.sample import Sample
from headrace.model.shapes import Classification, Keypoints, Mask, Polygon, Rectangle
from tests.support.data.formats import Reading, fails, jpeg, lay_out, samples, strict_fails
from tests.support.data.formats import read as read_any
from tests.support.data.golden import GOLDEN

RING = [10.0, 10.0, 20.0, 10.0, 20.0, 30.0]
IMAGE = {"id": 1, "file_name": "a.jpg", "width": 100, "height": 50}
CAT = {"id": 1, "name": "cat"}


def annotation(**more: Any) -> dict[str, Any]:
    return {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1.5, 2.0, 3.0, 4.0], **more}


def document(*annotations: Any, **more: Any) -> dict[str, Any]:
    return {"images": [IMAGE], "annotations": list(annotations), "categories": [CAT], **more}


def save(folder: Path, content: dict[str, Any] | list[Any] | str | bytes) -> Path:
    path = folder / "coco.json"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    else:
        path.write_text(json.dumps(content), encoding="utf-8")
    return path


def read(path: Path, **options: Any) -> Reading:
    return read_any(path, "coco", **options)


def one(folder: Path, *, reports: str | None = None, **fields: Any) -> Any:
    """The shape of a file with one annotation; where ``reports`` names a rule, strict reading fails by it."""
    path = save(folder, document(annotation(**fields)))
    found = read(path)
    assert found.codes == ({reports} if reports else set())
    if reports:
        strict_fails(path, "coco", reports)
    else:
        assert read(path, strict=True).samples == found.samples
    return found.shapes[0] if found.shapes else None


def write_again(folder: Path, found: Reading, *, strict: bool = False) -> Path:
    target = folder / "again.json"
    options = WriteOptions(about=found.about, overwrite=True)
    findings = Findings(strict=strict)
    with get("coco").create(target, found.labels, options=options, findings=findings) as writer:
        writer.write(found.samples)
    return target


# --- C01 to C06 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strict", [False, True])
def test_c01_keys_in_any_order_and_unknown_ones_kept(tmp_path: Path, strict: bool) -> None:
    second = {**IMAGE, "id": 2, "file_name": "b.jpg", "license": 3}
    whole = document(
        annotation(id=5, image_id=2, colour="red"),
        annotation(),
        info={"year": 2024},
        licenses=[{"id": 3}],
        vendor={"x": [1, None]},
    )
    whole["images"].append(second)
    readings = []
    for order in itertools.permutations(("images", "annotations", "categories")):
        keys = [*order, "info", "licenses", "vendor"]
        readings.append(read(save(tmp_path, {key: whole[key] for key in keys}), strict=strict))
    for each in readings:
        assert each.samples == readings[0].samples
        assert each.labels == readings[0].labels
    first = readings[0]
    assert [len(sample.shapes) for sample in first.samples] == [1, 1]
    assert first.sample("b.jpg").extra == {"license": 3}
    again = json.loads(write_again(tmp_path, first).read_text())
    assert {key: again[key] for key in ("info", "licenses", "vendor")} == {
        key: whole[key] for key in ("info", "licenses", "vendor")
    }
    assert again["annotations"][1]["colour"] == "red"
    assert again["images"][1]["license"] == 3


@pytest.mark.parametrize("strict", [False, True])
def test_c02_without_annotations(tmp_path: Path, strict: bool) -> None:
    only = read(save(tmp_path, {"images": [IMAGE]}), strict=strict)
    empty = read(save(tmp_path, document()), strict=strict)
    assert (
        [sample.filename for sample in only.samples]
        == ["a.jpg"]
        == [s.filename for s in empty.samples]
    )
    assert (only.samples[0].annotated, empty.samples[0].annotated) == (False, True)
    assert read(save(tmp_path, {"images": [], "annotations": None}), strict=strict).samples == []


def test_c03_boxes_are_floats_from_zero_and_come_back_bit_for_bit(tmp_path: Path) -> None:
    box = [0.1, 1 / 3, 5e-324, 123456789.12345679]
    shape = one(tmp_path, bbox=box, area=0.3)
    assert [shape.x, shape.y, shape.w, shape.h] == box
    found = read(save(tmp_path, document(annotation(bbox=box, area=0.3))))
    assert json.loads(write_again(tmp_path, found).read_text())["annotations"][0]["bbox"] == box


@pytest.mark.parametrize("missing", [{"bbox": None}, {"bbox": []}, {}])
def test_c04_missing_box_follows_from_the_polygon(tmp_path: Path, missing: dict[str, Any]) -> None:
    values = annotation(segmentation=[RING])
    del values["bbox"]
    path = save(tmp_path, document({**values, **missing}))
    found = read(path)
    assert found.shapes == [Polygon(label="cat", id=1, rings=[RING])]
    assert found.codes == {"C04"}
    assert json.loads(write_again(tmp_path, found).read_text())["annotations"][0]["bbox"] == [
        10,
        10,
        10,
        20,
    ]
    strict_fails(path, "coco", "C04")


def test_c04_a_box_that_is_none_is_left_out(tmp_path: Path) -> None:
    path = save(
        tmp_path,
        document(annotation(bbox=[1, 2, 3]), annotation(id=2, bbox="1 2 3 4"), annotation(id=3)),
    )
    found = read(path)
    assert [shape.id for shape in found.shapes] == [3]
    assert found.codes == {"C04"}
    strict_fails(path, "coco", "C04")


@pytest.mark.parametrize("box", [[1, 2, 0, 4], [1, 2, 3, -4], [5, 5, 0, 0]])
def test_c05_a_box_without_extent_is_kept(tmp_path: Path, box: list[float]) -> None:
    shape = one(tmp_path, reports="C05", bbox=box)
    assert [shape.x, shape.y, shape.w, shape.h] == box


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_c05_a_box_that_is_not_finite_is_dropped_and_never_written(
    tmp_path: Path, token: str
) -> None:
    text = json.dumps(document(annotation(bbox=[1, 2, 3, 4.25]), annotation(id=2))).replace(
        "4.25", token
    )
    path = save(tmp_path, text)
    found = read(path)
    assert [shape.id for shape in found.shapes] == [2]
    assert found.codes & {"C05", "C04"}
    with pytest.raises(ParseError):
        read(path, strict=True)
    assert token not in write_again(tmp_path, found).read_text()


def test_c05_what_is_not_finite_is_never_written(tmp_path: Path) -> None:
    nan, inf = float("nan"), float("inf")
    shapes = [
        Rectangle(label="a", x=nan, y=0, w=1, h=1),
        Polygon(label="a", rings=[[0, 0, inf, 0, 1, 1]]),
        Rectangle(label="a", x=1, y=0, w=1, h=1, attributes={"kept": None}),
    ]
    findings = Findings()
    target = tmp_path / "out.json"
    with get("coco").create(target, [], options=WriteOptions(), findings=findings) as writer:
        writer.write([Sample(filename="a.jpg", shapes=list(shapes))])
    (kept,) = json.loads(target.read_text())["annotations"]
    assert (kept["id"], kept["bbox"], kept["attributes"]) == (1, [1, 0, 1, 1], {"kept": None})
    assert [(each.code, each.dropped_shapes) for each in findings] == [("C05", 2)]


@pytest.mark.parametrize("strict", [False, True])
def test_c06_boxes_outside_of_the_image_are_kept_unless_clipped(
    tmp_path: Path, strict: bool
) -> None:
    found = read(
        save(
            tmp_path,
            document(annotation(bbox=[-5, -5, 200, 10]), annotation(id=2, bbox=[200, 0, 5, 5])),
        ),
        strict=strict,
    )
    assert [(shape.x, shape.w) for shape in found.shapes] == [(-5, 200), (200, 5)]
    target = tmp_path / "clipped.json"
    options = WriteOptions(clip=True)
    findings = Findings()
    with get("coco").create(target, found.labels, options=options, findings=findings) as writer:
        writer.write(found.samples)
    (clipped,) = json.loads(target.read_text())["annotations"]
    assert (clipped["bbox"], clipped["area"]) == ([0, 0, 100, 5], 500)
    assert [(each.code, each.dropped_shapes) for each in findings if each.code == "C06"] == [
        ("C06", 1)
    ]


# --- C07 to C15 ------------------------------------------------------------------------------------------


def test_c07_all_parts_of_a_polygon_stay_one_object(tmp_path: Path) -> None:
    parts = [RING, [1.0, 1.0, 2.0, 1.0, 2.0, 2.0, 1.0, 2.0]]
    shape = one(tmp_path, segmentation=parts, area=7)
    assert shape == Polygon(label="cat", id=1, rings=parts, bbox=(1.5, 2, 3, 4), area=7)


def test_c08_a_flat_polygon_is_wrapped(tmp_path: Path) -> None:
    assert one(tmp_path, reports="C08", segmentation=RING).rings == [RING]


@pytest.mark.parametrize("nothing", [[], {}, None])
def test_c08_no_segmentation_leaves_the_box(tmp_path: Path, nothing: Any) -> None:
    assert isinstance(one(tmp_path, segmentation=nothing), Rectangle)


def test_c08_a_text_for_a_segmentation_leaves_the_box(tmp_path: Path) -> None:
    assert isinstance(one(tmp_path, reports="C08", segmentation="polygon"), Rectangle)


@pytest.mark.parametrize(
    "bad", [[1, 1, 5, 5], [1, 2, 3, 4, 5, 6, 7], [1, 2], [], ["a", 1, 2, 3, 4, 5], [[1]]]
)
def test_c09_a_bad_part_is_dropped_and_the_others_stay(tmp_path: Path, bad: list[Any]) -> None:
    assert one(tmp_path, reports="C09", segmentation=[RING, bad]).rings == [RING]


def test_c09_without_a_good_part_the_box_stays_and_without_a_box_nothing(tmp_path: Path) -> None:
    assert isinstance(one(tmp_path, reports="C09", segmentation=[[1, 1, 5, 5]]), Rectangle)
    path = save(tmp_path, document(annotation(bbox=None, segmentation=[[1, 1, 5, 5]])))
    found = read(path)
    assert found.shapes == []
    assert sum(each.dropped_shapes for each in found.findings) == 1


def test_c10_compressed_run_lengths_are_height_first(tmp_path: Path) -> None:
    shape = one(tmp_path, segmentation=rle(50, 100))
    assert isinstance(shape, Mask)
    assert (shape.height, shape.width, shape.counts) == (50, 100, rle(50, 100)["counts"])


@pytest.mark.parametrize(("height", "width", "counts", "text", "area", "bounds"), GOLDEN)
@pytest.mark.parametrize("strict", [False, True])
def test_c10_golden_vectors_come_through_a_file(
    tmp_path: Path,
    height: int,
    width: int,
    counts: list[int],
    text: str,
    area: int,
    bounds: tuple[float, ...],
    strict: bool,
) -> None:
    image = {**IMAGE, "width": width, "height": height}
    shapes = []
    for spelled in (text, counts):
        mask = {"size": [height, width], "counts": spelled}
        path = save(tmp_path, document(annotation(segmentation=mask), images=[image]))
        found = read(path, strict=strict)
        shapes += found.shapes
        (again,) = json.loads(write_again(tmp_path, found, strict=strict).read_text())[
            "annotations"
        ]
        assert again["segmentation"] == {"size": [height, width], "counts": text}
        assert again["area"] == area
        found.shapes[0].bbox = None
        (again,) = json.loads(write_again(tmp_path, found, strict=strict).read_text())[
            "annotations"
        ]
        assert tuple(again["bbox"]) == bounds
    assert shapes[0] == shapes[1]


def test_c11_both_spellings_of_run_lengths_are_equal(tmp_path: Path) -> None:
    pairs = one(tmp_path, segmentation={"size": [50, 100], "counts": [100, 7, 4893]})
    assert pairs.counts == rle(50, 100)["counts"]
    full = one(tmp_path, segmentation={"size": [50, 100], "counts": [0, 5000]})
    assert isinstance(full, Mask)


def rle(height: int, width: int) -> dict[str, Any]:
    """A mask with pixels 100 to 106, by the golden rules of the format."""
    from headrace.formats.geometry.rle import encode

    return {"size": [height, width], "counts": encode([100, 7, height * width - 107])}


@pytest.mark.parametrize(
    "damaged",
    [
        {"size": [50, 100], "counts": ""},
        {"size": [50, 100], "counts": "1"},
        {"size": [50, 100], "counts": "T3P"},
        {"size": [50, 100], "counts": "0~"},
        {"size": [50, 100], "counts": "\u00e9"},
        {"size": [50, 100], "counts": "oooooooooooooooooooooooo0"},
        {"size": [50, 100], "counts": [5001]},
        {"size": [50, 100], "counts": [5010, -10]},
        {"size": [-50, -100], "counts": [5000]},
        {"size": [50], "counts": [5000]},
        {"size": [50, 100]},
        {"counts": "T3"},
        {"size": [50, 100], "counts": [1.5, 4998.5]},
    ],
)
def test_c12_damaged_run_lengths_are_an_error(tmp_path: Path, damaged: dict[str, Any]) -> None:
    path = save(tmp_path, document(annotation(segmentation=damaged), annotation(id=2)))
    error = fails(path, "coco")
    assert isinstance(error, ParseError)
    assert "C12" in str(error)
    assert error.offset is not None
    assert b'"segmentation"' in path.read_bytes()[error.offset :]
    strict_fails(path, "coco", "C12")
    skipped = read(path, on_error="skip")
    assert [
        shape.id for shape in skipped.shapes if not isinstance(shape, Rectangle) or shape.id == 2
    ] == [2]


def test_c13_run_lengths_of_another_size_than_the_image(tmp_path: Path) -> None:
    path = save(tmp_path, document(annotation(segmentation=rle(100, 50)), annotation(id=2)))
    assert "C13" in str(fails(path, "coco"))
    strict_fails(path, "coco", "C13")
    skipped = read(path, on_error="skip")
    assert [shape.id for shape in skipped.shapes] == [2]
    assert [each.dropped_shapes for each in skipped.of("C13")] == [1]


@pytest.mark.parametrize(
    ("crowd", "is_crowd"), [(0, False), (1, True), (True, True), (False, False)]
)
@pytest.mark.parametrize("outline", [[RING], None, {"size": [50, 100], "counts": [5000]}])
def test_c14_crowds_have_any_outline(
    tmp_path: Path, crowd: Any, is_crowd: bool, outline: Any
) -> None:
    shape = one(tmp_path, iscrowd=crowd, segmentation=outline)
    assert shape.iscrowd is is_crowd
    found = read(save(tmp_path, document(annotation(iscrowd=crowd, segmentation=outline))))
    assert json.loads(write_again(tmp_path, found).read_text())["annotations"][0]["iscrowd"] == int(
        is_crowd
    )


def test_c14_without_the_mark_it_is_no_crowd(tmp_path: Path) -> None:
    assert one(tmp_path, segmentation=[RING]).iscrowd is False


@pytest.mark.parametrize(
    ("fields", "area"),
    [
        ({"segmentation": [RING]}, 100),
        ({"segmentation": [[0, 0, 4, 0, 4, 4, 0, 4], [10, 10, 12, 10, 12, 12, 10, 12]]}, 20),
        # The inner ring is united with the outer one, it is no hole.
        ({"segmentation": [[0, 0, 4, 0, 4, 4, 0, 4], [1, 1, 3, 1, 3, 3, 1, 3]]}, 16),
        ({"segmentation": {"size": [50, 100], "counts": [100, 7, 4893]}}, 7),
        ({"segmentation": [RING], "area": 5.5}, 5.5),
        ({}, 12),
    ],
)
def test_c15_area_is_that_of_the_outline(
    tmp_path: Path, fields: dict[str, Any], area: float
) -> None:
    found = read(save(tmp_path, document(annotation(**fields))), strict=True)
    assert found.shapes[0].area == fields.get("area")
    assert json.loads(write_again(tmp_path, found).read_text())["annotations"][0]["area"] == area


# --- C16 to C24 ------------------------------------------------------------------------------------------


def test_c16_category_ids_with_gaps_in_no_order(tmp_path: Path) -> None:
    categories = [{"id": 90, "name": "z"}, {"id": 3, "name": "a"}, {"id": "k", "name": "text"}]
    values = [
        annotation(category_id=3),
        annotation(id=2, category_id=90),
        annotation(id=3, category_id="k"),
    ]
    found = read(save(tmp_path, document(*values, categories=categories)), strict=True)
    assert found.names == ["z", "a", "text"]
    assert [shape.label for shape in found.shapes] == ["a", "z", "text"]


def test_c16_a_category_id_twice_is_an_error(tmp_path: Path) -> None:
    path = save(tmp_path, document(annotation(), categories=[CAT, {"id": 1, "name": "dog"}]))
    assert "C16" in str(fails(path, "coco"))
    strict_fails(path, "coco", "C16")
    assert [shape.label for shape in read(path, on_error="skip").shapes] == ["cat"]


def test_c16_a_category_name_twice_is_one_label(tmp_path: Path) -> None:
    path = save(
        tmp_path, document(annotation(category_id=2), categories=[CAT, {"id": 2, "name": "cat"}])
    )
    for strict in (False, True):
        found = read(path, strict=strict)
        assert (found.names, found.shapes[0].label, found.codes) == (["cat"], "cat", {"C16"})


def test_c16_an_undeclared_category(tmp_path: Path) -> None:
    path = save(tmp_path, document(annotation(category_id=95)))
    assert "C16" in str(fails(path, "coco"))
    strict_fails(path, "coco", "C16")
    found = read(path, on_error="skip")
    assert (found.shapes[0].label, found.codes) == ("95", {"C16"})


def test_c16_a_file_without_categories_has_only_numbers(tmp_path: Path) -> None:
    path = save(tmp_path, {**document(annotation(category_id=95)), "categories": []})
    found = read(path)
    assert (found.shapes[0].label, found.codes) == ("95", {"C16"})


@pytest.mark.parametrize("identity", [0, 5, 2**53 + 1, 2**62, "7e0c-uuid", None])
def test_c17_annotation_ids_of_any_kind_are_kept_and_numbered_again(
    tmp_path: Path, identity: Any
) -> None:
    assert one(tmp_path, id=identity).id == identity
    found = read(save(tmp_path, document(annotation(id=identity), annotation(id=9))))
    written = json.loads(write_again(tmp_path, found).read_text())["annotations"]
    assert [each["id"] for each in written] == [1, 2]


@pytest.mark.parametrize("identity", [0, 7, 100_000, 2**60, "x"])
def test_c17_an_annotation_id_twice(tmp_path: Path, identity: Any) -> None:
    path = save(tmp_path, document(annotation(id=identity), annotation(id=identity)))
    found = read(path)
    assert ([shape.id for shape in found.shapes], found.codes) == ([identity, identity], {"C17"})
    strict_fails(path, "coco", "C17")


@pytest.mark.parametrize("ids", [(1, 2), ("a", "b"), (2**61, 5), (-3, 0), ("a", 1)])
@pytest.mark.parametrize("strict", [False, True])
def test_c18_image_ids_are_numbers_or_texts(
    tmp_path: Path, ids: tuple[Any, Any], strict: bool
) -> None:
    images = [{**IMAGE, "id": ids[0]}, {**IMAGE, "id": ids[1], "file_name": "b.jpg"}]
    values = [annotation(image_id=ids[1]), annotation(id=2, image_id=ids[0])]
    found = read(save(tmp_path, document(*values, images=images)), strict=strict)
    assert [(s.id, [shape.id for shape in s.shapes]) for s in found.samples] == [
        (ids[0], [2]),
        (ids[1], [1]),
    ]


def test_c18_an_image_id_twice_is_an_error(tmp_path: Path) -> None:
    path = save(tmp_path, document(annotation(), images=[IMAGE, {**IMAGE, "file_name": "b.jpg"}]))
    assert "C18" in str(fails(path, "coco"))
    strict_fails(path, "coco", "C18")
    skipped = read(path, on_error="skip")
    assert [(s.filename, len(s.shapes)) for s in skipped.samples] == [("a.jpg", 1)]
    assert [each.dropped_images for each in skipped.of("C18")] == [1]


@pytest.mark.parametrize("image_id", [2, "01", None, -1, 1.5, [1]])
def test_c18_an_annotation_of_no_image(tmp_path: Path, image_id: Any) -> None:
    path = save(tmp_path, document(annotation(), annotation(id=2, image_id=image_id)))
    found = read(path)
    assert [shape.id for shape in found.shapes] == [1]
    assert [each.dropped_shapes for each in found.of("C18")] == [1]
    strict_fails(path, "coco", "C18")


@pytest.mark.parametrize(
    ("name", "filename"),
    [
        ("sub/a b%20ä.jpg", "sub/a b%20ä.jpg"),
        ("sub\\deep\\a.jpg", "sub/deep/a.jpg"),
        ("https://host.example/x/a%20b.jpg?size=2", "a b.jpg"),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_c19_file_names(tmp_path: Path, name: str, filename: str, strict: bool) -> None:
    found = read(save(tmp_path, document(images=[{**IMAGE, "file_name": name}])), strict=strict)
    assert found.samples[0].filename == filename
    assert json.loads(write_again(tmp_path, found).read_text())["images"][0]["file_name"] == name


def test_c19_lvis_names_images_by_their_address(tmp_path: Path) -> None:
    image = {
        "id": 1,
        "coco_url": "http://host.example/train2017/000000391895.jpg",
        "width": 4,
        "height": 4,
    }
    for strict in (False, True):
        found = read(save(tmp_path, document(images=[image])), strict=strict)
        assert found.samples[0].filename == "000000391895.jpg"
        assert found.codes == {"C19"}


def test_c19_an_image_without_any_name_is_an_error(tmp_path: Path) -> None:
    path = save(tmp_path, document(annotation(), images=[{"id": 1, "width": 4, "height": 4}]))
    assert "C19" in str(fails(path, "coco"))
    strict_fails(path, "coco", "C19")
    skipped = read(path, on_error="skip")
    assert (skipped.samples, sum(each.dropped_shapes for each in skipped.findings)) == ([], 1)


@pytest.mark.parametrize(
    "size",
    [{}, {"width": 0, "height": 0}, {"width": None, "height": 5}, {"width": -1, "height": 5}],
)
def test_c20_a_missing_size_is_a_finding(tmp_path: Path, size: dict[str, Any]) -> None:
    path = save(tmp_path, document(annotation(), images=[{"id": 1, "file_name": "a.jpg", **size}]))
    found = read(path)
    assert (found.samples[0].width, found.samples[0].height, found.codes) == (None, None, {"C20"})
    strict_fails(path, "coco", "C20")


@pytest.mark.parametrize(
    "size", [{"width": 640.0, "height": 480.0}, {"width": "640", "height": "480"}]
)
def test_c20_whole_numbers_in_other_spellings(tmp_path: Path, size: dict[str, Any]) -> None:
    found = read(
        save(tmp_path, document(images=[{"id": 1, "file_name": "a.jpg", **size}])), strict=True
    )
    assert (found.samples[0].width, found.samples[0].height) == (640, 480)


@pytest.mark.parametrize("size", [{}, {"width": 0, "height": 0}, {"width": None, "height": 5}])
@pytest.mark.parametrize("strict", [False, True])
def test_c20_a_missing_size_comes_from_the_image(
    tmp_path: Path, size: dict[str, Any], strict: bool
) -> None:
    lay_out(tmp_path, {"media/sub/a.jpg": (40, 30), "media/b.jpg": (20, 10)})
    images = [
        {"id": 1, "file_name": "sub/a.jpg", **size},
        {"id": 2, "file_name": "sub/b.jpg", **size},
    ]
    path = save(tmp_path, document(images=images))
    found = read(path, images=tmp_path / "media", strict=strict)
    assert [(each.width, each.height) for each in found.samples] == [(40, 30), (20, 10)]
    assert [(each.code, each.severity.name, each.count) for each in found.findings] == [
        ("C20", "NOTE", 2)
    ]


def test_c20_a_size_that_is_not_the_images_is_kept_and_reported(tmp_path: Path) -> None:
    lay_out(tmp_path, {"media/a.jpg": (100, 50), "media/b.jpg": (99, 50)})
    images = [IMAGE, {**IMAGE, "id": 2, "file_name": "b.jpg"}]
    path = save(tmp_path, document(images=images))
    found = read(path, images=tmp_path / "media")
    assert [(each.width, each.height) for each in found.samples] == [(100, 50)] * 2
    assert [each.count for each in found.of("C20")] == [1]
    assert "99 x 50" in str(found.of("C20")[0].examples[0])
    strict_fails(path, "coco", "C20", images=tmp_path / "media")
    assert read(path, strict=True).codes == set()


@pytest.mark.parametrize("strict", [False, True])
def test_c20_the_size_of_a_photo_as_shown_is_noted(tmp_path: Path, strict: bool) -> None:
    lay_out(tmp_path, {"media/a.jpg": jpeg(50, 100, orientation=6)})
    found = read(save(tmp_path, document()), images=tmp_path / "media", strict=strict)
    assert (found.samples[0].width, found.samples[0].height) == (100, 50)
    assert [(each.code, each.severity.name) for each in found.findings] == [("C20", "NOTE")]


def test_c20_no_name_leads_out_of_the_folder_of_images(tmp_path: Path) -> None:
    lay_out(tmp_path, {"a.jpg": (40, 30), "media/x.jpg": (1, 1)})
    for name in ("../a.jpg", str(tmp_path / "a.jpg"), "media/../../a.jpg", "a\0.jpg"):
        path = save(tmp_path, document(images=[{"id": 1, "file_name": name}]))
        found = read(path, images=tmp_path / "media")
        assert (found.samples[0].width, found.codes) == (None, {"C20"})


PERSON = {"id": 1, "name": "cat", "keypoints": ["nose", "tail"], "skeleton": [[1, 2]]}


def test_c21_keypoints_and_their_skeleton(tmp_path: Path) -> None:
    points = [5.0, 6.0, 2.0, 0.0, 0.0, 0.0]
    values = annotation(keypoints=points, num_keypoints=9, segmentation=[RING])
    found = read(save(tmp_path, document(values, categories=[PERSON])), strict=True)
    (shape,) = found.shapes
    assert isinstance(shape, Keypoints)
    assert (shape.points, shape.bbox, shape.segmentation, shape.extra) == (
        points,
        (1.5, 2, 3, 4),
        [RING],
        None,
    )
    assert (found.labels[0].keypoints, found.labels[0].skeleton) == (["nose", "tail"], [(1, 2)])
    written = json.loads(write_again(tmp_path, found).read_text())
    (again,) = written["annotations"]
    assert (again["keypoints"], again["num_keypoints"], again["segmentation"]) == (
        points,
        1,
        [RING],
    )
    assert written["categories"][0]["skeleton"] == [[1, 2]]


@pytest.mark.parametrize("points", [[5.0, 6.0, 2.0], [5.0, 6.0, 7.0, 0.0, 0.0, 0.0]])
def test_c21_odd_keypoints_are_kept_and_reported(tmp_path: Path, points: list[float]) -> None:
    path = save(tmp_path, document(annotation(keypoints=points), categories=[PERSON]))
    found = read(path)
    assert (found.shapes[0].points, found.codes) == (points, {"C21"})
    strict_fails(path, "coco", "C21")


@pytest.mark.parametrize("points", [[5.0, 6.0], ["a", 1, 2], {"x": 1}])
def test_c21_what_are_no_keypoints_leaves_the_box(tmp_path: Path, points: Any) -> None:
    assert isinstance(one(tmp_path, reports="C21", keypoints=points), Rectangle)


def test_c22_no_point_is_labelled(tmp_path: Path) -> None:
    values = annotation(keypoints=[0, 0, 0, 0, 0, 0], num_keypoints=0)
    assert one(tmp_path, **values).bbox == (1.5, 2, 3, 4)
    del values["bbox"]
    path = save(tmp_path, document(values, categories=[PERSON]))
    found = read(path)
    (again,) = json.loads(write_again(tmp_path, found).read_text())["annotations"]
    assert "bbox" not in again
    strict_fails(path, "coco", "C04")


@pytest.mark.parametrize("strict", [False, True])
def test_c23_images_without_annotations_come_back(tmp_path: Path, strict: bool) -> None:
    images = [{**IMAGE, "id": n, "file_name": f"{n}.jpg"} for n in range(1, 6)]
    found = read(
        save(tmp_path, document(annotation(image_id=3, area=12), images=images)), strict=strict
    )
    assert [len(sample.shapes) for sample in found.samples] == [0, 0, 1, 0, 0]
    assert read(write_again(tmp_path, found), strict=strict).samples == found.samples


def test_c24_attributes_scores_and_texts_come_back(tmp_path: Path) -> None:
    image = {**IMAGE, "attributes": {"weather": "rain", "n": [1, {"deep": None}]}}
    values = annotation(
        attributes={"a b": "", "o": False}, score=0.25, utf8_string="LPR 42", odd=[{}], area=12
    )
    found = read(save(tmp_path, document(values, images=[image])), strict=True)
    (shape,) = found.shapes
    assert (shape.attributes, shape.score, shape.text) == ({"a b": "", "o": False}, 0.25, "LPR 42")
    assert shape.extra == {"odd": [{}]}
    assert read(write_again(tmp_path, found), strict=True).samples == found.samples


@pytest.mark.parametrize("strict", [False, True])
def test_c24_a_label_without_geometry_is_a_classification(tmp_path: Path, strict: bool) -> None:
    path = save(
        tmp_path, document({"id": 4, "image_id": 1, "category_id": 1, "attributes": {"a": 1}})
    )
    found = read(path, strict=strict)
    assert found.shapes == [Classification(label="cat", id=4, attributes={"a": 1})]
    (again,) = json.loads(write_again(tmp_path, found).read_text())["annotations"]
    assert again == {"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "attributes": {"a": 1}}


# --- C25 to C30 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strict", [False, True])
def test_c25_a_results_file_is_named_for_what_it_is(tmp_path: Path, strict: bool) -> None:
    path = save(tmp_path, [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}])
    error = fails(path, "coco", strict=strict)
    assert "C25" in str(error)
    assert "results" in str(error)


@pytest.mark.parametrize("strict", [False, True])
def test_c25_a_results_file_is_read_as_predictions(tmp_path: Path, strict: bool) -> None:
    results = [
        {"image_id": 42, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5},
        {
            "image_id": 7,
            "category_id": 0,
            "segmentation": rle(50, 100),
            "bbox": [0, 0, 1, 1],
            "score": 0.25,
        },
        {"image_id": 42, "category_id": 9, "bbox": [1, 2, 3, 4], "score": 1},
    ]
    path = save(tmp_path, results)
    found = read(path, strict=strict, predictions=True, labels=["dog", "cat"])
    assert [(s.filename, [(x.label, x.score) for x in s.shapes]) for s in found.samples] == [
        ("42", [("cat", 0.5), ("9", 1.0)]),
        ("7", [("dog", 0.25)]),
    ]
    assert found.names == ["cat", "dog", "9"]
    assert "C26" in str(fails(save(tmp_path, json.dumps(results) + " x"), "coco", predictions=True))


@pytest.mark.parametrize("strict", [False, True])
def test_c26_byte_order_mark_and_gzip(tmp_path: Path, strict: bool) -> None:
    text = json.dumps(document(annotation())).encode()
    plain = read(save(tmp_path, text), strict=strict)
    assert read(save(tmp_path, b"\xef\xbb\xbf" + text), strict=strict).samples == plain.samples
    assert read(save(tmp_path, gzip.compress(text)), strict=strict).samples == plain.samples
    assert (
        read(save(tmp_path, gzip.compress(b"\xef\xbb\xbf" + text)), strict=strict).samples
        == plain.samples
    )


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_c26_other_encodings_are_refused_by_name(
    tmp_path: Path, strict: bool, encoding: str
) -> None:
    assert "UTF-16" in str(
        fails(save(tmp_path, json.dumps(document()).encode(encoding)), "coco", strict=strict)
    )


@pytest.mark.parametrize("strict", [False, True])
def test_c26_damaged_gzip(tmp_path: Path, strict: bool) -> None:
    packed = gzip.compress(json.dumps(document(annotation())).encode())
    for damaged in (packed[:-9], packed[:20], packed[:-8] + b"\0" * 8):
        assert "gzip" in str(fails(save(tmp_path, damaged), "coco", strict=strict))


def test_c26_a_key_twice(tmp_path: Path) -> None:
    text = json.dumps(document(annotation())).replace('"images"', '"images": [], "images"', 1)
    path = save(tmp_path, text)
    found = read(path)
    assert (len(found.samples), len(found.shapes), found.codes) == (1, 1, {"C26"})
    strict_fails(path, "coco", "C26")


def test_c26_lone_surrogates(tmp_path: Path) -> None:
    text = json.dumps(document(annotation(attributes={"a": "x\ud800y"}))).replace(
        "a.jpg", "\\ud83da.jpg"
    )
    path = save(tmp_path, text)
    found = read(path)
    assert (found.samples[0].filename, found.shapes[0].attributes) == (
        "\ufffda.jpg",
        {"a": "x\ufffdy"},
    )
    assert found.codes == {"C26"}
    strict_fails(path, "coco", "C26")


@pytest.mark.parametrize(
    "place", ["attributes", "extra", "image", "image extra", "category", "info"]
)
def test_c26_huge_values_become_text(tmp_path: Path, place: str) -> None:
    huge = {"deep": [1, 2**63 - 1, {"x": -(2**90)}], "true": True}
    kept = {"deep": [1, 2**63 - 1, {"x": str(-(2**90))}], "true": True}
    content = document(annotation(attributes={"a": 1}), images=[{**IMAGE}], categories=[{**CAT}])
    if place == "info":
        content["info"] = huge
    else:
        record, key = {
            "attributes": (content["annotations"][0], "attributes"),
            "extra": (content["annotations"][0], "own"),
            "image": (content["images"][0], "attributes"),
            "image extra": (content["images"][0], "own"),
            "category": (content["categories"][0], "own"),
        }[place]
        record[key] = huge
    path = save(tmp_path, content)
    found = read(path)
    assert found.codes == {"C26"}
    assert {
        "attributes": found.shapes[0].attributes,
        "extra": (found.shapes[0].extra or {}).get("own"),
        "image": found.samples[0].attributes,
        "image extra": (found.samples[0].extra or {}).get("own"),
        "category": (found.labels[0].extra or {}).get("own"),
        "info": found.about.get("info"),
    }[place] == kept
    assert str(-(2**90)) in write_again(tmp_path, found).read_text()
    strict_fails(path, "coco", "C26")


@pytest.mark.parametrize("strict", [False, True])
def test_c26_a_huge_size_is_none(tmp_path: Path, strict: bool) -> None:
    path = save(tmp_path, document(images=[{**IMAGE, "width": 10**30}]))
    if strict:
        strict_fails(path, "coco", "C20")
    else:
        assert read(path).samples[0].width is None


@pytest.mark.parametrize("key", ["id", "category_id"])
def test_c26_numbers_beyond_64_bits_are_an_error(tmp_path: Path, key: str) -> None:
    path = save(tmp_path, document(annotation(**{key: 10**30})))
    assert "C26" in str(fails(path, "coco"))
    strict_fails(path, "coco", "C26")


@pytest.mark.parametrize(
    ("text", "byte"),
    [
        ("", 0),
        ("   ", 3),
        ("nonsense", 0),
        ('{"images": [}', 12),
        ('{"images": [{"id": 1}', 21),
        ('{"images": [{"id": 1}]', 22),
        ('{"images": [{"id": 1},]}', 22),
        ('{"images": [{"id": 1} {"id": 2}]}', 22),
        ('{"images": []} x', 15),
        ('{"images": [] "annotations": []}', 14),
        ('{"images": [],}', 14),
        ("{images: []}", 1),
        ('{"images": {}}', 11),
    ],
)
def test_c26_what_is_not_json_is_placed(tmp_path: Path, text: str, byte: int) -> None:
    for strict in (False, True):
        error = fails(save(tmp_path, text), "coco", strict=strict)
        assert isinstance(error, ParseError)
        assert error.offset == byte
        assert str(tmp_path / "coco.json") in str(error)


@pytest.mark.parametrize("strict", [False, True])
def test_c26_every_truncation_is_an_error(tmp_path: Path, strict: bool) -> None:
    text = json.dumps(document(annotation(segmentation=[RING]), annotation(id=2)))
    for end in range(len(text) - 1):
        path = save(tmp_path, text[:end])
        assert isinstance(fails(path, "coco", strict=strict), ParseError), text[:end]


@pytest.mark.parametrize("strict", [False, True])
def test_c27_depth_and_length_have_limits(tmp_path: Path, strict: bool) -> None:
    deep = json.dumps(document(annotation(note="here"))).replace('"here"', "[" * 65 + "]" * 65)
    deepest = deep.replace("[" * 65, "[" * 100_000).replace("]" * 65, "]" * 100_000)
    for text in (deep, deepest):
        path = save(tmp_path, text)
        error = fails(path, "coco", strict=strict)
        assert isinstance(error, ParseError)
        assert "C27" in str(error)
        assert error.offset is not None
    long = json.dumps(document(annotation(note="here"))).replace("here", "x" * (17 << 20))
    error = fails(save(tmp_path, long), "coco", strict=strict)
    assert "C27" in str(error)
    assert "16 MiB" in str(error)


@pytest.mark.parametrize("strict", [False, True])
def test_c27_too_many_numbers_in_one_array_are_an_error(tmp_path: Path, strict: bool) -> None:
    text = json.dumps(document(annotation(note="here"))).replace('"here"', f"[{'1,' * 9_000_000}1]")
    error = fails(save(tmp_path, text), "coco", strict=strict)
    assert "C27" in str(error)
    assert isinstance(error, ParseError)
    assert error.offset is not None


@pytest.mark.parametrize("strict", [False, True])
def test_c28_the_same_samples_give_the_same_bytes(tmp_path: Path, strict: bool) -> None:
    path = save(tmp_path, document(annotation(segmentation=[RING], area=100), info={"year": 1}))
    found = read(path, strict=strict)
    first = write_again(tmp_path, found, strict=strict).read_bytes()
    assert write_again(tmp_path, found, strict=strict).read_bytes() == first
    assert first.decode() == (
        '{"info":{"year":1},"licenses":[],\n"images":[\n'
        '{"id":1,"file_name":"a.jpg","width":100,"height":50}],\n"annotations":[\n'
        '{"id":1,"image_id":1,"category_id":1,"bbox":[1.5,2.0,3.0,4.0],"area":100,"iscrowd":0,'
        '"segmentation":[[10.0,10.0,20.0,10.0,20.0,30.0]]}],\n"categories":[\n'
        '{"id":1,"name":"cat","supercategory":""}]}\n'
    )


@pytest.mark.parametrize("strict", [False, True])
def test_c29_polygons_are_put_on_the_grid_for_a_missing_area_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strict: bool
) -> None:
    drawn: list[list[float]] = []
    plain = raster.polygon_counts

    def watched(ring: list[float], *size: int) -> list[int]:
        drawn.append(ring)
        return plain(ring, *size)

    monkeypatch.setattr(raster, "polygon_counts", watched)
    rings = [[1.0, 1.0, 5.0, 1.0, 5.0, 5.0, 1.0, 5.0], [2.0, 2.0, 4.0, 2.0, 4.0, 4.0]]
    for area in ({"area": 7}, {}):
        path = save(tmp_path, document(annotation(segmentation=rings, **area)))
        found = read(path, strict=strict)
        assert drawn == []
        (again,) = json.loads(write_again(tmp_path, found, strict=strict).read_text())[
            "annotations"
        ]
        assert (again["segmentation"], again["area"]) == (rings, area.get("area", 16))
    assert drawn == rings


def test_c30_rings_stay_as_they_are(tmp_path: Path) -> None:
    closed = [5.0, 5.0, 1.0, 1.0, 1.0, 1.0, 9.0, 1.0, 5.0, 5.0]
    assert one(tmp_path, segmentation=[closed]).rings == [closed]


# --- other people's files --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "images", "shapes"),
    [
        ("solaris/coco_sample_3.json", 100, 89),
        ("lvis/lvis_val_100.json", 100, 977),
        ("sahi/coco_utils/visdrone2019-det-train-first50image.json", 50, 3326),
        ("mmpose/ochuman/test_ochuman.json", 3, 5),
        ("mmpose/interhand2.6m/test_interhand2.6m_data.json", 4, 4),
        ("mmyolo/coco_sample.json", 4, 8),
        ("panopticapi/panoptic_coco_detection_format.json", 2, 50),
        ("panopticapi/images_info_examples.json", 2, 0),
        ("cvat-polygons/annotations/instances_default.json", 6, 29),
        ("labelme/instance_segmentation/data_dataset_coco/annotations.json", 3, 12),
        ("labelformat/instance_segmentation/COCO/instances_with_binary_mask.json", 3, 4),
        ("roboflow-python/datasets/sharks-tiny-coco/train/_annotations.coco.json", 7, 44),
        ("od-metrics-toy/gts_coco_format/toy_example_coco.JSON", 10, 12),
        ("mmdetection/coco_wrong_format_sample.json", 1, 2),
        ("imantics/example.json", 2, 6),
    ],
)
def test_real_files_read_whole_and_come_back(
    tmp_path: Path, path: str, images: int, shapes: int
) -> None:
    # One of them names a category that it does not declare.
    found = read(samples(*path.split("/")), on_error="skip")
    assert (len(found.samples), len(found.shapes)) == (images, shapes)
    again = read(write_again(tmp_path, found))
    assert [sample.filename for sample in again.samples] == [
        sample.filename for sample in found.samples
    ]
    assert [type(shape) for shape in again.shapes] == [type(shape) for shape in found.shapes]
    assert [shape.label for shape in again.shapes] == [shape.label for shape in found.shapes]


@pytest.mark.parametrize(
    "path",
    [
        "cocoapi-results/instances_val2014_fakebbox100_results.json",
        "cocoapi-results/instances_val2014_fakesegm100_results.json",
        "cocoapi-results/person_keypoints_val2014_fakekeypoints100_results.json",
    ],
)
def test_real_results_read_whole(path: str) -> None:
    file = samples(*path.split("/"))
    plain = json.loads(file.read_text())
    found = read(file, predictions=True)
    assert (len(found.samples), len(found.shapes)) == (
        len({each["image_id"] for each in plain}),
        len(plain),
    )
    assert {shape.score for shape in found.shapes} == {each["score"] for each in plain}


@pytest.mark.parametrize(
    "path",
    [
        "datumaro/coco_dataset/coco_captions/annotations/captions_train.json",
        "panopticapi/panoptic_examples.json",
        "roboflow-python/annotations/invalid_annotation.json",
        "cocoapi-results/instances_val2014_fakebbox100_results.json",
    ],
)
def test_real_files_that_are_no_dataset_are_refused(path: str) -> None:
    error = fails(samples(*path.split("/")), "coco")
    assert isinstance(error, FormatError)
