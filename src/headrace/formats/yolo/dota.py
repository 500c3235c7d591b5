"""Decodes the label files of DOTA (``labelTxt``): four corners in pixels, a class name, and whether it is difficult.

imagesource:GoogleEarth
gsd:0.146343590398
2753.0 2408.0 2861.0 2385.0 2888.0 2468.0 2805.0 2502.0 plane 0
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.io.image_size import read_size
from headrace.formats.io.openat import OpenFile
from headrace.formats.yolo.decode import RowReporter
from headrace.formats.yolo.description import DatasetDescription
from headrace.formats.yolo.layout.clashes import SplitClashes
from headrace.formats.yolo.layout.folders import LabelFolders, label_files
from headrace.formats.yolo.layout.source import SplitSource, YoloImage
from headrace.formats.yolo.layout.walk import YoloWalk
from headrace.formats.yolo.samples import displayed
from headrace.formats.yolo.tokenize import DOTA_HEADERS, NUMBER, has_class_names, read_text
from headrace.model.sample import Sample
from headrace.model.shapes import AnyShape, Polygon

_CORNERS: Final = 8
_MAX_DIGITS: Final = 400


class DotaDecoder:
    """Makes the samples of images from rows that name their class; a rotated box becomes a polygon of four corners."""

    def decode(self, images: Iterable[YoloImage], opener: OpenFile, found: Pass) -> list[Sample]:
        """Read images and return a sample for each usable one; raises :class:`OSError`."""
        return [sample for image in images for sample in self._sample(image, opener, found)]

    def names(self, images: Iterable[YoloImage], opener: OpenFile) -> list[str]:
        """Return the class names of all rows, in the order of their first occurrence."""
        names: dict[str, None] = {}
        for image in images:
            try:
                text = read_text(image.label, opener) if image.label is not None else None
            except ValueError:
                continue  # found again, and reported, when it is read
            for _, line in _lines(text or b""):
                if (row := _row(line)) is not None:
                    names.setdefault(row[1])
        return [*names]

    def _sample(self, image: YoloImage, opener: OpenFile, found: Pass) -> list[Sample]:
        found.images_in += 1
        try:
            text = read_text(image.label, opener) if image.label is not None else None
        except ValueError as error:
            found.add(
                "Y10", str(error), severity=Severity.ERROR, path=image.label, dropped_images=1
            )
            return []
        size = image.size
        if image.image is not None:
            size = displayed(read_size(image.image, opener), image.image, found)
        width, height = size or (None, None)
        return [
            Sample(
                filename=image.name,
                width=width,
                height=height,
                shapes=_shapes(text or b"", RowReporter(found, image.label or "")),
                annotated=text is not None,
                split=image.split,
                path=image.path,
            )
        ]


def _shapes(text: bytes, reporter: RowReporter) -> list[AnyShape]:
    shapes: list[AnyShape] = []
    for number, line in _lines(text):
        reporter.found.shapes_in += 1
        reporter.line = number
        row = _row(line)
        if row is None:
            why = "the row is not four corners in pixels and a class name"
            reporter.leave_out("Y32", why, line[:80])
            continue
        ring, name, difficult = row
        shapes.append(
            Polygon(
                label=name,
                rings=[ring],
                attributes=None if difficult is None else {"difficult": difficult},
            )
        )
    return shapes


def _lines(text: bytes) -> Iterable[tuple[int, str]]:
    """Yield number and text of every line that is a row."""
    lines = text.decode("utf-8-sig", "replace").splitlines()
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if line and not line.startswith(DOTA_HEADERS):
            yield number, line


def _row(line: str) -> tuple[list[float], str, int | None] | None:
    """Return corners, class name and difficulty of a row; None for any other line."""
    words = line.split()
    corners, rest = words[:_CORNERS], words[_CORNERS:]
    if not rest or any(
        len(word) > _MAX_DIGITS or not NUMBER.fullmatch(word.encode()) for word in corners
    ):
        return None
    difficult = None
    if len(rest) > 1 and rest[-1].isascii() and rest[-1].isdigit() and len(rest[-1]) < 3:
        difficult = int(rest.pop())
    name = " ".join(rest)
    ring = [float(word) for word in corners]
    if "\ufffd" in name or not all(abs(value) < 1e9 for value in ring):
        return None
    return ring, name, difficult


def has_named_rows(
    dataset: DatasetDescription, sources: Sequence[SplitSource], clashes: SplitClashes
) -> bool:
    """Return whether rows name their class, by the first label file that is found."""
    folders = LabelFolders(dataset.base, lambda folder: None)
    for source in sources:
        if source.kind in ("list", "image"):
            walk = YoloWalk(dataset, dataset.base, None, clashes, None)
            paths = (item.label for item in islice(walk.items(source), 1) if item.label)
            first = next((path for path in paths if os.path.isfile(path)), None)
        else:
            path = source.path.as_posix()
            labels = folders.of(path, "") if source.kind == "images" else path
            first = next(label_files(labels), None)
        if first is not None:
            return has_class_names(first)
    return False
