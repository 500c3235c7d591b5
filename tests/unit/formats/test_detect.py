"""Which folders and files are taken for which format, how surely, and which are not."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from headrace import formats
from headrace.engine.convert.run import convert_blocking
from headrace.errors import ParseError, UnknownFormatError
from headrace.formats import get
from headrace.formats.findings.collect import Severity
from headrace.formats.io import look
from tests.support.data.formats import lay_out, samples
from tests.support.layouts import coco, mixed, voc, yolo
from tests.support.layouts.check import check_layout

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


def test_of_three_formats_the_first_is_read_and_the_others_are_said(tmp_path: Path) -> None:
    wanted = mixed.build_three_formats(tmp_path)
    guess = formats.detect(tmp_path)
    assert (guess.format, guess.confidence) == ("coco", "likely")
    assert {other.format for other in guess.others} == {"yolo", "voc"}
    report = convert_blocking(tmp_path, tmp_path.parent / "voc", to="voc")
    assert (report.images_out, report.shapes_out) == (wanted.images, wanted.shapes)
    assert report.why.endswith("likely; also voc, yolo")
    said = [finding for finding in report.findings if finding.code == "S03"]
    assert {finding.severity for finding in said} == {Severity.NOTE}
    text = " ".join(f"{finding.message} {finding.examples[0]}" for finding in said)
    assert "data.yaml" in text
    assert "Annotations/" in text
    for name in ("yolo", "voc"):
        with formats.read(tmp_path, name) as source:
            assert len(list(source)) == wanted.images
        assert "S03" not in {finding.code for finding in source.findings}


def test_a_format_of_few_images_is_not_preferred(tmp_path: Path) -> None:
    check_layout(mixed.build_voc_with_strays, tmp_path)
    assert [other.format for other in formats.detect(tmp_path).others] == ["coco"]


def test_text_files_of_several_folders_count_once(tmp_path: Path) -> None:
    wanted = mixed.build_three_formats(tmp_path)
    (tmp_path / "annotations.json").unlink()
    for number in range(5):
        shutil.copytree(tmp_path / "labels", tmp_path / f"detections_{number}")
    assert formats.detect(tmp_path).format == "voc"
    with formats.read(tmp_path) as source:
        assert len(list(source)) == wanted.images


def test_two_files_about_the_same_images_are_no_data_set(tmp_path: Path) -> None:
    """Ground truth and detections of one set of images, in a folder each."""
    mixed.build_three_formats(tmp_path)
    for folder in ("truth", "found"):
        (tmp_path / folder).mkdir()
        shutil.copy(tmp_path / "annotations.json", tmp_path / folder / "coco.json")
    (tmp_path / "annotations.json").unlink()
    guess = formats.detect(tmp_path)
    assert guess.format == "voc"
    assert [other.confidence for other in guess.others] == ["possible", "certain"]
    with (
        formats.read(tmp_path, "coco") as source,
        pytest.raises(ParseError, match="an image stands in two files"),
    ):
        list(source)


def test_strays_beside_images_are_no_format(tmp_path: Path) -> None:
    mixed.build_images_with_strays(tmp_path)
    with pytest.raises(UnknownFormatError):
        formats.detect(tmp_path)


@pytest.mark.parametrize("name", ["coco", "coco-video", "voc"])
def test_looks_at_a_folder_of_many_files_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for folder in ("", "images/", "a/b/"):
        lay_out(tmp_path, {f"{folder}{number}.jpg": b"" for number in range(200)})
    scandir, looked = os.scandir, []

    @contextmanager
    def counting(folder: str) -> Iterator[Iterator[os.DirEntry[str]]]:
        with scandir(folder) as entries:
            yield (looked.append(entry) or entry for entry in entries)

    monkeypatch.setattr(look, "MAX_ENTRIES", 50)
    monkeypatch.setattr(os, "scandir", counting)
    for function in (look.list_folder, look.look_below):
        monkeypatch.setitem(function.__kwdefaults__, "entries", 50)
    assert get(name).guess(tmp_path) is None
    assert 50 <= len(looked) <= 5 * 50


def test_data_sets_side_by_side_are_named_and_none_is_read_for_all(tmp_path: Path) -> None:
    voc.build_voc_beside(tmp_path / "sets" / "chess")
    coco.build_roboflow_coco(tmp_path / "sets" / "sharks")
    for folder, below in ((tmp_path / "sets", ""), (tmp_path, "sets/")):
        with pytest.raises(UnknownFormatError) as error:
            formats.detect(folder)
        assert f"{below}chess/ (voc), {below}sharks/ (coco)" in str(error.value)
        assert error.value.hint is not None
        assert "name the folder" in error.value.hint


def test_a_folder_of_annotations_without_xml_hides_no_voc(tmp_path: Path) -> None:
    voc.build_voc_beside(tmp_path / "chess")
    lay_out(tmp_path, {"annotations/notes.json": "[]"})
    assert formats.detect(tmp_path).format == "voc"
    report = convert_blocking(tmp_path, tmp_path / "out.json", to="coco")
    assert report.images_out > 0


def test_a_data_set_that_lies_deeper_is_named(tmp_path: Path) -> None:
    yolo.build_ultralytics(tmp_path / "unpacked" / "data")
    with pytest.raises(UnknownFormatError, match=r"holds one: unpacked/data/ \(yolo\)"):
        formats.detect(tmp_path)


def test_folders_of_images_beside_coco_are_no_class_folders(tmp_path: Path) -> None:
    """A COCO export with images has ``train/JPEGImages/x.jpg``, as class folders have."""
    files: dict[str, Any] = {}
    for split in ("train", "val"):
        name = f"JPEGImages/{split}.png"
        files[f"{split}/{name}"] = (8, 8)
        document = {
            "images": [{"id": 1, "file_name": name, "width": 8, "height": 8}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2]}],
            "categories": [{"id": 1, "name": "cat"}],
        }
        files[f"annotations/instances_{split}.json"] = json.dumps(document)
    lay_out(tmp_path, files)
    assert get("yolo").guess(tmp_path) is not None
    guess = formats.detect(tmp_path)
    assert guess.format == "coco"
    assert not guess.others


BROKEN = [
    ("cut in a list", b'{"images": [', 12, "truncated", "copied completely"),
    ("cut in results", b'[{"id": 1}, ', 12, "truncated", "copied completely"),
    ("a comma too few", b'{"info": 1 "licenses": []}', 11, "expected ','", "JSON library"),
    ("two documents", b'{"a": 1}\n{"a": 2}', 9, "after the end", "JSON library"),
    ("prose", b"once upon a time", 0, "expected '{' or", "JSON library"),
    ("a page", b"<html>404</html>", 0, "expected '{' or", "JSON library"),
    ("a text", b'"images"', 0, "expected '{' or", "JSON library"),
    ("Python", b"{'images': []}", 1, "a key in quotes", "JSON library"),
    ("UTF-16", '{"images": []}'.encode("utf-16"), 0, "UTF-16", "UTF-8"),
    ("nothing", b"", 0, "empty", "copied completely"),
]


@pytest.mark.parametrize(
    ("content", "offset", "what", "cure"), [pytest.param(*row[1:], id=row[0]) for row in BROKEN]
)
def test_broken_json_is_told_from_an_unknown_format(
    tmp_path: Path, content: bytes, offset: int, what: str, cure: str
) -> None:
    path = tmp_path / "labels.json"
    path.write_bytes(content)
    with pytest.raises(ParseError, match=what) as caught:
        formats.detect(path)
    assert (caught.value.path, caught.value.offset) == (str(path), offset)
    assert cure in (caught.value.hint or "")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(UnknownFormatError, match=rf"labels.json at byte {offset}: C26 .*{what}"):
        formats.detect(tmp_path)


@pytest.mark.parametrize("content", ['{"a": [1, {"b": null}], "c": NaN}', "[1, 2]", "[]"])
def test_whole_json_of_an_unknown_format_is_said_to_be_that(tmp_path: Path, content: str) -> None:
    path = tmp_path / "labels.json"
    path.write_text(content)
    for given in (path, tmp_path):
        with pytest.raises(UnknownFormatError, match="cannot detect the format") as caught:
            formats.detect(given)
        assert "format=, one of: coco" in (caught.value.hint or "")


def test_what_does_not_claim_to_be_json_is_not_checked(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("once upon a time")
    with pytest.raises(UnknownFormatError):
        formats.detect(tmp_path / "notes.txt")
    (tmp_path / "labels").write_text('{"images": [')
    with pytest.raises(ParseError, match="truncated"):
        formats.detect(tmp_path / "labels")
