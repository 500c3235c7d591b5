"""What the YOLO writer puts on the disk."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from headrace.errors import FormatError, LossyWriteError, ParseError
from headrace.formats import get
from headrace.formats.findings.collect import Findings
from headrace.formats.options import WriteOptions
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import AnyShape, Keypoints, Mask, Polygon, Rectangle


def box(x: float, y: float, w: float, h: float, label: str = "dog", **more: Any) -> Rectangle:
    return Rectangle(label=label, x=x, y=y, w=w, h=h, **more)


def image(filename: str, *shapes: AnyShape, **more: Any) -> Sample:
    return Sample(filename=filename, width=100, height=50, shapes=list(shapes), **more)


def write(
    target: Path,
    samples: Sequence[Sample],
    labels: Sequence[str] = ("dog",),
    *,
    findings: Findings | None = None,
    **options: Any,
) -> Findings:
    findings = Findings() if findings is None else findings
    infos = [LabelInfo(name=name) for name in labels]
    with get("yolo").create(
        target, infos, options=WriteOptions(**options), findings=findings
    ) as writer:
        writer.write(samples)
    return findings


def codes(findings: Findings) -> set[str]:
    return {each.code for each in findings}


def files(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def rows(path: Path) -> list[list[float]]:
    return [[float(word) for word in line.split()] for line in path.read_text().splitlines()]


def test_labels_mirror_the_images_and_the_yaml_resolves_from_its_own_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(
        out,
        [
            image("a.jpg", box(10, 5, 20, 10)),
            image("deep/er/b.c.png", box(0, 0, 100, 50), split="valid"),
            image("t.jpg", split="test"),
        ],
    )
    assert files(out) == {
        "data.yaml",
        "image-sizes.jsonl",
        "labels/train/a.txt",
        "labels/val/deep/er/b.c.txt",
        "labels/test/t.txt",
    }
    assert rows(out / "labels/train/a.txt") == [[0, 0.2, 0.2, 0.2, 0.2]]
    data = yaml.safe_load((out / "data.yaml").read_text())
    assert data == {
        "train": "images/train",
        "val": "images/val",
        "test": "images/test",
        "task": "detect",
        "nc": 1,
        "names": {0: "dog"},
    }


def test_without_a_split_name_labels_lie_directly_in_labels(tmp_path: Path) -> None:
    write(tmp_path / "out", [image("a.jpg")], split="")
    assert files(tmp_path / "out") == {
        "data.yaml",
        "image-sizes.jsonl",
        "labels/a.txt",
    }
    data = yaml.safe_load((tmp_path / "out/data.yaml").read_text())
    assert (data["train"], data["val"]) == ("images", "images")


TRAPS = [
    "no", "Yes", "on", "OFF", "y", "N", "true", "null", "~", "1", "012", "0x10", "1e3", "1_000",
    "2024-01-01", "a: b", "a #b", "- a", "it's", 'say "hi"', "back\\slash", " blank ", "", "é",
    "日本", "👍", "a\nb", "\x85", "\u2028", "\x7f", ".5", "=", "<<", "{a}", "[a]", "*a", "&a", "!a",
    "%a", "@a", "`a", "|", ">", "?", "traffic light", "hot-dog", "12:30:45", ".inf", "NaN",
]  # fmt: skip


def test_y03_names_are_text_for_every_yaml_reader(tmp_path: Path) -> None:
    write(tmp_path / "out", [], TRAPS)
    text = (tmp_path / "out/data.yaml").read_bytes()
    names = yaml.safe_load(text)["names"]
    assert list(names.values()) == TRAPS
    assert list(names) == list(range(len(TRAPS)))


@pytest.mark.parametrize(
    ("order", "expected"),
    [("source", ["b", "a", "c"]), ("name", ["a", "b", "c"]), (["c"], ["c", "b", "a"])],
)
def test_class_order(tmp_path: Path, order: Any, expected: list[str]) -> None:
    write(
        tmp_path / "out", [image("x.jpg", box(0, 0, 1, 1, "c"))], ["b", "a"], class_order=order
    ) if order == "source" else write(tmp_path / "out", [], ["b", "a", "c"], class_order=order)
    names = yaml.safe_load((tmp_path / "out/data.yaml").read_text())["names"]
    assert list(names.values()) == expected


@pytest.mark.parametrize(
    ("background", "expected"),
    [("empty", {"labels/train/b.txt"}), ("none", set())],
)
def test_y09_background_and_unlabelled_are_two_states(
    tmp_path: Path, background: Any, expected: set[str]
) -> None:
    samples = [image("b.jpg"), image("u.jpg", annotated=False), Sample(filename="n.jpg")]
    samples[2].annotated = False
    findings = write(tmp_path / "out", samples, background=background)
    assert files(tmp_path / "out") == {"data.yaml", "image-sizes.jsonl"} | expected
    written = findings.get("write")
    assert written is not None
    assert written.images_out == 3


def test_y21_numbers_read_back_unchanged(tmp_path: Path) -> None:
    x, w = 1 / 3, 19_999.123456789
    sample = Sample(filename="a.jpg", width=20_000, height=7, shapes=[box(x, 0.1, w, 1e-9)])
    write(tmp_path / "out", [sample])
    (row,) = rows(tmp_path / "out/labels/train/a.txt")
    assert row[1:] == [
        (x + w / 2) / 20_000, (0.1 + 1e-9 / 2) / 7, w / 20_000, 1e-9 / 7,
    ]  # fmt: skip


def test_y23_equal_stems_get_a_number_and_are_named(tmp_path: Path) -> None:
    samples = [image(name, box(0, 0, i, 1)) for i, name in enumerate(["a.jpg", "a.png", "a.bmp"])]
    findings = write(tmp_path / "out", samples)
    out = tmp_path / "out"
    assert {"labels/train/a.txt", "labels/train/a-2.txt", "labels/train/a-3.txt"} < files(out)
    lines = [json.loads(line) for line in (out / "renamed.jsonl").read_text().splitlines()]
    assert lines == [
        {"filename": "a.png", "image": "images/train/a-2.png"},
        {"filename": "a.bmp", "image": "images/train/a-3.bmp"},
    ]
    assert "Y23" in codes(findings)
    with pytest.raises(ParseError, match="Y23"):
        write(tmp_path / "strict", samples, findings=Findings(strict=True))
    assert os.listdir(tmp_path) == ["out"]


def test_a_sample_without_size_is_an_error_and_never_becomes_background(tmp_path: Path) -> None:
    samples = [Sample(filename="a.jpg", shapes=[box(0, 0, 1, 1)]), image("b.jpg")]
    with pytest.raises(ParseError, match="width and height"):
        write(tmp_path / "out", samples)
    assert os.listdir(tmp_path) == []
    findings = write(tmp_path / "out", samples, findings=Findings("skip"))
    assert files(tmp_path / "out") == {"data.yaml", "image-sizes.jsonl", "labels/train/b.txt"}
    dropped = [(each.code, each.dropped_images, each.dropped_shapes) for each in findings]
    assert dropped == [("Y10", 1, 1), ("Y27", 0, 0)]


def test_other_shapes_become_their_box_or_are_counted(tmp_path: Path) -> None:
    shapes: list[AnyShape] = [
        Polygon(label="dog", rings=[[10, 10, 30, 10, 30, 20], [40, 5, 50, 5, 50, 6]]),
        Keypoints(label="dog", points=[10, 10, 2, 30, 20, 1, 0, 0, 0]),
        Mask(label="dog", counts="", height=50, width=100, bbox=(0, 0, 10, 10)),
        box(0, 0, 9, 9, iscrowd=True),
    ]
    findings = write(tmp_path / "out", [image("a.jpg", *shapes)], task="detect")
    assert rows(tmp_path / "out/labels/train/a.txt") == [
        [0, 0.3, 0.25, 0.4, 0.3],
        [0, 0.2, 0.3, 0.2, 0.2],
        [0, 0.05, 0.1, 0.1, 0.2],
    ]
    assert sum(each.dropped_shapes for each in findings) == 1
    with pytest.raises(LossyWriteError):
        write(tmp_path / "b", [image("a.jpg", *shapes)], findings=Findings(strict=True))


def test_boxes_over_the_edge(tmp_path: Path) -> None:
    samples = [
        image(
            "a.jpg",
            box(-10, 0, 30, 50),  # its centre and size can be said: kept as it is
            box(90, 0, 40, 50),  # its centre lies outside: cut
            box(200, 0, 5, 5),  # nothing on the image: left out
            box(0, 0, float("nan"), 5),
            box(5, 5, 0, 0),
        )
    ]
    findings = write(tmp_path / "out", samples)
    assert rows(tmp_path / "out/labels/train/a.txt") == [
        [0, 0.05, 0.5, 0.3, 1],
        [0, 0.95, 0.5, 0.1, 1],
        [0, 0.05, 0.1, 0, 0],
    ]
    assert sum(each.dropped_shapes for each in findings) == 2
    write(tmp_path / "clipped", samples, clip=True)
    assert rows(tmp_path / "clipped/labels/train/a.txt")[0] == [0, 0.1, 0.5, 0.2, 1]


def test_segment_rows(tmp_path: Path) -> None:
    samples = [
        image(
            "a.jpg",
            Polygon(label="dog", rings=[[0, 0, 50, 0, 50, 25]]),
            Polygon(label="dog", rings=[[0, 0, 10, 0, 10, 5], [20, 20, 30, 20, 30, 25]]),
            box(10, 5, 20, 10),
            Polygon(label="dog", rings=[[0, 0, 1, 1]]),
        )
    ]
    findings = write(tmp_path / "out", samples, task="segment")
    assert rows(tmp_path / "out/labels/train/a.txt") == [
        [0, 0, 0, 0.5, 0, 0.5, 0.5],
        [0, 0, 0, 0.1, 0, 0.1, 0.1, 0, 0, 0.2, 0.4, 0.3, 0.4, 0.3, 0.5, 0.2, 0.4],
        [0, 0.1, 0.1, 0.3, 0.1, 0.3, 0.3, 0.1, 0.3],
    ]
    assert "Y12" in codes(findings)


def test_pose_rows_and_kpt_shape(tmp_path: Path) -> None:
    samples = [
        image(
            "a.jpg",
            Keypoints(label="dog", points=[10, 10, 2, 0, 0, 0], bbox=(0, 0, 20, 20)),
            Keypoints(label="dog", points=[10, 10, 2]),
            box(0, 0, 1, 1),
            Keypoints(label="dog", points=[1, 1, 1] * 3),
        )
    ]
    findings = write(tmp_path / "out", samples, task="pose")
    assert rows(tmp_path / "out/labels/train/a.txt") == [
        [0, 0.1, 0.2, 0.2, 0.4, 0.1, 0.2, 2, 0, 0, 0],
        [0, 0.1, 0.2, 0, 0, 0.1, 0.2, 2, 0, 0, 0],
    ]
    assert yaml.safe_load((tmp_path / "out/data.yaml").read_text())["kpt_shape"] == [2, 3]
    assert "Y14" in codes(findings)
    assert sum(each.dropped_shapes for each in findings) == 2


def test_obb_rows_keep_turned_corners(tmp_path: Path) -> None:
    turned = Polygon(label="dog", rings=[[-5, 0, 50, -5, 60, 20, 0, 30]])
    write(tmp_path / "out", [image("a.jpg", turned, box(0, 0, 100, 50))], task="obb")
    assert rows(tmp_path / "out/labels/train/a.txt") == [
        [0, -0.05, 0, 0.5, -0.1, 0.6, 0.4, 0, 0.6],
        [0, 0, 0, 1, 0, 1, 1, 0, 1],
    ]


def test_an_unknown_task_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="tasks: detect"):
        write(tmp_path / "out", [], task="panoptic")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "name",
    ["../a.jpg", "/a.jpg", "C:\\a.jpg", "a/../../b.jpg", "nul.jpg", "a\0.jpg", "..\\a.jpg", ""],
)
@pytest.mark.parametrize("part", ["filename", "split"])
def test_s01_unsafe_names_write_nothing(tmp_path: Path, name: str, part: str) -> None:
    if part == "split" and not name:
        pytest.skip("an empty split is the root of labels")
    sample = image("a.jpg")
    setattr(sample, part, name)
    with pytest.raises(ParseError, match="S01"):
        write(tmp_path / "out", [sample])
    assert os.listdir(tmp_path) == []
    write(tmp_path / "out", [sample], findings=Findings("skip"))
    assert files(tmp_path) == {"out/data.yaml"}


def test_the_same_samples_give_the_same_bytes(tmp_path: Path) -> None:
    samples = [image(f"{i}.jpg", box(i / 7, i / 3, 5, 5)) for i in range(50)]
    for name in "ab":
        write(tmp_path / name, samples)
    for path in files(tmp_path / "a"):
        assert (tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes()
