"""Makes samples from the label files of images: plain boxes as columns, everything else row by row."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import cast

from msgspec import Struct

from headrace.folders.usable import is_pointer
from headrace.formats.base import SizeLookup
from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.geometry.box_table import BoxTable, BoxView
from headrace.formats.io.image_size import ImageSize, read_size
from headrace.formats.io.openat import OpenFile
from headrace.formats.yolo.decode import RowDecoder, RowReporter
from headrace.formats.yolo.layout.source import YoloImage
from headrace.formats.yolo.tokenize import (
    BadLine,
    Row,
    fast_columns,
    fast_rows,
    read_text,
    slow_rows,
)
from headrace.model.sample import Sample
from headrace.model.shapes import AnyShape

# Approximate number of boxes that become columns at a time.
_MAX_ROWS = 10_000


class ImageRows(Struct, gc=False, frozen=True):
    """The label file and the size of one image.

    Attributes:
        item: The image.
        text: Content of the label file; None without one.
        size: Size of the image as stored; None where it is unknown.
        declared: Width and height in pixels that the rows refer to, where the data set or the caller gives them.
        fault: Why the label file cannot be used; empty if it can.
        body: The text without surrounding white space, where all lines look like boxes and the size is certain.
        count: Number of lines in ``body``; -1 where it is not set.
        display_size: Width and height in pixels as displayed, where ``count`` is set.
    """

    item: YoloImage
    text: bytes | None
    size: ImageSize | None
    fault: str = ""
    declared: tuple[int, int] | None = None
    body: bytes = b""
    count: int = -1
    display_size: tuple[int, int] = (0, 0)


def _read(item: YoloImage, opener: OpenFile) -> ImageRows:
    """Read the label file and the size of an image; raises :class:`OSError`."""
    try:
        text = None if item.label is None else read_text(item.label, opener)
    except ValueError as error:
        return ImageRows(item, None, None, str(error))
    size = None if item.image is None else read_size(item.image, opener)
    declared = item.size
    if declared is not None and size is not None and declared not in (size[:2], size[1::-1]):
        declared = None  # the image was replaced by another
    if declared is not None:
        display_size = declared
    elif size is None or size.orientation in (5, 7):
        return ImageRows(item, text, size)
    else:
        display_size = (size[1], size[0]) if size[2] > 4 else (size[0], size[1])
    if not text:
        return ImageRows(item, text, size, "", declared, b"", 0, display_size)
    body = text.strip()
    if b"\r" in body:
        body = body.replace(b"\r\n", b"\n")
    count = body.count(b"\n") + 1
    if not body or body.count(b" ") != 4 * count:
        return ImageRows(item, text, size, "", declared)
    return ImageRows(item, text, size, "", declared, body, count, display_size)


def displayed(size: ImageSize | None, image: str, found: Pass) -> tuple[int, int] | None:
    """Return width and height as displayed, by EXIF orientation; None where the size is unknown."""
    if size is None:
        if os.path.isfile(image) and is_pointer(Path(image)):
            found.add(
                "Y22",
                "the image is a pointer of git-lfs, not the file itself",
                severity=Severity.ERROR,
                path=image,
                hint="run: git lfs pull",
            )
        else:
            found.add("Y22", "the image header is unreadable", path=image)
        return None
    if size.orientation in (6, 8):
        return size.height, size.width
    if size.orientation > 4:
        found.add(
            "Y22",
            "EXIF orientation 5 or 7: the size is used as stored, but recent versions of Ultralytics rotate it",
            path=image,
        )
    return size.width, size.height


def _display_size(entry: ImageRows, found: Pass) -> tuple[int, int] | None:
    image = entry.item.image
    if entry.declared is not None or image is None:
        return entry.declared
    return displayed(entry.size, image, found)


def with_sizes(images: list[YoloImage], lookup: SizeLookup) -> list[YoloImage]:
    """Ask for the sizes of those images that have no file and no declared size."""
    unknown = [
        number for number, image in enumerate(images) if image.image is None and image.size is None
    ]
    if unknown:
        asked = [images[number] for number in unknown]
        sizes = lookup([Sample(filename=one.name, path=one.path, split=one.split) for one in asked])
        for number, one, size in zip(unknown, asked, sizes, strict=True):
            images[number] = one._replace(size=size)
    return images


class LabelFileDecoder:
    """Makes the samples of images from their rows.

    Args:
        rows: Decodes rows.
    """

    def __init__(self, rows: RowDecoder) -> None:
        self._rows = rows

    def decode(self, images: Iterable[YoloImage], opener: OpenFile, found: Pass) -> list[Sample]:
        """Read images and return a sample for each usable one; raises :class:`OSError`."""
        samples: list[Sample] = []
        # Consecutive images with plain boxes become columns together.
        plain: list[ImageRows] = []
        rows = 0
        for image in images:
            try:
                entry = _read(image, opener)
            except OSError:
                self._boxes(plain, found)
                raise
            is_plain = entry.count >= 0 and self._rows.boxes_only
            if is_plain:
                plain.append(entry)
                rows += entry.count
                if rows < _MAX_ROWS:
                    continue
            samples += self._boxes(plain, found)
            plain, rows = [], 0
            if not is_plain:
                samples += self._sample(entry, found)
        return samples + self._boxes(plain, found)

    def _boxes(self, images: list[ImageRows], found: Pass) -> list[Sample]:
        """Return the samples of images whose rows look like plain boxes."""
        if not images:
            return []
        lines = b"\n".join([entry.body for entry in images if entry.count])
        table = self._table(lines, images)
        if table is None:
            if len(images) > 1:
                # Some image is unusual: halve until it is alone, so that findings keep the order of images.
                half = len(images) // 2
                return self._boxes(images[:half], found) + self._boxes(images[half:], found)
            return self._sample(images[0], found)
        found.images_in += len(images)
        found.shapes_in += len(table.labels)
        every = lines.split(b"\n")
        if len({*every}) < len(every):
            for entry in images:
                self._check_repeats(entry, entry.count, found)
        stops = accumulate([entry.count for entry in images])
        lists = [
            BoxView(table, stop - entry.count, stop)
            for entry, stop in zip(images, stops, strict=True)
        ]
        return [
            self._new_sample(entry, entry.display_size, boxes)
            for entry, boxes in zip(images, lists, strict=True)
        ]

    def _table(self, lines: bytes, images: list[ImageRows]) -> BoxTable | None:
        widths: list[int] = []
        heights: list[int] = []
        for entry in images:
            widths += [entry.display_size[0]] * entry.count
            heights += [entry.display_size[1]] * entry.count
        columns = fast_columns(lines, len(widths))
        return None if columns is None else self._rows.table(columns, widths, heights)

    def _sample(self, entry: ImageRows, found: Pass) -> list[Sample]:
        """Return the sample of any image, or an empty list where it cannot be used."""
        found.images_in += 1
        item, text = entry.item, entry.text
        if entry.fault:
            found.add(
                "Y10", entry.fault, severity=Severity.ERROR, path=item.label, dropped_images=1
            )
            return []
        size = _display_size(entry, found)
        if not text:
            return self._empty(entry, size, found)
        reporter = RowReporter(found, item.label or "", text)
        rows = fast_rows(text)
        if rows is not None:
            numbered = [(line, row) for line, row in enumerate(rows, 1) if row]
        else:
            numbered = good_lines(text, reporter)
        found.shapes_in += len(numbered)
        if size is None and numbered:
            found.add(
                "Y07",
                "the image size is unknown, so its rows cannot be converted to pixels",
                severity=Severity.ERROR,
                path=item.label,
                hint="pass the folder of the images as images=",
                dropped=len(numbered),
                dropped_images=1,
            )
            return []
        self._check_repeats(entry, len(numbered), found)
        width, height = size or (0, 0)
        return [self._new_sample(entry, size, self._rows.shapes(numbered, width, height, reporter))]

    def _empty(self, entry: ImageRows, size: tuple[int, int] | None, found: Pass) -> list[Sample]:
        if entry.text is not None and entry.item.image is None and size is None:
            found.add(
                "Y07",
                "an empty label file without an image",
                path=entry.item.label,
                dropped_images=1,
            )
            return []
        return [self._new_sample(entry, size, [])]

    def _new_sample(
        self, entry: ImageRows, size: tuple[int, int] | None, shapes: Sequence[AnyShape]
    ) -> Sample:
        width, height = size or (None, None)
        return Sample(
            filename=entry.item.name,
            width=width,
            height=height,
            shapes=cast("list[AnyShape]", shapes),
            annotated=entry.text is not None,
            split=entry.item.split,
            path=entry.item.path,
        )

    def _check_repeats(self, entry: ImageRows, count: int, found: Pass) -> None:
        lines = (entry.text or b"").split(b"\n")
        if len(set(lines)) < len(lines) and count > 1:
            words = [b" ".join(line.split()) for line in lines if line.strip()]
            repeated = len(words) - len(set(words))
            if repeated:
                found.add(
                    "Y18",
                    "a row occurs twice; kept",
                    severity=Severity.NOTE,
                    path=entry.item.label,
                    count=repeated,
                )


def good_lines(text: bytes, reporter: RowReporter) -> list[tuple[int, Row]]:
    """Read rows line by line, with line numbers; invalid lines are reported and skipped."""
    good: list[tuple[int, Row]] = []
    for line, row in slow_rows(text):
        reporter.line = line
        if not isinstance(row, BadLine):
            good.append((line, row))
        elif row.comment:
            reporter.note("Y17", row.message)
        else:
            reporter.found.shapes_in += 1
            reporter.leave_out("Y10", row.message, "")
    return good
