"""Other people's packages read the boxes that headrace writes, and headrace reads those that they write."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from bench.images import jpeg
from headrace import formats
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import Keypoints, Polygon, Rectangle
from tests.support.processes.peers import ask

# The first test of a peer installs it.
pytestmark = [pytest.mark.interop, pytest.mark.timeout(600)]

WIDTH, HEIGHT = 100, 50
NAMES = ["cat", "traffic light", "dog"]
LABELS = [LabelInfo(name=name) for name in NAMES]
BOXES = {
    "a": [["cat", 10.5, 5.25, 20.0, 30.5], ["traffic light", 1.0, 2.0, 3.0, 4.0]],
    "b": [["dog", 50.0, 10.0, 40.0, 30.75]],
    "c": [],
}
# Others count the corners of VOC from 0.
ORIGINS = {"hotcoco": "one_inclusive", "supervision": "one_inclusive"}
PEERS = ("hotcoco", "labelformat", "globox", "datumaro", "supervision")


def dataset(boxes: dict[str, list[Any]] = BOXES) -> list[Sample]:
    return [
        Sample(
            filename=f"{stem}.jpg",
            width=WIDTH,
            height=HEIGHT,
            split="train",
            shapes=[Rectangle(label=label, x=x, y=y, w=w, h=h) for label, x, y, w, h in found],
        )
        for stem, found in boxes.items()
    ]


def draw(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for stem in BOXES:
        (folder / f"{stem}.jpg").write_bytes(jpeg(WIDTH, HEIGHT))


def write(root: Path, kind: str, samples: list[Sample], **options: Any) -> Path:
    """What headrace writes, beside images, and with what some peers want to lie where."""
    for parent in ("coco", "VOCdevkit"):
        (root / parent).mkdir(parents=True, exist_ok=True)
    if kind == "coco":
        folder = root / "coco"
        formats.write(samples, folder / "coco.json", "coco", labels=LABELS)
        (folder / "annotations").mkdir()
        shutil.copy(folder / "coco.json", folder / "annotations" / "instances_train.json")
    elif kind.startswith("yolo"):
        folder = root / kind
        formats.write(samples, folder, "yolo", labels=LABELS, **options)
        shutil.copy(folder / "data.yaml", folder / "labels" / "train" / "data.yaml")
    else:
        folder = root / "VOCdevkit" / "VOC2012"
        formats.write(samples, folder, "voc", labels=LABELS, **options)
        draw(folder / "JPEGImages")
    draw(folder / "images" / "train")
    return folder


def alike(found: dict[str, Any], wanted: dict[str, Any], within: float) -> None:
    assert {stem: len(boxes) for stem, boxes in found.items()} == {
        stem: len(boxes) for stem, boxes in wanted.items()
    }
    for stem, boxes in wanted.items():
        pairs = zip(sorted(found[stem]), sorted(boxes), strict=True)
        for (label, *values), (expected, *numbers) in pairs:
            assert label == expected
            assert values == pytest.approx(numbers, abs=within)


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("kind", ["coco", "yolo", "voc"])
def test_a_peer_reads_what_we_write(tmp_path: Path, peer: str, kind: str) -> None:
    options = {"voc_origin": ORIGINS.get(peer, "zero")} if kind == "voc" else {}
    folder = write(tmp_path, kind, dataset(), **options)
    alike(ask(peer, "read", kind, folder), BOXES, 1e-3)


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("kind", ["coco", "yolo", "voc"])
def test_we_read_what_a_peer_writes(tmp_path: Path, peer: str, kind: str) -> None:
    source = write(tmp_path / "ours", "coco", dataset())
    target = tmp_path / "theirs"
    draw(target / "images" / ("" if (peer, kind) == ("labelformat", "yolo") else "train"))
    ask(peer, "write", kind, source, target)
    options: dict[str, Any] = {}
    if kind == "voc":
        options["voc_origin"] = ORIGINS.get(peer, "zero")
    elif (peer, kind) in {("hotcoco", "yolo"), ("globox", "yolo")}:
        # The one lays the names where no yaml is looked for, the other writes none.
        options["labels"] = NAMES
    with formats.read(target, kind, **options) as found:
        boxes = {
            Path(sample.filename).stem: [
                [shape.label, shape.x, shape.y, shape.w, shape.h] for shape in sample.shapes
            ]
            for sample in found
        }
    # An image without objects has no XML file in datumaro's VOC: it is listed in its split, and its image is there.
    wanted = dict(BOXES)
    rounds = (peer, kind) in {("hotcoco", "voc"), ("supervision", "voc")}
    alike(boxes, wanted, 1.0 if rounds else 1e-3)


@pytest.mark.parametrize("kind", ["coco", "voc"])
def test_torchvisions_datasets_read_what_we_write(tmp_path: Path, kind: str) -> None:
    folder = write(tmp_path, kind, dataset())
    found = ask("torchvision", "read", kind, folder if kind == "coco" else tmp_path)
    alike(found, BOXES, 1e-9)


POINTS = [10.0, 10.0, 2.0, 30.0, 20.0, 1.0]


@pytest.mark.parametrize("task", ["detect", "segment", "pose"])
def test_ultralytics_checks_and_loads_what_we_write(tmp_path: Path, task: str) -> None:
    samples, wanted = dataset(), BOXES
    if task == "segment":
        ring = [10.5, 5.0, 40.0, 8.25, 30.0, 45.5]
        samples[0].shapes = [Polygon(label="cat", rings=[ring])]
        wanted = {**BOXES, "a": [["cat", 10.5, 5.0, 29.5, 40.5]]}
    if task == "pose":
        for sample in samples:
            sample.shapes = [
                Keypoints(
                    label=shape.label, points=POINTS, bbox=(shape.x, shape.y, shape.w, shape.h)
                )
                for shape in sample.shapes
                if isinstance(shape, Rectangle)
            ]
    kind = f"yolo-{task}"
    folder = write(tmp_path, kind, samples, task=task)
    alike(ask("ultralytics", "read", kind, folder), wanted, 1e-3)


@pytest.mark.parametrize("task", ["detect", "segment"])
def test_ultralytics_converts_the_coco_that_we_write(tmp_path: Path, task: str) -> None:
    samples = dataset()
    rings = [[10.5, 5.0, 40.0, 8.25, 30.0, 45.5]]
    if task == "segment":
        samples[0].shapes = [Polygon(label="dog", rings=rings)]
    source = write(tmp_path / "ours", "coco", samples)
    target = tmp_path / "theirs"
    ask("ultralytics", "write", f"yolo-{task}", source, target)
    draw(target / "images" / "train")
    with formats.read(target, "yolo", labels=NAMES, task=task) as found:
        shapes = {Path(sample.filename).stem: sample.shapes for sample in found}
    if task == "segment":
        (polygon,) = shapes["a"]
        assert isinstance(polygon, Polygon)
        assert (polygon.label, polygon.rings[0]) == ("dog", pytest.approx(rings[0], abs=1e-3))
        return
    boxes = {
        stem: [[each.label, each.x, each.y, each.w, each.h] for each in found]
        for stem, found in shapes.items()
    }
    alike(boxes, BOXES, 1e-3)
