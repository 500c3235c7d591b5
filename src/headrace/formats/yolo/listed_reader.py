"""Reads YOLO label files that are named one by one, of images whose names and sizes somebody else knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from headrace.formats.findings.collect import Findings, Pass
from headrace.formats.options import ReadOptions
from headrace.formats.yolo.image_rows import ImageRows
from headrace.formats.yolo.reader import YoloReader
from headrace.formats.yolo.walk import YoloImage


class LabelFile(Struct, frozen=True):
    """A label file and its image; ``width`` and ``height`` are pixels, None where nobody knows them."""

    path: Path
    filename: str
    width: int | None
    height: int | None


class ListedYoloReader(YoloReader):
    """Reads label files as a description (``path``) says; no image is looked for.

    With the task ``classify`` the first number of every row is a class of the image, and nothing else is read.
    """

    def __init__(
        self, path: Path, files: Sequence[LabelFile], *, options: ReadOptions, findings: Findings
    ) -> None:
        super().__init__(path, options=options, findings=findings)
        self._files = {file.filename: file for file in files}

    def _classifies(self) -> bool:
        return False

    def _items(self, sources_found: Pass, found: Pass | None) -> Iterator[YoloImage]:
        for number, file in enumerate(self._files.values()):
            self._fraction = number / len(self._files)
            yield YoloImage(name=file.filename, split=None, image=None, label=str(file.path))
        self._fraction = 1.0

    def _display_size(self, entry: ImageRows, found: Pass) -> tuple[int, int] | None:
        file = self._files[entry.item.name]
        return (file.width, file.height) if file.width and file.height else None
