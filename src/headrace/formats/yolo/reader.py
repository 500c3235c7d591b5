"""Reads YOLO datasets: the description, the walk over the images, label files by the batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, islice
from pathlib import Path
from typing import cast

from headrace.errors import ParseError
from headrace.formats.chunked_reader import ChunkedReader
from headrace.formats.findings.collect import Findings, Pass, Severity
from headrace.formats.geometry.box_table import BoxTable, BoxView
from headrace.formats.io.image_size import ImageSize, read_size
from headrace.formats.io.openat import Opener
from headrace.formats.options import ReadOptions
from headrace.formats.yolo import INFO, TASKS
from headrace.formats.yolo.classes import labels_of
from headrace.formats.yolo.classify import (
    ClassifiedImage,
    class_names,
    class_sources,
    classified_images,
    looks_classified,
)
from headrace.formats.yolo.decode import RowDecoder, RowReporter
from headrace.formats.yolo.description import DatasetDescription, find_description, read_description
from headrace.formats.yolo.image_rows import ImageRows, read_image_rows
from headrace.formats.yolo.layout import SplitSource, find_sources, wanted_sources
from headrace.formats.yolo.tokenize import (
    BadLine,
    Row,
    fast_columns,
    fast_rows,
    read_text,
    slow_rows,
)
from headrace.formats.yolo.walk import YoloImage, YoloWalk
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import AnyShape, Attributes, Classification

# So many boxes become columns at a time, or few more.
_MAX_ROWS = 10_000


class YoloReader(ChunkedReader):
    """Reads label files into pixels; sizes come from the images' headers.

    A sample is named by its image's path below the split's folder. Orientation: YOLO's fractions are those of the
    image as it is shown, so width and height change places for the orientations 6 and 8, as Ultralytics does it.
    """

    info = INFO

    def __init__(self, path: Path, *, options: ReadOptions, findings: Findings) -> None:
        super().__init__(path, options=options, findings=findings)
        self._fraction = 0.0
        self._met: dict[int, str] = {}
        self._opener = Opener()

    def _open(self) -> None:
        task = self.options.task
        if task is not None and task not in TASKS:
            raise ParseError(
                f"YOLO has no task {task!r}", path=self.path, hint=f"tasks: {', '.join(TASKS)}"
            )
        self._description = find_description(self.path)

    def _close(self) -> None:
        self._opener.close()

    def _describe(self, found: Pass) -> DatasetDescription:
        base = self.path if self.path.is_dir() else self.path.parent
        if self._description is None:
            dataset = DatasetDescription(source=self.path, base=base)
        else:
            dataset = read_description(self._description, found)
        if self.options.labels is not None and not dataset.names:
            dataset.names = dict(enumerate(self.options.labels))
        return dataset

    def _labels(self, found: Pass) -> list[LabelInfo]:
        self._dataset = self._describe(found)
        if self._classifies():
            sources = self._sources(found)
            self._folders = class_names(sources, self._dataset.names, found)
            return [
                LabelInfo(name=name, id=number)
                for number, name in enumerate(dict.fromkeys(self._folders.values()))
            ]
        if not self._dataset.names:
            self._met = self._scan()
        return labels_of(self._dataset.names or self._met, self._dataset.kpt_names)

    def about(self) -> Attributes:
        """The task, ``kpt_shape`` and the yaml's unknown keys; never ``download``."""
        self.labels()
        dataset = self._dataset
        about: Attributes = dict(dataset.more)
        if self._task is not None:
            about["task"] = self._task
        if dataset.kpt_shape is not None:
            about["kpt_shape"] = list(dataset.kpt_shape)
        return about

    def progress(self) -> float:
        """The share of the splits that are done."""
        return self._fraction

    def _classifies(self) -> bool:
        if self._task is not None or self._description is not None:
            return self._task == "classify"
        return self.path.is_dir() and looks_classified(self.path)

    def _sources(self, found: Pass) -> list[SplitSource]:
        dataset = self._dataset
        if self._classifies() and not dataset.splits:
            sources = class_sources(dataset.base)
            if sources:
                return wanted_sources(sources, self.options.split, dataset, found)
        return find_sources(dataset, self.options.split, found)

    @property
    def _task(self) -> str | None:
        return self.options.task or self._dataset.task

    def _filenames(self) -> Iterator[list[str]]:
        self.labels()
        names: list[str] = []
        quiet = Findings("skip").begin("filenames")
        items: Iterator[YoloImage | ClassifiedImage] = (
            self._classified(quiet) if self._classifies() else self._items(quiet, None)
        )
        for item in items:
            names.append(item.name)
            if len(names) >= self.options.batch:
                yield names
                names = []
        if names:
            yield names

    def _items(self, sources_found: Pass, found: Pass | None) -> Iterator[YoloImage]:
        dataset = self._dataset
        sources = self._sources(sources_found)
        images = YoloWalk(dataset, dataset.base, self.options.images, found)
        nothing = True
        for number, source in enumerate(sources):
            self._fraction = number / len(sources)
            for item in images.items(source):
                nothing = False
                yield item
        self._fraction = 1.0
        if nothing and not dataset.splits:
            raise ParseError("neither images nor label files below it", path=self.path)

    def _classified(self, found: Pass) -> Iterator[ClassifiedImage]:
        sources = self._sources(found)
        for number, source in enumerate(sources):
            self._fraction = number / len(sources)
            yield from classified_images(source)
        self._fraction = 1.0

    def divisible(self) -> bool:
        """Where nothing names the classes, they get their names as they are met."""
        return self._classifies() or bool(self._dataset.names)

    def begin_parsing(self, found: Pass) -> None:
        """Read the description, and what rows mean."""
        self.labels()
        if not self._classifies():
            self._decoder = self._new_decoder(found)

    def chunks(self, found: Pass) -> Iterator[list[YoloImage | ClassifiedImage]]:
        """The images in the order of the walk."""
        items: Iterator[YoloImage | ClassifiedImage] = (
            self._classified(found) if self._classifies() else self._items(found, found)
        )
        while chunk := list(islice(items, self.options.batch)):
            yield chunk

    def parse(self, chunk: list[YoloImage | ClassifiedImage], found: Pass) -> list[Sample]:
        """A sample for each image that can be used."""
        samples: list[Sample] = []
        # Images with plain boxes, one behind the other, become columns together.
        plain: list[ImageRows] = []
        rows = 0
        for item in chunk:
            if isinstance(item, ClassifiedImage):
                samples.append(self._classification(item, found))
                continue
            try:
                entry = read_image_rows(item, self._opener)
            except OSError:
                self._boxes(plain, found)
                raise
            if entry.count >= 0 and self._decoder.boxes_only:
                plain.append(entry)
                rows += entry.count
                if rows < _MAX_ROWS:
                    continue
            samples += self._boxes(plain, found)
            plain, rows = [], 0
            if entry.count < 0 or not self._decoder.boxes_only:
                samples += self._sample(entry, found)
        return samples + self._boxes(plain, found)

    def _classification(self, one: ClassifiedImage, found: Pass) -> Sample:
        found.images_in += 1
        found.shapes_in += 1
        width, height = self._size(one.image, found) or (None, None)
        return Sample(
            filename=one.name,
            width=width,
            height=height,
            split=one.split,
            shapes=[Classification(label=self._folders[one.folder])],
        )

    def _new_decoder(self, found: Pass) -> RowDecoder:
        names = self._dataset.names
        if not names:
            found.add(
                "Y01",
                "no list of class names; they are called class_0, class_1 …",
                path=self.path,
                hint="give the names by the option labels",
            )
        if self._task == "pose" and self._dataset.kpt_shape is None:
            raise ParseError("pose rows need kpt_shape in the yaml", path=self.path, finding="Y14")
        return RowDecoder(
            names,
            open_names=not names,
            task=self._task,
            kpt_shape=self._dataset.kpt_shape,
            predictions=self.options.predictions,
        )

    def _boxes(self, images: list[ImageRows], found: Pass) -> list[Sample]:
        """The samples of images that have only boxes, as it seems."""
        if not images:
            return []
        lines = b"\n".join([entry.body for entry in images if entry.count])
        table = self._table(lines, images)
        if table is None:
            if len(images) > 1:
                # What is odd about one of them is told in its turn.
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
        raw = self.options.geometry == "raw"
        return [
            self._made(entry, entry.display_size, boxes if raw else boxes.shapes)
            for entry, boxes in zip(images, lists, strict=True)
        ]

    def _table(self, lines: bytes, images: list[ImageRows]) -> BoxTable | None:
        widths: list[int] = []
        heights: list[int] = []
        for entry in images:
            widths += [entry.display_size[0]] * entry.count
            heights += [entry.display_size[1]] * entry.count
        columns = fast_columns(lines, len(widths))
        return None if columns is None else self._decoder.table(columns, widths, heights)

    def _sample(self, entry: ImageRows, found: Pass) -> list[Sample]:
        """The sample of any image, if it can be used."""
        found.images_in += 1
        item, text = entry.item, entry.text
        if entry.fault:
            found.add(
                "Y10", entry.fault, severity=Severity.ERROR, path=item.label, dropped_images=1
            )
            return []
        size = self._display_size(entry, found)
        if not text:
            return self._empty(entry, size, found)
        place = RowReporter(found, item.label or "")
        rows = fast_rows(text)
        if rows is not None:
            numbered = [(line, row) for line, row in enumerate(rows, 1) if row]
        else:
            numbered = self._good_lines(text, place)
        found.shapes_in += len(numbered)
        if size is None and numbered:
            found.add(
                "Y07",
                "the size of the image is not known, so its rows mean no pixels",
                severity=Severity.ERROR,
                path=item.label,
                hint="give the folder of the images",
                dropped=len(numbered),
                dropped_images=1,
            )
            return []
        self._check_repeats(entry, len(numbered), found)
        width, height = size or (0, 0)
        return [self._made(entry, size, self._decoder.shapes(numbered, width, height, place))]

    def _good_lines(self, text: bytes, place: RowReporter) -> list[tuple[int, Row]]:
        good: list[tuple[int, Row]] = []
        for line, row in slow_rows(text):
            place.line = line
            if not isinstance(row, BadLine):
                good.append((line, row))
            elif row.comment:
                place.note("Y17", row.message)
            else:
                place.found.shapes_in += 1
                place.leave_out("Y10", row.message, "")
        return good

    def _size(self, image: str, found: Pass) -> tuple[int, int] | None:
        return self._turned(read_size(image, self._opener), image, found)

    def _display_size(self, entry: ImageRows, found: Pass) -> tuple[int, int] | None:
        image = entry.item.image
        return None if image is None else self._turned(entry.size, image, found)

    def _turned(self, size: ImageSize | None, image: str, found: Pass) -> tuple[int, int] | None:
        """The size of an image as it is shown, or as it is known."""
        if size is None:
            found.add("Y22", "the header of the image cannot be read", path=image)
            return None
        if size.orientation in (6, 8):
            return size.height, size.width
        if size.orientation > 4:
            found.add(
                "Y22",
                "EXIF orientation 5 or 7: the size is taken as stored, though recent Ultralytics turns it",
                path=image,
            )
        return size.width, size.height

    def _empty(self, entry: ImageRows, size: tuple[int, int] | None, found: Pass) -> list[Sample]:
        if entry.item.image is None and size is None:
            found.add(
                "Y07",
                "an empty label file without its image",
                path=entry.item.label,
                dropped_images=1,
            )
            return []
        return [self._made(entry, size, [])]

    def _made(
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
        )

    def _check_repeats(self, entry: ImageRows, count: int, found: Pass) -> None:
        lines = (entry.text or b"").split(b"\n")
        if len(set(lines)) < len(lines) and count > 1:
            words = [b" ".join(line.split()) for line in lines if line.strip()]
            repeated = len(words) - len(set(words))
            if repeated:
                found.add(
                    "Y18",
                    "a row stands there twice; kept",
                    severity=Severity.NOTE,
                    path=entry.item.label,
                    count=repeated,
                )

    def _scan(self) -> dict[int, str]:
        """The class numbers that label files use, where nothing names them."""
        quiet = Findings("skip").begin("classes")
        meaning = RowDecoder(
            {},
            open_names=True,
            task=self._task,
            kpt_shape=None,
            predictions=self.options.predictions,
        )
        for item in self._items(quiet, None):
            text = read_text(item.label, self._opener) if item.label is not None else None
            rows = fast_rows(text) if text else []
            numbered = (
                [(1, row) for row in rows if row]
                if rows is not None
                else self._good_lines(text or b"", RowReporter(quiet, ""))
            )
            meaning.shapes(numbered, 1, 1, RowReporter(quiet, ""))
        return meaning.names
