"""Which folders and files are taken for YOLO or VOC, how surely, and which are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headrace.formats import get
from tests.support.data.formats import lay_out, samples

ROW = "0 0.5 0.5 0.1 0.1\n"
XML = "<?xml version='1.0'?>\n<annotation><filename>x.jpg</filename></annotation>"

CASES: list[tuple[str, dict[str, Any], str, str | None, str | None]] = [
    ("yaml", {"data.yaml": "names: [a]\ntrain: x\n"}, "", "certain", None),
    ("yaml file", {"odd.yml": "nc: 1\nnames: [a]\n"}, "odd.yml", "likely", None),
    ("other yaml", {"config.yaml": "a: 1\n"}, "", None, None),
    ("classes", {"classes.txt": "a\n"}, "", "likely", None),
    ("rows", {"labels/train/x.txt": ROW}, "", "likely", None),
    ("rows beside", {"x.txt": ROW, "x.png": (1, 1)}, "", "likely", None),
    ("prose", {"labels/x.txt": "5 apples and 4 pears"}, "", None, None),
    ("class folders", {"train/cat/1.png": (1, 1)}, "", "possible", None),
    ("devkit", {"Annotations/x.xml": XML}, "", None, "certain"),
    ("flat", {"x.xml": XML}, "", None, "certain"),
    ("deeper", {"a/b/x.xml": XML}, "", None, "certain"),
    ("one file", {"x.xml": XML}, "x.xml", None, "certain"),
    ("utf-16", {"x.xml": XML.encode("utf-16")}, "", None, "certain"),
    ("other xml", {"x.xml": "<View/>"}, "", None, None),
    ("pictures", {"x.png": (1, 1)}, "", None, None),
    ("nothing", {}, "", None, None),
]


@pytest.mark.parametrize(("name", "files", "path", "yolo", "voc"), CASES)
def test_guesses(
    tmp_path: Path, name: str, files: dict[str, Any], path: str, yolo: str | None, voc: str | None
) -> None:
    where = lay_out(tmp_path, files) / path
    for expected, probed in ((yolo, "yolo"), (voc, "voc")):
        guess = get(probed).guess(where)
        assert (guess.confidence if guess else None) == expected, name
        if guess:
            assert guess.reason


@pytest.mark.parametrize(
    ("folder", "format"),
    [
        ("ultralytics-hub/coco8", "yolo"),
        ("roboflow-cones", "yolo"),
        ("label-studio-yolo/test_import_yolo_data", "yolo"),
        ("datumaro/yolo_dataset/yolo", "yolo"),
        ("datumaro/yolo_dataset/yolov8_classification", "yolo"),
        ("raccoon", "voc"),
        ("bccd/BCCD", "voc"),
        ("roboflow-python/datasets/chess", "voc"),
        ("datumaro/voc_dataset/voc_dataset1", "voc"),
    ],
)
def test_real_folders(folder: str, format: str) -> None:
    path = samples(*folder.split("/"))
    other = "voc" if format == "yolo" else "yolo"
    assert get(format).guess(path) is not None
    assert get(other).guess(path) is None
