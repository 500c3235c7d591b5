"""Rows Y01 to Y26 of the conformance table: what a reader must take, mend, report or refuse."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from headrace import formats
from headrace.errors import LossyWriteError, ParseError
from headrace.model.shapes import Classification, Keypoints, Polygon, Rectangle
from tests.support.data.formats import (
    Reading,
    fails,
    jpeg,
    lay_out,
    numbers,
    png,
    samples,
    strict_fails,
)
from tests.support.data.formats import read as read_any

NAMES = "names: [a, b, c]\n"
SPLIT = "train: images/train\n"


def read(path: Path, **options: Any) -> Reading:
    return read_any(path, "yolo", **options)


def dataset(
    root: Path, rows: str | bytes = "0 0.5 0.5 0.5 0.5\n", yaml: str = SPLIT + NAMES
) -> Path:
    """One image of 100 x 50 with these rows."""
    return lay_out(
        root,
        {"data.yaml": yaml, "images/train/x.png": (100, 50), "labels/train/x.txt": rows},
    )


@pytest.mark.parametrize(
    "names",
    [
        "[a, b, c]",
        "{0: a, 1: b, 2: c}",
        "{'0': a, '1': b, '2': c}",
        "{2: c, 0: a, 1: b}",
        "\n  - a\n  - b\n  - c",
        "\n  0: a\n  1: b\n  2: c",
    ],
)
def test_y01_names_in_every_spelling(tmp_path: Path, names: str) -> None:
    root = dataset(tmp_path, "2 0.5 0.5 1 1", f"{SPLIT}names: {names}\n")
    for strict in (False, True):
        found = read(root, strict=strict)
        assert found.names == ["a", "b", "c"]
        assert [shape.label for shape in found.shapes] == ["c"]


def test_y01_gaps_are_reported(tmp_path: Path) -> None:
    root = dataset(tmp_path, "7 0.5 0.5 1 1", SPLIT + "names: {0: a, 7: b}\n")
    found = read(root)
    assert (found.names, found.shapes[0].label) == (["a", "b"], "b")
    assert found.codes == {"Y01"}
    strict_fails(root, "yolo", "Y01")


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("names", ["[a, [b]]", "{x: a}", "{-1: a}", "7", "{0: {a: b}}"])
def test_y01_names_that_are_none_are_refused(tmp_path: Path, strict: bool, names: str) -> None:
    error = fails(dataset(tmp_path, yaml=f"{SPLIT}names: {names}\n"), "yolo", strict=strict)
    assert isinstance(error, ParseError)
    assert "data.yaml" in str(error)


def test_y02_nc(tmp_path: Path) -> None:
    only = dataset(tmp_path / "only", yaml=SPLIT + "nc: 2\n")
    for strict in (False, True):
        assert read(only, strict=strict).names == ["class_0", "class_1"]
    both = read(dataset(tmp_path / "both", yaml=SPLIT + "nc: 3\n" + NAMES), strict=True)
    assert both.names == ["a", "b", "c"]
    root = dataset(tmp_path / "wrong", yaml=SPLIT + "nc: 5\n" + NAMES)
    assert read(root).codes == {"Y02"}
    strict_fails(root, "yolo", "Y02")
    assert "nc" in str(fails(dataset(tmp_path / "bad", yaml=SPLIT + "nc: many\n"), "yolo"))


def test_y03_names_stay_text(tmp_path: Path) -> None:
    words = ["no", "yes", "on", "1", "0x10", "~", "2024-01-01", "012", "1e3", "null", "1_000"]
    for spelled in (
        f"[{', '.join(words)}]",
        "{" + ", ".join(f"{i}: {word}" for i, word in enumerate(words)) + "}",
    ):
        root = dataset(tmp_path / str(len(spelled)), yaml=f"{SPLIT}names: {spelled}\n")
        for strict in (False, True):
            assert read(root, strict=strict).names == words


def test_y04_path_is_taken_first_then_the_yamls_folder(tmp_path: Path) -> None:
    files: dict[str, Any] = {"cfg/data.yaml": "path: ../data\n" + SPLIT + NAMES}
    files |= {"data/images/train/x.png": (9, 9), "data/labels/train/x.txt": "0 .5 .5 1 1"}
    found = read(lay_out(tmp_path, files) / "cfg" / "data.yaml")
    assert [shape.label for shape in found.shapes] == ["a"]
    assert str(tmp_path / "cfg/../data/images/train") in str(found.of("Y04")[0].examples[0])
    absolute = f"path: {tmp_path}/data\n{SPLIT}{NAMES}"
    assert read(lay_out(tmp_path / "b", {"data.yaml": absolute})).shapes
    moved = dataset(tmp_path / "c", yaml=f"path: /no/such/disk\n{SPLIT}{NAMES}")
    assert read(moved).shapes
    dot = dataset(tmp_path / "d", yaml=f"path: .\n{SPLIT}{NAMES}")
    assert read(dot, strict=True).codes == set()


def test_y04_roboflow_paths_lose_their_dots(tmp_path: Path) -> None:
    yaml = "train: ../train/images\nval: ../valid/images\n" + NAMES
    files: dict[str, Any] = {"data.yaml": yaml, "train/images/x.png": (9, 9)}
    root = lay_out(tmp_path / "r", files | {"train/labels/x.txt": "1 .5 .5 1 1"})
    found = read(root)
    assert [(one.filename, one.split) for one in found.samples] == [("x.png", "train")]
    assert {finding.severity.name for finding in found.of("Y04")} == {"NOTE", "WARNING"}
    strict_fails(root, "yolo", "Y04")


@pytest.mark.parametrize("entry", ["/", "\\", "//", "../" * 40])
def test_y04_the_whole_disk_is_never_walked(tmp_path: Path, entry: str) -> None:
    root = lay_out(tmp_path, {"data.yaml": f"train: {entry}\n{NAMES}", "x.png": (9, 9)})
    for strict in (False, True):
        found = read(root, strict=strict)
        assert [one.filename for one in found.samples] == ["x.png"]
        assert found.codes >= {"Y04"}


def test_y04_nothing_there_is_an_error_but_the_classes_are_known(tmp_path: Path) -> None:
    root = lay_out(tmp_path, {"data.yaml": SPLIT + NAMES})
    assert "Y04" in str(fails(root, "yolo", strict=True))
    assert "none of its image or label folders" in str(fails(root, "yolo"))


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ("images/train", "folder"),
        ("train.txt", "list"),
        ("[images/train]", "list of folders"),
        ("[train.txt]", "list of lists"),
        ("[images/train/x.png]", "list of images"),
    ],
)
def test_y05_every_kind_of_entry(tmp_path: Path, entry: str, kind: str) -> None:
    root = dataset(tmp_path, yaml=f"train: {entry}\ntest:\nval: ~\n{NAMES}")
    lay_out(root, {"train.txt": "images/train/x.png\n"})
    for strict in (False, True):
        found = read(root, strict=strict)
        assert [(one.filename, one.split) for one in found.samples] == [("x.png", "train")], kind


def test_y05_splits_and_their_names(tmp_path: Path) -> None:
    yaml = "".join(f"{key}: images/{key}\n" for key in ("test", "validation", "train", "minival"))
    files: dict[str, Any] = {"data.yaml": yaml + NAMES}
    for key in ("test", "validation", "train", "minival"):
        files[f"images/{key}/{key}.png"] = (9, 9)
    root = lay_out(tmp_path, files)
    found = read(root)
    assert [one.split for one in found.samples] == ["train", "val", "test", "minival"]
    assert [one.filename for one in read(root, split="valid").samples] == ["validation.png"]
    assert "splits: minival, test, train, val" in str(fails(root, "yolo", split="dev"))


@pytest.mark.parametrize("strict", [False, True])
def test_y05_several_folders_keep_their_images_apart(tmp_path: Path, strict: bool) -> None:
    files: dict[str, Any] = {"data.yaml": "train: [images/a, images/b]\n" + NAMES}
    files |= {"images/a/x.png": (9, 9), "images/b/x.png": (9, 9), "labels/b/x.txt": "0 .5 .5 1 1"}
    found = read(lay_out(tmp_path, files), strict=strict)
    assert [(one.filename, len(one.shapes)) for one in found.samples] == [
        ("a/x.png", 0),
        ("b/x.png", 1),
    ]


def test_y05_one_folder_for_two_splits_is_read_once(tmp_path: Path) -> None:
    root = dataset(tmp_path, yaml=SPLIT + "val: images/train\n" + NAMES)
    for strict in (False, True):
        found = read(root, strict=strict)
        assert [one.split for one in found.samples] == ["train"]
        assert found.codes == {"Y05"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("./images/train/x.png", False),
        ("images/train/x.png", False),
        ("data/images/train/x.png", True),
        ("/somebody/else/images/train/x.png", True),
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n", ""])
def test_y06_lines_of_lists(tmp_path: Path, line: str, told: bool, ends: str) -> None:
    root = dataset(tmp_path, yaml="train: lists/train.txt\n" + NAMES)
    lay_out(root, {"lists/train.txt": f"\ufeff{line}{ends}{ends}"})
    found = read(root)
    assert [(one.filename, len(one.shapes)) for one in found.samples] == [("x.png", 1)]
    lay_out(root, {"lists/train.txt": f"{tmp_path}/images/train/x.png"})
    assert len(read(root, strict=True).shapes) == 1
    lay_out(root, {"data.yaml": "train: train.txt\n" + NAMES, "train.txt": line})
    assert ("Y06" in read(root).codes) is told


def test_y06_a_list_may_count_from_the_current_folder_last_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = dataset(tmp_path / "data", yaml="train: train.txt\n" + NAMES)
    lay_out(root, {"train.txt": "data/images/train/x.png\nrest/images/y.png\n"})
    lay_out(tmp_path, {"rest/images/y.png": (9, 9), "rest/labels/y.txt": "1 .5 .5 1 1"})
    assert "Y06" in str(fails(root, "yolo"))
    monkeypatch.chdir(tmp_path)
    for strict in (False, True):
        found = read(root, strict=strict)
        assert [shape.label for shape in found.shapes] == ["a", "b"]
        assert found.of("Y06")[0].severity.name == "NOTE"


@pytest.mark.parametrize("strict", [False, True])
def test_y06_missing_images_are_errors(tmp_path: Path, strict: bool) -> None:
    root = dataset(tmp_path, yaml="train: train.txt\n" + NAMES)
    lay_out(root, {"train.txt": "images/train/x.png\nimages/train/gone.png\n"})
    assert "Y06" in str(fails(root, "yolo", strict=strict))
    found = read(root, on_error="skip")
    assert [finding.dropped_images for finding in found.of("Y06")] == [1]


def test_y07_the_last_images_of_the_way(tmp_path: Path) -> None:
    files: dict[str, Any] = {
        "data.yaml": "train: images/a\n" + NAMES,
        "images/a/images/b.rgb.png": (9, 9),
        "images/a/labels/b.rgb.txt": "1 .5 .5 1 1",
        "labels/a/images/b.rgb.txt": "0 .5 .5 1 1",
    }
    for strict in (False, True):
        found = read(lay_out(tmp_path, files), strict=strict)
        assert [shape.label for shape in found.shapes] == ["b"]


def test_y07_without_images_on_the_way_labels_lie_beside(tmp_path: Path) -> None:
    files: dict[str, Any] = {"data.yaml": "train: pics\n" + NAMES, "pics/x.png": (9, 9)}
    root = lay_out(tmp_path, files | {"pics/x.txt": "1 .5 .5 1 1", "pics/classes.txt": "a\nb\n"})
    for strict in (False, True):
        found = read(root, strict=strict)
        assert [shape.label for shape in found.shapes] == ["b"]
        assert found.of("Y07")[0].severity.name == "NOTE"


def test_y07_a_label_file_without_its_image_is_counted(tmp_path: Path) -> None:
    root = lay_out(dataset(tmp_path), {"labels/train/lost.txt": "0 .5 .5 1 1\n" * 3})
    lay_out(root, {"labels/train/lost.txt": "0 0.5 0.5 1 1\n0 0.5 0.5 0.5 1\n"})
    (finding,) = read(root).of("Y07")
    assert (finding.dropped_images, finding.dropped_shapes) == (1, 2)
    strict_fails(root, "yolo", "Y07")


SUFFIXES = ["bmp", "dng", "jpeg", "jpg", "mpo", "png", "tif", "tiff", "webp", "pfm", "heic"]


@pytest.mark.parametrize("suffix", [*SUFFIXES, *map(str.upper, SUFFIXES), "Jpg"])
def test_y08_every_suffix_in_any_case(tmp_path: Path, suffix: str) -> None:
    files: dict[str, Any] = {"data.yaml": "train: images\n" + NAMES, f"images/a.b.{suffix}": (9, 9)}
    found = read(lay_out(tmp_path, files | {"labels/a.b.txt": "0 .5 .5 1 1"}), strict=True)
    assert (found.samples[0].filename, len(found.shapes)) == (f"a.b.{suffix}", 1)


def test_y09_no_file_and_an_empty_file_are_two_states(tmp_path: Path) -> None:
    files: dict[str, Any] = {"data.yaml": "train: images\n" + NAMES}
    files |= {f"images/{name}.png": (9, 9) for name in ("none", "empty", "blank")}
    root = lay_out(tmp_path, files | {"labels/empty.txt": "", "labels/blank.txt": " \n\n"})
    for strict in (False, True):
        found = read(root, strict=strict)
        assert {one.filename: one.annotated for one in found.samples} == {
            "none.png": False,
            "empty.png": True,
            "blank.png": True,
        }
        assert (found.samples[0].width, found.samples[0].height) == (9, 9)


ROWS = [
    b"1 0.5 0.5 0.25 0.5",
    b"1 0.5 0.5 0.25 0.5\n\n\n",
    b"\n\n1 0.5 0.5 0.25 0.5\n",
    b"1\t0.5 0.5\t0.25  0.5   \r\n",
    b"1 0.5 0.5 0.25 0.5\r\n",
    b"1 0.5 0.5 0.25 0.5\r",
    b"  1 0.5 0.5 0.25 0.5",
    b"\xef\xbb\xbf1 0.5 0.5 0.25 0.5",
    b"1 5e-1 5E-01 +.25 .5",
    b"1.0 0.5 0.5 0.25 0.5",
    b"01 00.5 0.50 0.250 0.5",
    b"1.0e0 0.5 0.5 0.25 0.5",
    b"1\x0b0.5\x0c0.5 0.25 0.5",
]


@pytest.mark.parametrize("row", ROWS)
def test_y10_every_spelling_of_a_row(tmp_path: Path, row: bytes) -> None:
    for strict in (False, True):
        found = read(dataset(tmp_path, row), strict=strict)
        (shape,) = found.shapes
        assert shape == Rectangle(label="b", x=37.5, y=12.5, w=25, h=25)
        assert found.codes == set()


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    "row",
    [
        "3 0.5 0.5 0.1 0.1", "-1 0.5 0.5 0.1 0.1", "0.5 0.5 0.5 0.1 0.1", "dog 0.5 0.5 0.1 0.1",
        "1e400 0.5 0.5 0.1 0.1", "0 0.5 0.5 0.1", "0", "0 nan 0.5 0.1 0.1", "0 0.5 inf 0.1 0.1",
        "0 0.5 0.5 1_0 0.1", "0 0.5 0.5 0.1 0x1", "0 [0.5] 0.5 0.1 0.1", "0,0.5,0.5,0.1,0.1",
        "null 0.5 0.5 0.1 0.1", "0 true 0.5 0.1 0.1", "1.2.3 0.5 0.5 0.1 0.1", "\x00", "٣ 0.5 0.5 1 1",
        "0 0.5 0.5 0.1 " + "9" * 500, '"0" 0.5 0.5 0.1 0.1', "{} 0.5 0.5 0.1 0.1",
    ],
)  # fmt: skip
def test_y10_what_is_no_row_is_an_error_with_its_line(
    tmp_path: Path, strict: bool, row: str
) -> None:
    root = dataset(tmp_path, f"0 0.5 0.5 0.1 0.1\n\n{row}\n0 0.5 0.5 0.1 0.2\n")
    error = fails(root, "yolo", strict=strict)
    assert isinstance(error, ParseError)
    assert error.line == 3
    assert error.path == str(tmp_path / "labels/train/x.txt")
    found = read(root, on_error="skip")
    assert len(found.shapes) == 2
    assert sum(finding.dropped_shapes for finding in found.findings) == 1


@pytest.mark.parametrize(
    "row", ["0 1.005 0.5 0.1 0.1", "0 -0.01 0.5 0.1 0.1", "0 0.5 0.5 1.01 0.1"]
)
def test_y11_inside_the_tolerance(tmp_path: Path, row: str) -> None:
    root = dataset(tmp_path, row)
    found = read(root)
    x, _, w, _ = numbers(found.shapes[0])
    assert 0 <= x + w / 2 <= 100
    assert w <= 100
    assert found.codes == {"Y11"}
    strict_fails(root, "yolo", "Y11")


@pytest.mark.parametrize("row", ["0 1.02 0.5 0.1 0.1", "0 0.5 -0.02 0.1 0.1", "0 50 25 10 10"])
def test_y11_outside_the_tolerance(tmp_path: Path, row: str) -> None:
    root = dataset(tmp_path, row)
    assert "Y11" in str(fails(root, "yolo"))
    strict_fails(root, "yolo", "Y11")
    assert read(root, on_error="skip").shapes == []


def test_y12_outlines_of_any_length(tmp_path: Path) -> None:
    rows = "0 0 0 0.5 0 0.5 0.5\n1 0.1 0.1 0.2 0.1 0.2 0.2 0.1 0.2 0.1 0.15\n"
    for strict in (False, True):
        found = read(dataset(tmp_path, rows), strict=strict)
        assert [type(shape) for shape in found.shapes] == [Polygon, Polygon]
        assert numbers(found.shapes[0]) == [0, 0, 50, 0, 50, 25]
        assert len(numbers(found.shapes[1])) == 10
    odd = dataset(tmp_path / "odd", "0 0.1 0.1 0.2 0.1 0.2 0.2 0.1\n")
    assert "Y12" in str(fails(odd, "yolo"))
    assert read(odd, on_error="skip").shapes == []


def test_y13_four_corners_need_a_task(tmp_path: Path) -> None:
    rows = "0 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5\n"
    root = dataset(tmp_path, rows)
    assert read(root).codes == {"Y13"}
    strict_fails(root, "yolo", "Y13")
    for task in ("segment", "obb"):
        assert read(root, strict=True, task=task).codes == set()
        told = dataset(tmp_path / task, rows, f"{SPLIT}task: {task}\n{NAMES}")
        assert read(told, strict=True).about["task"] == task
    assert "Y13" in str(fails(dataset(tmp_path / "b", "0 0.5 0.5 1 1"), "yolo", task="obb"))


def test_y13_corners_of_turned_boxes_may_lie_outside(tmp_path: Path) -> None:
    root = dataset(tmp_path, "0 -0.07 0.1 0.5 -0.2 1.06 0.5 0.1 0.5\n")
    found = read(root, task="obb")
    assert numbers(found.shapes[0])[:2] == pytest.approx([-7, 5])
    assert found.codes == {"Y11"}
    strict_fails(root, "yolo", "Y11", task="obb")


def test_y14_pose_rows(tmp_path: Path) -> None:
    yaml = SPLIT + NAMES + "kpt_shape: [2, 3]\nflip_idx: [1, 0]\n"
    rows = "0 0.5 0.5 0.2 0.4 0.1 0.2 2.000000 0.3 0.4 1\n1 0.5 0.5 0.2 0.4 0.1 0.2 0 0 0 0\n"
    for strict in (False, True):
        found = read(dataset(tmp_path, rows, yaml), strict=strict)
        first, second = found.shapes
        assert isinstance(first, Keypoints)
        assert first.points == pytest.approx([10, 10, 2, 30, 20, 1])
        assert first.bbox == pytest.approx((40, 15, 20, 20))
        assert second.points == [0, 0, 0, 0, 0, 0]
        assert found.about == {"flip_idx": [1, 0], "task": "pose", "kpt_shape": [2, 3]}


def test_y14_two_numbers_a_point(tmp_path: Path) -> None:
    yaml = SPLIT + NAMES + "kpt_shape: [2, 2]\n"
    found = read(dataset(tmp_path, "0 0.5 0.5 0.2 0.4 0.1 0.2 -1 -1\n", yaml), strict=True)
    assert found.shapes[0].points == pytest.approx([10, 10, 2, 0, 0, 0])


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("row", ["0 0.5 0.5 0.2 0.4", "0 0.5 0.5 0.2 0.4 0.1 0.2 2 0.3 0.4 3"])
def test_y14_wrong_rows(tmp_path: Path, strict: bool, row: str) -> None:
    root = dataset(tmp_path, row, SPLIT + NAMES + "kpt_shape: [2, 3]\n")
    assert "Y14" in str(fails(root, "yolo", strict=strict))
    assert read(root, on_error="skip").shapes == []


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("shape", ["[17]", "[17, 4]", "17", "[a, 3]", "[-1, 3]", "[1.5, 3]"])
def test_y14_wrong_kpt_shape(tmp_path: Path, strict: bool, shape: str) -> None:
    root = dataset(tmp_path, yaml=f"{SPLIT}{NAMES}kpt_shape: {shape}\n")
    assert "kpt_shape" in str(fails(root, "yolo", strict=strict))


def test_y15_rows_of_two_kinds_are_typed_one_by_one(tmp_path: Path) -> None:
    root = dataset(tmp_path, "0 0.5 0.5 0.2 0.2\n1 0 0 0.5 0 0.5 0.5\n")
    for strict in (False, True):
        found = read(root, strict=strict)
        assert [type(shape) for shape in found.shapes] == [Rectangle, Polygon]
        assert found.codes == {"Y15"}


@pytest.mark.parametrize("task", ["detect", "segment"])
def test_y15_rows_of_two_kinds_are_never_written(tmp_path: Path, task: str) -> None:
    root = dataset(tmp_path / "mixed", "0 0.5 0.5 0.2 0.2\n1 0 0 0.5 0 0.5 0.5\n")
    found = read(root)
    target = tmp_path / "out"
    formats.write(found.samples, target, "yolo", task=task)
    (file,) = target.rglob("x.txt")
    lengths = {len(row.split()) == 5 for row in file.read_text().splitlines()}
    assert lengths == {task == "detect"}
    with pytest.raises(LossyWriteError):
        formats.write(found.samples, tmp_path / "strict", "yolo", task=task, strict=True)
    assert not (tmp_path / "strict").exists()


def test_y16_confidence_only_when_asked_for(tmp_path: Path) -> None:
    root = dataset(tmp_path, "0 0.5 0.5 0.2 0.2 0.875\n")
    assert "Y16" in str(fails(root, "yolo"))
    strict_fails(root, "yolo", "Y16")
    found = read(root, predictions=True, strict=True)
    assert [shape.score for shape in found.shapes] == [0.875]
    outline = dataset(tmp_path / "seg", "0 0 0 0.5 0 0.5 0.5 0.25\n")
    assert [shape.score for shape in read(outline, predictions=True).shapes] == [0.25]


def test_y17_comments(tmp_path: Path) -> None:
    root = dataset(tmp_path, "# by hand\n0 0.5 0.5 0.2 0.2\n", f"# fine here\n{SPLIT}{NAMES}")
    found = read(root)
    assert len(found.shapes) == 1
    assert str(found.of("Y17")[0].examples[0]).endswith("x.txt:1")
    strict_fails(root, "yolo", "Y17")


def test_y18_repeated_rows_are_kept_and_reported(tmp_path: Path) -> None:
    root = dataset(tmp_path, "0 0.5 0.5 0.2 0.2\n" * 3)
    for strict in (False, True):
        found = read(root, strict=strict)
        assert len(found.shapes) == 3
        assert [finding.count for finding in found.of("Y18")] == [2]


def test_y19_download_is_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    root = dataset(tmp_path / "d", yaml=f"{SPLIT}{NAMES}download: |\n  open({str(mark)!r}, 'w')\n")
    for strict in (False, True):
        found = read(root, strict=strict)
        assert found.codes == {"Y19"}
        assert "download" not in found.about
    assert not mark.exists()
    runs = f"x: !!python/object/apply:os.system ['touch {mark}']\n"
    read(dataset(tmp_path / "r", yaml=f"{SPLIT}{NAMES}{runs}"))
    assert not mark.exists()
    empty = dataset(tmp_path / "e", yaml=f"{SPLIT}{NAMES}download:\n")
    assert read(empty).codes == set()


@pytest.mark.parametrize(
    "more",
    [
        "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
        "a: " + "[" * 5_000 + "]" * 5_000 + "\n",
        "a: " + "x" * 2_000_000 + "\n",
    ],
    ids=["unfolds", "deep", "large"],
)
def test_a_yaml_that_attacks_is_refused(tmp_path: Path, more: str) -> None:
    root = dataset(tmp_path / "d", yaml=f"{SPLIT}{NAMES}{more}")
    assert "data.yaml" in str(fails(root, "yolo"))


def test_y20_classification_folders(tmp_path: Path) -> None:
    files: dict[str, Any] = {
        f"train/{name}": (9, 8) for name in ("dog/1.png", "cat/a.png", "cat/b.png")
    }
    files |= {"valid/dog/2.png": (9, 8), "train/empty/.keep": ""}
    root = lay_out(tmp_path, files)
    for strict in (False, True):
        found = read(root, strict=strict)
        assert found.names == ["cat", "dog", "empty"]
        assert [(one.filename, one.split) for one in found.samples] == [
            ("cat/a.png", "train"), ("cat/b.png", "train"), ("dog/1.png", "train"), ("dog/2.png", "val"),
        ]  # fmt: skip
        assert found.samples[0].shapes == [Classification(label="cat")]
        assert (found.samples[0].width, found.samples[0].height) == (9, 8)
    lay_out(tmp_path, {"valid/new/3.png": (9, 8)})
    assert read(root).names == ["cat", "dog", "empty", "new"]
    strict_fails(root, "yolo", "Y20")


@pytest.mark.parametrize("size", [(1, 1), (640, 480), (20_000, 7), (99_999, 99_991)])
def test_y21_what_is_written_reads_back_within_a_millionth_of_a_pixel(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    from headrace.model.sample import Sample
    from tests.unit.formats.yolo.test_yolo_writer import write

    width, height = size
    boxes = [
        Rectangle(label="dog", x=width * a, y=height * b, w=width * (1 - a) / 3, h=height * (1 - b))
        for a, b in ((0, 0), (1 / 3, 1 / 7), (0.123456789, 0.999999))
    ]
    out = tmp_path / "out"
    write(out, [Sample(filename="x.png", width=width, height=height, shapes=[*boxes])])
    lay_out(out, {"images/train/x.png": size})
    found = read(out, strict=True)
    for before, after in zip(boxes, found.shapes, strict=True):
        assert numbers(after) == pytest.approx(numbers(before), abs=1e-6)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_y22_turned_images(tmp_path: Path, orientation: int) -> None:
    root = dataset(tmp_path)
    (root / "images/train/x.png").unlink()
    lay_out(root, {"images/train/x.jpg": jpeg(100, 50, orientation)})
    found = read(root)
    swapped = orientation in (6, 8)
    assert (found.samples[0].width, found.samples[0].height) == (
        (50, 100) if swapped else (100, 50)
    )
    assert ("Y22" in found.codes) is (orientation in (5, 7))
    if orientation in (5, 7):
        strict_fails(root, "yolo", "Y22")


def test_y22_a_broken_image_is_reported(tmp_path: Path) -> None:
    root = lay_out(dataset(tmp_path), {"images/train/x.png": b"no image"})
    assert "Y22" in str(fails(root, "yolo", strict=True))
    found = read(root, on_error="skip")
    assert found.samples == []
    assert found.codes == {"Y22", "Y07"}


def test_y23_two_images_share_a_label_file(tmp_path: Path) -> None:
    root = lay_out(
        dataset(tmp_path), {"images/train/x.webp": png(100, 50), "images/train/x-1.png": (9, 9)}
    )
    found = read(root)
    assert [(one.filename, len(one.shapes)) for one in found.samples] == [
        ("x.png", 1), ("x.webp", 1), ("x-1.png", 0),
    ]  # fmt: skip
    assert found.codes == {"Y23"}
    strict_fails(root, "yolo", "Y23")


def test_y24_linked_folders_are_followed_inside_only(tmp_path: Path) -> None:
    root = dataset(tmp_path / "root", yaml="train: images\n" + NAMES)
    lay_out(tmp_path, {"outside/secret.png": (9, 9), "root/more/y.png": (9, 9)})
    os.symlink(tmp_path / "outside", root / "images/out")
    os.symlink(root / "images", root / "images/circle")
    os.symlink(root / "more", root / "images/linked")
    os.symlink(root / "more", root / "images/linked_again")
    found = read(root)
    assert [one.filename for one in found.samples] == ["linked/y.png", "train/x.png"]
    assert [finding.count for finding in found.of("Y24")] == [3]
    strict_fails(root, "yolo", "Y24")


def test_y25_unknown_keys_are_kept(tmp_path: Path) -> None:
    more = "channels: 10\nroboflow:\n  version: 1\n  license: CC BY 4.0\n  tags: [x, 2.5, no, ~]\n"
    found = read(dataset(tmp_path, yaml=SPLIT + NAMES + more), strict=True)
    assert found.about == {
        "channels": 10,
        "roboflow": {"version": 1, "license": "CC BY 4.0", "tags": ["x", 2.5, "no", None]},
    }


def test_y26_caches_are_ignored(tmp_path: Path) -> None:
    root = lay_out(
        dataset(tmp_path), {"labels/train.cache": b"\x93NUMPY", "labels/train/x.cache": b"1"}
    )
    for strict in (False, True):
        assert read(root, strict=strict).codes == set()


def test_labels_without_a_yaml(tmp_path: Path) -> None:
    files: dict[str, Any] = {"images/x.png": (9, 9), "labels/x.txt": "2 0.5 0.5 1 1\n0 0.5 0.5 1 1"}
    root = lay_out(tmp_path, files)
    found = read(root)
    assert found.names == ["class_0", "class_2"]
    assert [shape.label for shape in found.shapes] == ["class_2", "class_0"]
    assert read(root, labels=["a", "b", "c"], strict=True).names == ["a", "b", "c"]
    lay_out(root, {"classes.txt": "x\ny\nno\n\n"})
    assert read(root, strict=True).names == ["x", "y", "no"]


def test_images_elsewhere(tmp_path: Path) -> None:
    root = dataset(tmp_path / "labels_only")
    (root / "images/train/x.png").rename(tmp_path / "x.png")
    (root / "images/train").rmdir()
    assert "images" in str(fails(root, "yolo"))
    found = read(root, images=tmp_path)
    assert [(one.filename, one.width, len(one.shapes)) for one in found.samples] == [
        ("x.png", 100, 1)
    ]


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    lay_out(tmp_path, {"readme.md": "hello", "notes/a.txt": "hello"})
    assert isinstance(fails(tmp_path, "yolo"), ParseError)


COUNTS = [
    ("ultralytics-hub/coco8", None, 8, 30, Rectangle),
    ("ultralytics-hub/coco8-seg", None, 8, 30, Polygon),
    ("ultralytics-hub/coco8-pose", None, 8, 21, Keypoints),
    ("ultralytics-hub/dota8", "obb", 8, 133, Polygon),
    ("roboflow-cones", None, 63, 135, Rectangle),
    ("label-studio-yolo/test_import_yolo_data", None, 7, 25, Rectangle),
    ("labelformat/object_detection/YOLOv8", None, 2, 16, Rectangle),
    ("labelformat/instance_segmentation/YOLOv8", None, 2, 3, Polygon),
    ("datumaro/yolo_dataset/yolo", None, 1, 2, Rectangle),
    ("datumaro/yolo_dataset/yolov8_detection", None, 1, 2, Rectangle),
    ("datumaro/yolo_dataset/yolov8_detection_with_list_of_imgs", None, 1, 2, Rectangle),
    ("datumaro/yolo_dataset/yolov8_detection_with_list_of_names", None, 1, 2, Rectangle),
    ("datumaro/yolo_dataset/yolov8_detection_with_subset_txt", None, 1, 2, Rectangle),
    ("datumaro/yolo_dataset/yolov8_oriented_boxes", "obb", 1, 2, Polygon),
    ("datumaro/yolo_dataset/yolov8_pose", None, 1, 1, Keypoints),
    ("datumaro/yolo_dataset/yolov8_pose_two_values_per_point", None, 1, 1, Keypoints),
    ("datumaro/yolo_dataset/yolov8_segmentation", None, 1, 2, Polygon),
    ("datumaro/yolo_dataset/yolov8_classification", None, 3, 3, Classification),
]


@pytest.mark.parametrize(("folder", "task", "images", "shapes", "kind"), COUNTS)
def test_real_files_read_as_counted(
    folder: str, task: str | None, images: int, shapes: int, kind: type
) -> None:
    found = read(samples(*folder.split("/")), task=task)
    assert (len(found.samples), len(found.shapes)) == (images, shapes)
    assert {type(shape) for shape in found.shapes} == {kind}
    assert all(one.width and one.height for one in found.samples)
    assert {shape.label for shape in found.shapes} <= set(found.names)


def test_real_yamls_are_all_understood() -> None:
    from headrace.formats.findings.collect import Findings
    from headrace.formats.yolo.description import read_description

    read_any_yaml = 0
    for path in sorted(samples("ultralytics-yaml").glob("*.yaml")):
        described = read_description(path, path.parent, Findings().begin("labels"))
        assert described.names, path.name
        assert described.splits, path.name
        assert "download" not in described.more
        read_any_yaml += 1
    assert read_any_yaml == 34


def test_a_yaml_that_is_a_list_of_names_is_refused() -> None:
    error = fails(samples("sahi", "coco_utils", "coco_class_names.yaml"), "yolo")
    assert isinstance(error, ParseError)
