"""Rows Y30 to Y35 of the conformance table: folders, lists and sizes as tools leave them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headrace.engine.convert.run import convert_blocking
from headrace.errors import ParseError
from headrace.model.shapes import Polygon
from tests.support.data.formats import Reading, fails, lay_out, samples, strict_fails
from tests.support.data.formats import read as read_any
from tests.support.layouts import Build
from tests.support.layouts import yolo as layouts

NAMES = "names: [a, b, c]\n"
ROW = "1 0.5 0.5 0.5 0.5\n"
DOTA = "imagesource:GoogleEarth\ngsd:0.14\n10 20 30.5 20 30.5 40 10 40 small-vehicle 1\n"


def read(path: Path, **options: Any) -> Reading:
    return read_any(path, "yolo", **options)


@pytest.mark.parametrize(
    ("image", "label", "noted"),
    [
        ("x.png", "x.txt", False),
        ("x.png", "labels/x.txt", True),
        ("x.png", "txt/x.txt", True),
        ("images/x.png", "labels/x.txt", False),
        ("images/x.png", "images/x.txt", False),
        ("images/x.png", "Annotations-txt/x.txt", True),
        ("images/a/x.png", "Annotations-txt/a/x.txt", True),
        ("pics/x.png", "labels/x.txt", True),
        ("pics/x.png", "pics/yolo/x.txt", True),
        ("data/pics/x.png", "data/pics/x.txt", False),
    ],
)
def test_y30_folders_of_labels(tmp_path: Path, image: str, label: str, noted: bool) -> None:
    files: dict[str, Any] = {"classes.txt": "a\nb\n", image: (8, 8), label: ROW}
    root = lay_out(tmp_path, files)
    for strict in (False, True):
        found = read(root, strict=strict)
        assert [shape.label for shape in found.shapes] == ["b"]
        assert [sample.path for sample in found.samples] == [image]
        assert ("Y30" in found.codes) is noted


@pytest.mark.parametrize("strict", [False, True])
def test_y30_two_folders_for_the_same_images_are_an_error(tmp_path: Path, strict: bool) -> None:
    files: dict[str, Any] = {"classes.txt": "a\nb\n", "images/x.png": (8, 8)}
    root = lay_out(tmp_path, files | {"old/x.txt": ROW, "new/x.txt": ROW})
    error = fails(root, "yolo", strict=strict)
    assert isinstance(error, ParseError)
    assert "new, old" in str(error)
    # Neither has the name of an image.
    lay_out(root, {"labels/x.txt": ROW})
    assert len(read(root, strict=strict).shapes) == 1


def test_y30_texts_of_other_names_are_no_labels(tmp_path: Path) -> None:
    files: dict[str, Any] = {"data.yaml": NAMES, "images/x.png": (8, 8), "captions/x.txt": "a cat"}
    root = lay_out(tmp_path, files | {"rows/y.txt": ROW})
    for strict in (False, True):
        found = read(root, strict=strict)
        assert [(one.filename, one.annotated) for one in found.samples] == [("x.png", False)]
        assert {finding.message for finding in found.of("Y09")} == {"no image has a label file"}


def test_y31_sizes_stand_in_a_file(tmp_path: Path) -> None:
    lines = [
        '["images/val/y.jpg",40,20]',
        '["images/train/sub/z.jpg",10,10]',
        '["images/train/ü x.jpg",200,100]',
        '["images/train/never.jpg",null,null]',
        '["images/train/\\u00fc x.jpg", 200, 100]',
    ]
    files: dict[str, Any] = {
        "data.yaml": "train: images/train\nval: images/val\n" + NAMES,
        "labels/train/ü x.txt": ROW,
        "labels/train/sub/z.txt": "",
        "labels/val/y.txt": ROW,
        "image-sizes.jsonl": "\n".join(lines) + "\n",
    }
    root = lay_out(tmp_path, files)
    for strict in (False, True):
        found = read(root, strict=strict)
        assert [
            (one.path, one.width, one.height, one.annotated, len(one.shapes))
            for one in found.samples
        ] == [
            ("images/train/never.jpg", None, None, False, 0),
            ("images/train/ü x.jpg", 200, 100, True, 1),
            ("images/train/sub/z.jpg", 10, 10, True, 0),
            ("images/val/y.jpg", 40, 20, True, 1),
        ]
        assert (found.shapes[0].x, found.shapes[0].w) == (50, 100)


def test_y31_images_that_are_there_count_most(tmp_path: Path) -> None:
    lines = ["turned 100 50", "other 7 7", "gone 9 9", "unlabelled 9 9"]
    sizes = "".join(
        f'["images/{name}.png",{width},{height}]\n' for name, width, height in map(str.split, lines)
    )
    files: dict[str, Any] = {"data.yaml": "train: images\n" + NAMES, "image-sizes.jsonl": sizes}
    files |= {
        "images/turned.png": (50, 100),
        "images/other.png": (20, 10),
        "images/new.png": (4, 4),
    }
    files |= {f"labels/{name}.txt": ROW for name in ("turned", "other", "gone", "new")}
    for strict in (False, True):
        found = read(lay_out(tmp_path, files), strict=strict)
        # The image "other" was replaced by one of another size; "unlabelled" was deleted.
        assert {one.filename: (one.width, one.height) for one in found.samples} == {
            "turned.png": (100, 50),
            "other.png": (20, 10),
            "gone.png": (9, 9),
            "new.png": (4, 4),
        }
        assert len(found.shapes) == 4


@pytest.mark.parametrize(
    "line",
    ["x", "[]", '["images/x.png",1]', '["images/x.png",0,5]', "[1,1,1]"],
)
def test_y31_bad_lines_are_reported(tmp_path: Path, line: str) -> None:
    files: dict[str, Any] = {"data.yaml": "train: images\n" + NAMES, "labels/x.txt": ROW}
    root = lay_out(tmp_path, files | {"image-sizes.jsonl": f'{line}\n["images/x.png",9,9]'})
    found = read(root)
    assert len(found.shapes) == 1
    assert [finding.examples[0].line for finding in found.of("Y31")] == [1]
    strict_fails(root, "yolo", "Y31")


def test_y32_rows_of_dota(tmp_path: Path) -> None:
    files: dict[str, Any] = {"images/x.png": (50, 50), "images/y.png": (60, 60)}
    files |= {"labelTxt/x.txt": DOTA, "labelTxt/y.txt": DOTA.replace(" 1\n", "\r\n")}
    root = lay_out(tmp_path, files | {"images/none.png": (9, 9)})
    for strict in (False, True):
        found = read(root, strict=strict)
        assert found.names == ["small-vehicle"]
        ring = [10, 20, 30.5, 20, 30.5, 40, 10, 40]
        assert found.shapes == [
            Polygon(label="small-vehicle", rings=[ring], attributes={"difficult": 1}),
            Polygon(label="small-vehicle", rings=[ring]),
        ]
        assert [(one.filename, one.annotated) for one in found.samples] == [
            ("none.png", False),
            ("x.png", True),
            ("y.png", True),
        ]
        assert found.about["task"] == "obb"


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    "row",
    ["1 2 3 4 5 6 7 8", "1 2 3 4 5 6 7 plane 0", "1 2 3 nan 5 6 7 8 plane 0", "0 .5 .5 .1 .1"],
)
def test_y32_rows_that_are_not_dota(tmp_path: Path, strict: bool, row: str) -> None:
    files: dict[str, Any] = {"images/x.png": (50, 50), "labelTxt/x.txt": f"{DOTA}{row}\n"}
    root = lay_out(tmp_path, files)
    error = fails(root, "yolo", strict=strict)
    assert isinstance(error, ParseError)
    assert error.line == 4
    found = read(root, on_error="skip")
    assert (len(found.shapes), found.of("Y32")[0].dropped_shapes) == (1, 1)


@pytest.mark.parametrize(
    "place",
    [
        "classes.txt", "obj.names", "street.names", "labels/classes.txt", "images/predefined_classes.txt",
        "labels/train/classes.txt", "train/_darknet.labels", "data/obj.names",
    ],
)  # fmt: skip
def test_y33_where_lists_of_classes_are(tmp_path: Path, place: str) -> None:
    files: dict[str, Any] = {"images/train/x.png": (8, 8), "labels/train/x.txt": ROW}
    if place.startswith("train/"):
        files = {"train/x.png": (8, 8), "train/x.txt": ROW}
    root = lay_out(tmp_path, files | {place: "one\ntwo\n"})
    for strict in (False, True):
        found = read(root, strict=strict)
        assert found.names == ["one", "two"]
        assert [shape.label for shape in found.shapes] == ["two"]
    lay_out(root, {"data.yaml": "train: images/train\n" if "train/x.png" not in files else "nc: 2"})
    assert read(root).names == ["one", "two"]


@pytest.mark.parametrize(
    "files",
    [
        {"classes.txt": ""},
        {"data.yaml": "train: images/train\nnames: []\n"},
        {"obj.data": "classes = 2\nnames = data/gone.names\n"},
        {},
    ],
)
def test_y33_names_are_never_lost_without_a_word(tmp_path: Path, files: dict[str, Any]) -> None:
    root = lay_out(tmp_path, files | {"images/train/x.png": (8, 8), "labels/train/x.txt": ROW})
    found = read(root)
    assert [shape.label for shape in found.shapes] == ["class_1"]
    assert found.of("Y01")
    strict_fails(root, "yolo", "Y01")


def test_y35_the_only_folder_inside(tmp_path: Path) -> None:
    wanted = layouts.build_ultralytics(tmp_path / "street")
    lay_out(tmp_path, {"README.txt": "Unpacked here.\n"})
    for strict in (False, True):
        found = read(tmp_path, strict=strict)
        assert [sample.path for sample in found.samples] == [
            f"street/{path}" for path in wanted.paths
        ]
        assert len(found.shapes) == wanted.shapes
    layouts.build_roboflow(tmp_path / "cones")
    for strict in (False, True):
        assert "cones, street" in str(fails(tmp_path, "yolo", strict=strict))


@pytest.mark.parametrize("part", ["labels", "labels/train"])
@pytest.mark.parametrize("listed", ["data.yaml", "classes.txt"])
def test_y33_a_part_of_a_dataset_has_the_classes_of_the_whole(
    tmp_path: Path, part: str, listed: str
) -> None:
    text = "train: images/train\nnames: [one, two]\n" if listed == "data.yaml" else "one\ntwo\n"
    files: dict[str, Any] = {listed: text, "labels/train/x.txt": ROW}
    root = lay_out(tmp_path / "set", files | {"images/train/x.png": (8, 8)})
    for strict in (False, True):
        found = read(root / part, strict=strict, images=root / "images" / "train")
        assert [shape.label for shape in found.shapes] == ["two"]
        assert found.of("Y33")[0].severity.name == "NOTE"


@pytest.mark.parametrize("strict", [False, True])
def test_y33_lists_that_differ_are_an_error(tmp_path: Path, strict: bool) -> None:
    files: dict[str, Any] = {"train/_darknet.labels": "a\nb\n", "valid/_darknet.labels": "b\na\n"}
    files |= {"train/x.png": (8, 8), "train/x.txt": ROW, "valid/y.png": (8, 8), "valid/y.txt": ROW}
    root = lay_out(tmp_path, files)
    assert "lists of classes differ" in str(fails(root, "yolo", strict=strict))
    lay_out(root, {"classes.txt": "a\nb\n"})
    assert len(read(root, strict=strict).shapes) == 2


@pytest.mark.parametrize("images", [True, False])
def test_y34_equal_names_of_two_splits(tmp_path: Path, images: bool) -> None:
    files: dict[str, Any] = {"data.yaml": "train: images/train\nval: images/val\n" + NAMES}
    for split in ("train", "val"):
        files |= {f"labels/{split}/a/1.txt": "", f"labels/{split}/a/{split}.txt": ""}
        if images:
            files |= {f"images/{split}/a/1.png": (8, 8), f"images/{split}/a/{split}.png": (8, 8)}
    suffix = ".png" if images else ""
    names = [f"{name}{suffix}" for name in ("train/a/1", "a/train", "val/a/1", "a/val")]
    sizes = "".join(
        f'["images/{split}/a/{name}.png",8,8]\n'
        for split in ("train", "val")
        for name in ("1", split)
    )
    root = lay_out(tmp_path, files)
    for strict in (False, True):
        if images:
            assert [one.filename for one in read(root, strict=strict).samples] == names
            listed = "".join(f"images/{s}/a/{n}.png\n" for s in ("train",) for n in ("1", s))
            lay_out(root, {"train.txt": listed, "val.txt": listed.replace("train", "val")})
            lay_out(root, {"data.yaml": "train: train.txt\nval: val.txt\n" + NAMES})
            assert [one.filename for one in read(root, strict=strict).samples] == names
        else:
            lay_out(root, {"image-sizes.jsonl": sizes})
            found = [one.filename for one in read(root, strict=strict).samples]
            assert found == [f"{name}.png" for name in names]


@pytest.mark.parametrize(
    "build", [*layouts.LAYOUTS, *layouts.WITHOUT_IMAGES], ids=lambda build: build.__name__[6:]
)
def test_y35_layouts_of_tools(tmp_path: Path, build: Build) -> None:
    wanted = build(tmp_path / "street")
    options = {}
    if build in layouts.WITHOUT_IMAGES and build is not layouts.build_with_sizes:
        # The images lie in another folder, below the same paths.
        layouts.draw_images(tmp_path / "pictures", wanted)
        options["images"] = tmp_path / "pictures"
    found = read(tmp_path / "street", **options)
    assert (len(found.samples), len(found.shapes)) == (wanted.images, wanted.shapes)
    if not found.of("Y20"):
        told = {finding.code for finding in found.findings if finding.severity.name == "WARNING"}
        # The yaml of the platform's zip names folders that it does not hold.
        assert told <= ({"Y04"} if "platform" in build.__name__ else set())
        if not told:
            strict = read(tmp_path / "street", strict=True, **options)
            assert strict.samples == found.samples


@pytest.mark.parametrize(
    ("name", "task"),
    [("coco8", "detect"), ("coco8-seg", "segment"), ("coco8-pose", "pose"), ("dota8", "obb")],
)
def test_y28_the_task_of_real_datasets_stays(tmp_path: Path, name: str, task: str) -> None:
    for strict in (False, True):
        target = tmp_path / str(strict)
        options = {"task": task} if strict else {}
        convert_blocking(
            samples("ultralytics-hub", name),
            target,
            to="yolo",
            strict=strict and name not in ("coco8-pose", "dota8"),
            **options,  # type: ignore[arg-type]
        )
        assert f"task: {task}\n" in (target / "data.yaml").read_text()
