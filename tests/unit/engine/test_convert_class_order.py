"""An order of classes in conversions: the numbers of every target, whatever the source knows of its labels and when."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from headrace.engine.convert.report import ConversionReport
from headrace.engine.convert.run import convert_blocking
from headrace.formats.class_order import CLASS
from headrace.formats.findings.collect import Severity
from tests.support.data.formats import class_numbers, lay_out, read

NAMES = ["zebra", "ant", "bee"]
"""As the sources have them; nothing is a bee."""


def coco(root: Path) -> Path:
    """Numbers of its own, in no order, all of them worth keeping."""
    document = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 64, "height": 48}],
        "annotations": [
            {"id": n, "image_id": 1, "category_id": number, "bbox": [n, 1, 4, 4], "iscrowd": 0}
            for n, number in enumerate([70, 9, 70], start=1)
        ],
        "categories": [
            {"id": number, "name": name} for number, name in zip([70, 9, 30], NAMES, strict=True)
        ],
    }
    root.mkdir()
    (root / "source.json").write_text(json.dumps(document))
    return root / "source.json"


def coco_video(root: Path) -> Path:
    document = {
        "videos": [{"id": 1, "file_name": "a.mp4", "width": 64, "height": 48}],
        "images": [{"id": n, "video_id": 1, "frame_id": n} for n in range(3)],
        "annotations": [
            {
                "id": n + 1,
                "image_id": n,
                "video_id": 1,
                "category_id": number,
                "bbox": [n, 1, 4, 4],
                "frame_attributes": {"track_id": number, "frame_id": n, "keyframe": True},
            }
            for n, number in enumerate([70, 9, 70])
        ],
        "categories": [
            {"id": number, "name": name} for number, name in zip([70, 9, 30], NAMES, strict=True)
        ],
    }
    root.mkdir()
    (root / "source.json").write_text(json.dumps(document))
    return root / "source.json"


def yolo(root: Path) -> Path:
    return lay_out(
        root,
        {
            "data.yaml": f"names: [{', '.join(NAMES)}]\n",
            "images/train/a.png": (64, 48),
            "labels/train/a.txt": "0 0.5 0.5 0.1 0.1\n1 0.4 0.5 0.1 0.1\n0 0.3 0.5 0.1 0.1\n",
        },
    )


def voc(root: Path) -> Path:
    """Nothing declares its labels: they are known when all is read. One object is odd, and told of."""
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{x}</xmin><ymin>2</ymin><xmax>{right}</xmax><ymax>9</ymax></bndbox></object>"
        for name, x, right in (("zebra", 1, 9), ("ant", 2, 9), ("zebra", 9, 3))
    )
    size = "<size><width>64</width><height>48</height><depth>3</depth></size>"
    return lay_out(
        root, {"a.xml": f"<annotation><filename>a.jpg</filename>{size}{objects}</annotation>"}
    )


SOURCES = {"coco": coco, "yolo": yolo, "voc": voc}
LISTED = ["cow", "ant", "zebra"]


def used(target: Path, format: str) -> Counter[str]:
    """The names that the numbers of shapes stand for."""
    names = {number: name for name, number in class_numbers(target, format).items()}
    if format == "yolo":
        rows = (target / "labels/train/a.txt").read_text().splitlines()
        return Counter(names[int(row.split()[0])] for row in rows)
    found = json.loads(target.read_text())["annotations"]
    return Counter(names[annotation["category_id"]] for annotation in found)


def told(report: ConversionReport) -> list[tuple[str, int]]:
    """What was said of classes, which never fails anything."""
    said = [finding for finding in report.findings if finding.code == CLASS]
    assert all(finding.severity == Severity.NOTE for finding in said)
    return [(str(place), finding.count) for finding in said for place in finding.examples]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("target", ["coco", "yolo"])
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("order", "expected", "missing"),
    [
        (LISTED, [*LISTED, "bee"], [("'cow'", 1)]),
        ("name", ["ant", "bee", "zebra"], []),
    ],
)
def test_an_order_decides_the_numbers(
    tmp_path: Path,
    source: str,
    target: str,
    workers: int,
    order: Any,
    expected: list[str],
    missing: list[tuple[str, int]],
) -> None:
    path = SOURCES[source](tmp_path / "source")
    out = tmp_path / ("out.json" if target == "coco" else "out")
    report = convert_blocking(path, out, to=target, class_order=order, workers=workers)
    if source == "voc":
        expected = [name for name in expected if name != "bee"]
    first = 0 if target == "yolo" else 1
    assert [*class_numbers(out, target).items()] == [
        (name, number) for number, name in enumerate(expected, start=first)
    ]
    assert used(out, target) == {"zebra": 2, "ant": 1}
    assert told(report) == missing
    assert report.labels == dict.fromkeys(NAMES if source != "voc" else NAMES[:2], 0) | {
        "zebra": 2,
        "ant": 1,
    }


def test_the_order_of_the_source_keeps_the_numbers_of_coco(tmp_path: Path) -> None:
    path = coco(tmp_path / "source")
    convert_blocking(path, tmp_path / "out.json", to="coco", class_order="source")
    assert class_numbers(tmp_path / "out.json", "coco") == {"zebra": 70, "ant": 9, "bee": 30}


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("source", {"zebra": 70, "ant": 9, "bee": 30}),
        ("name", {"ant": 1, "bee": 2, "zebra": 3}),
        (LISTED, {"cow": 1, "ant": 2, "zebra": 3, "bee": 4}),
    ],
)
def test_video_coco(tmp_path: Path, order: Any, expected: dict[str, int]) -> None:
    path, out = coco_video(tmp_path / "source"), tmp_path / "out"
    convert_blocking(path, out, to="coco-video", class_order=order)
    assert class_numbers(out, "coco") == expected
    assert used(out, "coco") == {"zebra": 2, "ant": 1}


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("source", ["zebra", "ant", "bee"]),
        ("name", ["ant", "bee", "zebra"]),
        (LISTED, ["cow", "ant", "zebra", "bee"]),
    ],
)
def test_voc_has_the_order_in_its_map(tmp_path: Path, order: Any, expected: list[str]) -> None:
    path, out = coco(tmp_path / "source"), tmp_path / "out"
    report = convert_blocking(path, out, to="voc", class_order=order)
    assert [label.name for label in read(out, "voc").labels] == expected
    missing = [each.count for each in report.findings if each.code == CLASS]
    assert missing == ([1] if order == LISTED else [])


@pytest.mark.parametrize("order", ["name", LISTED])
def test_an_order_that_folders_cannot_say_is_noted(tmp_path: Path, order: Any) -> None:
    lay_out(tmp_path / "images", {"a.jpg": (64, 48)})
    options = {"task": "classify", "images": tmp_path / "images", "allow_empty": True}
    path = coco(tmp_path / "source")
    report = convert_blocking(path, tmp_path / "out", to="yolo", class_order=order, **options)
    (note,) = [each for each in report.findings if "no class numbers" in each.message]
    assert (note.code, note.severity, note.count) == (CLASS, Severity.NOTE, 1)


@pytest.mark.parametrize("source", SOURCES)
def test_a_dry_run_and_a_strict_one_tell_the_same(tmp_path: Path, source: str) -> None:
    path, out = SOURCES[source](tmp_path / "source"), tmp_path / "out.json"
    dry = convert_blocking(path, out, to="coco", class_order=LISTED, dry_run=True)
    assert not out.exists()
    real = convert_blocking(path, out, to="coco", class_order=LISTED, strict=source == "coco")
    assert told(dry) == told(real) == [("'cow'", 1)]
    assert dry.findings == real.findings


@pytest.mark.parametrize("order", ["name", LISTED])
def test_what_is_odd_is_heard_once_where_the_labels_take_a_walk_of_their_own(
    tmp_path: Path, order: Any
) -> None:
    heard: list[Any] = []
    report = convert_blocking(
        voc(tmp_path / "source"),
        tmp_path / "out",
        to="coco",
        class_order=order,
        on_finding=heard.append,
    )
    swapped = [finding.count for finding in report.findings if finding.code == "V12"]
    assert swapped == [1]
    assert [one.code for one in heard].count("V12") == 1


def test_shards_of_one_dataset_get_the_same_classes(tmp_path: Path) -> None:
    path = coco(tmp_path / "source")
    other = json.loads(path.read_text())
    other["categories"] = [{"id": 9, "name": "cow"}]
    other["annotations"] = other["annotations"][1:2]
    (tmp_path / "other.json").write_text(json.dumps(other))
    order = ["bee", "cow", "zebra", "ant"]
    for target in ("coco", "yolo"):
        shards = [tmp_path / f"{target} {name}.json" for name in ("one", "two")]
        for shard, each in zip(shards, (path, tmp_path / "other.json"), strict=True):
            convert_blocking(each, shard, to=target, class_order=order)
        assert class_numbers(shards[0], target) == class_numbers(shards[1], target)
        assert list(class_numbers(shards[0], target)) == order
