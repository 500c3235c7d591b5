"""Reads YOLO label files that are given one by one, with the sizes of their images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from headrace.formats.findings.collect import Findings, Pass
from headrace.formats.options import ReadOptions
from headrace.formats.yolo.layout.source import YoloImage
from headrace.formats.yolo.reader import YoloReader


class LabelFile(Struct, frozen=True):
    """A label file and its image; ``width`` and ``height`` are pixels, None if unknown."""

    path: Path
    filename: str
    width: int | None
    height: int | None


class ListedYoloReader(YoloReader):
    """Reads given label files with the description at ``path``, without looking for images.

    With the task ``classify`` the first number of every row is a class of the image, and the rest is ignored.
    """

    def __init__(
        self, path: Path, files: Sequence[LabelFile], *, options: ReadOptions, findings: Findings
    ) -> None:
        super().__init__(path, options=options, findings=findings)
        self._files = {file.filename: file for file in files}

    def _classifies(self) -> bool:
        return False

    def _has_named_rows(self) -> bool:
        return False

    def _items(self, sources_found: Pass, found: Pass | None) -> Iterator[YoloImage]:
        for number, file in enumerate(self._files.values()):
            self._fraction = number / len(self._files)
            size = (file.width, file.height) if file.width and file.height else None
            yield YoloImage(
                name=file.filename, split=None, image=None, label=str(file.path), size=size
            )
        self._fraction = 1.0
