"""Other people's readers of the COCO that headrace writes."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from headrace.formats import ReadOptions, WriteOptions, get
from headrace.formats.findings.collect import Findings
from headrace.formats.geometry import rle
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import Keypoints, Mask, Polygon, Rectangle, RectangleKeyframe, Track
from tests.support.data.formats import samples

# pycocotools speaks to numpy in a way that numpy has given up.
pytestmark = [pytest.mark.interop, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def write(target: Path, made: list[Sample], labels: list[LabelInfo], format: str = "coco") -> Path:
    with get(format).create(target, labels, options=WriteOptions(), findings=Findings()) as writer:
        writer.write(made)
    return target


def dataset() -> list[Sample]:
    shapes = [
        Rectangle(label="cat", x=1.5, y=2.25, w=10, h=20),
        Polygon(label="dog", rings=[[1, 1, 9, 1, 9, 9, 1, 9], [20, 20, 30, 20, 30, 30]]),
        Mask(
            label="cat",
            counts=rle.encode([100, 7, 64 * 48 - 107]),
            height=48,
            width=64,
            iscrowd=True,
        ),
        Keypoints(label="person", points=[5, 5, 2, 9, 9, 1]),
    ]
    return [
        Sample(filename="a.jpg", width=64, height=48, shapes=list(shapes)),
        Sample(filename="b.jpg", width=64, height=48),
    ]


LABELS = [
    LabelInfo(name="cat"),
    LabelInfo(name="dog"),
    LabelInfo(name="person", keypoints=["a", "b"], skeleton=[(1, 2)]),
]


def load(path: Path) -> Any:
    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


def test_pycocotools_loads_it_and_agrees_on_areas(tmp_path: Path) -> None:
    loaded = load(write(tmp_path / "coco.json", dataset(), LABELS))
    assert (len(loaded.imgs), len(loaded.anns), len(loaded.cats)) == (2, 4, 3)
    assert [each["name"] for each in loaded.loadCats([1, 2, 3])] == ["cat", "dog", "person"]
    boxes = [each["bbox"] for each in loaded.loadAnns([1, 2, 3, 4])]
    assert boxes == [[1.5, 2.25, 10, 20], [1, 1, 29, 29], [2, 4, 1, 7], [5, 5, 4, 4]]
    mask = loaded.annToMask(loaded.anns[3])
    assert (mask.shape, int(mask.sum()), loaded.anns[3]["area"]) == ((48, 64), 7, 7)
    polygon = loaded.annToMask(loaded.anns[2])
    assert abs(int(polygon.sum()) - loaded.anns[2]["area"]) < 10


def test_pycocotools_evaluates_against_it(tmp_path: Path) -> None:
    from pycocotools.cocoeval import COCOeval

    truth = load(write(tmp_path / "coco.json", dataset()[:1], LABELS))
    results = [
        {
            "image_id": each["image_id"],
            "category_id": each["category_id"],
            "bbox": each["bbox"],
            "score": 1.0,
        }
        for each in truth.anns.values()
        if not each["iscrowd"]
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert evaluation.stats[1] > 0.99


@pytest.mark.parametrize(
    "path",
    [
        "lvis/lvis_val_100.json",
        "sahi/coco_utils/visdrone2019-det-train-first50image.json",
        "panopticapi/panoptic_coco_detection_format.json",
    ],
)
def test_real_files_come_through_for_pycocotools(tmp_path: Path, path: str) -> None:
    source = samples(*path.split("/"))
    findings = Findings()
    with get("coco").open(source, options=ReadOptions(), findings=findings) as reader:
        found = [sample for batch in reader.batches() for sample in batch]
        loaded = load(write(tmp_path / "coco.json", found, reader.labels()))
    plain = json.loads(source.read_text())
    assert (len(loaded.imgs), len(loaded.anns)) == (len(plain["images"]), len(plain["annotations"]))
    first = sorted(tuple(each["bbox"]) for each in plain["annotations"])
    assert sorted(tuple(each["bbox"]) for each in loaded.anns.values()) == first
    for each in [each for each in loaded.anns.values() if each["segmentation"]][:50]:
        assert loaded.annToMask(each).shape == (
            loaded.imgs[each["image_id"]]["height"],
            loaded.imgs[each["image_id"]]["width"],
        )


def test_what_the_platforms_parser_writes_is_read(tmp_path: Path) -> None:
    from picsellia_annotations.coco import COCOFile

    path = write(tmp_path / "coco.json", dataset(), LABELS)
    again = tmp_path / "again.json"
    again.write_text(COCOFile(**json.loads(path.read_text())).model_dump_json())
    both = []
    for each in (path, again):
        with get("coco").open(each, options=ReadOptions(), findings=Findings()) as reader:
            found = [sample for batch in reader.batches() for sample in batch]
            names = [label.name for label in reader.labels()]
        both.append(
            (
                names,
                [(s.filename, [(type(x), x.label, x.iscrowd) for x in s.shapes]) for s in found],
            )
        )
    # It drops keypoints, which leaves the box.
    ours, theirs = both
    assert ours[0] == theirs[0]
    assert [(name, len(shapes)) for name, shapes in ours[1]] == [
        (name, len(shapes)) for name, shapes in theirs[1]
    ]
    for (_, mine), (_, other) in zip(ours[1], theirs[1], strict=True):
        assert [x[1:] for x in mine] == [x[1:] for x in other]


def test_the_platforms_parsers_load_it(tmp_path: Path) -> None:
    from picsellia_annotations.coco import COCOFile
    from picsellia_annotations.video_coco import VideoCOCOFile

    path = write(tmp_path / "coco.json", dataset(), LABELS)
    parsed = COCOFile(**json.loads(path.read_text()))
    assert (len(parsed.images), len(parsed.annotations), len(parsed.categories)) == (2, 4, 3)
    track = Track(
        label="cat",
        id=3,
        start_frame=2,
        rectangles=[RectangleKeyframe(frame_index=0, x=1, y=2, w=3, h=4)],
        ends=[1],
    )
    path = write(
        tmp_path / "video.json", [Sample(filename="a.mp4", shapes=[track])], LABELS, "coco-video"
    )
    video = VideoCOCOFile(**json.loads(path.read_text()))
    assert video.videos is not None
    (annotation,) = video.annotations
    assert annotation.frame_attributes is not None
    assert (
        video.videos[0].file_name,
        annotation.frame_attributes.track_id,
        annotation.frame_attributes.frame_id,
    ) == ("a.mp4", 3, 2)
