"""Every folder of other people's files holds, read by headrace, what its list of contents counts in it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from headrace import formats
from headrace.errors import HeadraceError
from headrace.formats import ReadOptions, get
from headrace.formats.findings.collect import Findings, Pass
from tests.support.data.formats import samples

FOLDERS = [
    "raccoon", "bccd", "roboflow-cones", "roboflow-python", "ultralytics-hub", "ultralytics-yaml", "datumaro",
    "labelformat", "mmyolo", "mmdetection", "mmtracking", "mmpose", "sahi", "solaris", "imantics", "cvat-polygons",
    "label-studio-yolo", "labelme", "lvis", "panopticapi", "cocoapi-results", "od-metrics-toy",
]  # fmt: skip

COUNTED = {
    "coco": r"COCO (\d+) json, (\d+) images, (\d+) annotations",
    "results": r"(\d+) result lists, (\d+) detections",
    "voc": r"VOC (\d+) xml, (\d+) objects",
    "yolo": r"YOLO (\d+) label files \(\d+ empty\), (\d+) rows",
}

# Panoptic files: counted there, and no dataset of shapes; headrace refuses them.
REFUSED = {"datumaro": (4, 4, 4), "panopticapi": (1, 2, 2)}

YOLO = {
    "roboflow-cones": [""],
    "ultralytics-hub": ["coco8", "coco8-seg", "coco8-pose", "dota8"],
    "datumaro": [
        f"yolo_dataset/{name}"
        for name in (
            "yolo", "yolov8_detection", "yolov8_detection_with_list_of_imgs", "yolov8_detection_with_list_of_names",
            "yolov8_detection_with_subset_txt", "yolov8_oriented_boxes", "yolov8_pose",
            "yolov8_pose_two_values_per_point", "yolov8_segmentation",
        )
    ],
    "labelformat": ["object_detection/YOLOv8", "instance_segmentation/YOLOv8"],
    "label-studio-yolo": ["test_import_yolo_data"],
}  # fmt: skip


def counts_of(folder: str) -> dict[str, tuple[int, ...]]:
    """What the list of contents says of a folder."""
    lines = samples("README.md").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if line.startswith(f"| `{folder}` |")]
    found = {kind: re.search(pattern, line) for kind, pattern in COUNTED.items()}
    return {kind: tuple(map(int, match.groups())) for kind, match in found.items() if match}


def read(path: Path, kind: str, **options: bool) -> Pass:
    """What came of reading everything, bad records left out and counted."""
    findings = Findings("skip")
    with get(kind).open(path, options=ReadOptions(**options), findings=findings) as reader:
        reader.labels()
        for _ in reader.batches():
            pass
        findings.check()
    found = findings.get("read")
    assert found is not None
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_json_files(folder: str) -> None:
    root = samples(folder)
    coco, results = [0, 0, 0], [0, 0]
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() != ".json":
            continue
        try:
            guess = formats.detect(path)
        except HeadraceError:
            continue
        if guess.confidence == "possible":
            found = read(path, "coco", predictions=True)
            results = [results[0] + 1, results[1] + found.shapes_in]
            continue
        found = read(path, guess.format)
        images = found.images_in
        if guess.format == "coco-video":
            # Its samples are the videos.
            images = len(json.loads(path.read_bytes()).get("images", ()))
        coco = [coco[0] + 1, coco[1] + images, coco[2] + found.shapes_in]
    told = counts_of(folder)
    refused = REFUSED.get(folder, (0, 0, 0))
    wanted = [a - b for a, b in zip(told.get("coco", (0, 0, 0)), refused, strict=True)]
    assert coco == wanted
    assert results == list(told.get("results", (0, 0)))


@pytest.mark.parametrize("folder", FOLDERS)
def test_xml_files(folder: str) -> None:
    files = objects = 0
    for path in sorted(samples(folder).rglob("*.xml")):
        if get("voc").guess(path) is None:
            continue
        with formats.read(path, "voc", on_error="skip") as source:
            for sample in source:
                files += 1
                parts = [s for s in sample.shapes if "part_of" in (s.attributes or {})]
                objects += len(sample.shapes) - len(parts)
    assert (files, objects) == counts_of(folder).get("voc", (0, 0))


@pytest.mark.parametrize("folder", FOLDERS)
def test_label_files(folder: str) -> None:
    files = rows = 0
    for name in YOLO.get(folder, ()):
        with formats.read(samples(folder) / name, "yolo") as source:
            for sample in source:
                files += sample.annotated
                rows += len(sample.shapes)
    assert (files, rows) == counts_of(folder).get("yolo", (0, 0))


def test_no_folder_is_left_out() -> None:
    here = {path.name for path in samples("README.md").parent.iterdir() if path.is_dir()}
    assert here == set(FOLDERS)
