"""Headrace's own formats pass the suite that packages of other formats run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from headrace.formats.coco import external_sort
from headrace.testing.formats import FormatConformance

UNKNOWN_CATEGORY = b"""\
{"images": [{"id": 1, "file_name": "a.jpg", "width": 9, "height": 9}],
"categories": [{"id": 1, "name": "cat"}],
"annotations": [{"id": 1, "image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4]}]}
"""
WORD_FOR_NUMBER = b"""\
<annotation><filename>a.jpg</filename>
<size><width>9</width><height>9</height></size>
<object><name>cat</name>
<bndbox><xmin>one</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object></annotation>
"""


@pytest.fixture(autouse=True)
def small_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Annotations wait in memory until they fill a buffer of this size, whatever the source holds."""
    monkeypatch.setattr(external_sort, "PENDING_BYTES", 128 * 1024)


class OwnFormat(FormatConformance):
    """The suite; what takes a second is left to the slow tier: unit tests of the workers and readers are faster."""

    @pytest.mark.slow
    def test_several_processes_write_the_same(self, tmp_path: Path) -> None:
        super().test_several_processes_write_the_same(tmp_path)

    @pytest.mark.slow
    def test_memory_does_not_grow_with_the_source(self, tmp_path: Path) -> None:
        super().test_memory_does_not_grow_with_the_source(tmp_path)


class TestCoco(OwnFormat):
    format = "coco"
    images = 640  # these fill the buckets that annotations are sorted in

    def broken(self) -> Mapping[str, tuple[str, bytes]]:
        return {
            "an unknown category": (
                "",
                UNKNOWN_CATEGORY,
            ),
            "no JSON": ("", b'{"images": [}'),
        }


class TestCocoVideo(OwnFormat):
    format = "coco-video"
    # The list of videos is kept: they are few beside their frames.
    bytes_per_image = 1500

    def broken(self) -> Mapping[str, tuple[str, bytes]]:
        return {"no JSON": ("", b'{"videos": [}')}


class TestYoloDetect(OwnFormat):
    format = "yolo"
    task = "detect"
    tolerance = 0.001

    def broken(self) -> Mapping[str, tuple[str, bytes]]:
        return {
            "a row of words": ("labels/train/photos/000001.txt", b"0 0.1 0.1 0.1 0.1\na b c d e\n"),
            "four numbers": ("labels/train/photos/000001.txt", b"0 0.1 0.1 0.1\n"),
            "no class": ("labels/train/photos/000001.txt", b"9 0.1 0.1 0.1 0.1\n"),
        }


class TestYoloSegment(OwnFormat):
    format = "yolo"
    task = "segment"
    tolerance = 0.001

    def broken(self) -> Mapping[str, tuple[str, bytes]]:
        return {"two corners": ("labels/train/photos/000001.txt", b"0 0.1 0.1 0.2 0.2 0.3\n")}


class TestYoloPose(OwnFormat):
    format = "yolo"
    task = "pose"
    tolerance = 0.001

    def broken(self) -> Mapping[str, tuple[str, bytes]]:
        return {"a short row": ("labels/train/photos/000001.txt", b"0 0.1 0.1 0.1 0.1 0.5\n")}


class TestVoc(OwnFormat):
    format = "voc"

    def broken(self) -> Mapping[str, tuple[str, bytes]]:
        return {
            "no XML": ("Annotations/photos/000000.xml", b"<annotation>\n<object>\n</annotation>"),
            "a text for a corner": (
                "Annotations/photos/000000.xml",
                WORD_FOR_NUMBER,
            ),
        }
