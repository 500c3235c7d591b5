"""Reads YOLO datasets: the description, then label files in batches."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from headrace.errors import ParseError, did_you_mean
from headrace.formats.chunked_reader import ChunkedReader
from headrace.formats.findings.collect import Findings, Pass, Severity
from headrace.formats.io.image_size import read_size
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
from headrace.formats.yolo.description import (
    DatasetDescription,
    find_description,
    read_description,
)
from headrace.formats.yolo.dota import DotaDecoder, has_named_rows
from headrace.formats.yolo.layout.clashes import SplitClashes
from headrace.formats.yolo.layout.source import SplitSource, YoloImage
from headrace.formats.yolo.layout.sources import find_sources, wanted_sources
from headrace.formats.yolo.layout.walk import YoloWalk
from headrace.formats.yolo.part_of_dataset import describe_above, inner_dataset
from headrace.formats.yolo.samples import (
    LabelFileDecoder,
    displayed,
    good_lines,
    with_sizes,
)
from headrace.formats.yolo.tokenize import fast_rows, read_text
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import Attributes, Classification

_Item = TypeVar("_Item", YoloImage, ClassifiedImage)


class YoloReader(ChunkedReader):
    """Reads label files into pixels, with sizes from the headers of the images.

    The name of a sample is the path of its image below the folder of the split. Fractions refer to the image as
    displayed, so width and height are swapped for the EXIF orientations 6 and 8, as Ultralytics does.
    """

    info = INFO

    def __init__(self, path: Path, *, options: ReadOptions, findings: Findings) -> None:
        super().__init__(path, options=options, findings=findings)
        self._fraction = 0.0
        self._used_names: dict[int, str] = {}
        self._opener = Opener()
        # Whether rows name their class and hold corners in pixels (DOTA).
        self._names_rows = False
        self._clashes: SplitClashes | None = None
        self._decoder: LabelFileDecoder | DotaDecoder

    def _open(self) -> None:
        task = None if self.options.task == "auto" else self.options.task
        if task is not None and task not in TASKS:
            hint = f"{did_you_mean(task.lower(), TASKS)}tasks: {', '.join(TASKS)}"
            raise ParseError(f"YOLO has no task {task!r}", path=self.path, hint=hint)
        self._description = find_description(self.path)
        self._base = self.path if self.path.is_dir() else self.path.parent
        if self._description is None and (inner := inner_dataset(self._base)) is not None:
            self._description, self._base = find_description(inner), inner

    def _close(self) -> None:
        self._opener.close()

    def _describe(self, found: Pass) -> DatasetDescription:
        if self._description is None:
            dataset = describe_above(self._base, found)
        else:
            dataset = read_description(self._description, self._base, found)
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
        self._names_rows = self._has_named_rows()
        if self._names_rows:
            return self._named_labels()
        if not self._dataset.names:
            self._used_names = self._scan()
        return labels_of(self._dataset.names or self._used_names, self._dataset.kpt_names)

    def _has_named_rows(self) -> bool:
        """Return whether the label files are those of DOTA."""
        try:
            sources = self._sources(Findings("skip").begin("rows"))
        except ParseError:
            return False  # raised again, with its findings, when images are read
        return has_named_rows(self._dataset, sources, self._clashes_of(sources))

    def _named_labels(self) -> list[LabelInfo]:
        """Return the declared classes, and those that rows name."""
        quiet = Findings("skip").begin("classes")
        used = DotaDecoder().names(self._items(quiet, None), self._opener)
        names = dict.fromkeys([*self._dataset.names.values(), *used])
        return [LabelInfo(name=name, id=number) for number, name in enumerate(names)]

    def about(self) -> Attributes:
        """Return the task, ``kpt_shape`` and unknown keys of the yaml, but never ``download``."""
        self.labels()
        dataset = self._dataset
        about: Attributes = dict(dataset.more)
        task = "obb" if self._names_rows else self._task
        if task is not None:
            about["task"] = task
        if dataset.kpt_shape is not None:
            about["kpt_shape"] = list(dataset.kpt_shape)
        return about

    def progress(self) -> float:
        """Return the fraction of finished splits."""
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
        asked = self.options.task
        return self._dataset.task if asked in (None, "auto") else asked

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
        images = YoloWalk(
            dataset, dataset.base, self.options.images, self._clashes_of(sources), found
        )
        nothing = True
        for number, source in enumerate(sources):
            self._fraction = number / len(sources)
            for item in images.items(source):
                nothing = False
                yield item if self._base == self.path else self._in_folder(item)
        self._fraction = 1.0
        if nothing and not dataset.splits:
            raise ParseError("the folder contains no images and no label files", path=self.path)
        if found is not None and not images.labelled and not nothing:
            found.add("Y09", "no image has a label file", severity=Severity.NOTE, path=self.path)

    def _in_folder(self, item: _Item) -> _Item:
        """Give an image its path below the folder that was named, if that is around the dataset's."""
        if item.path is None or not self.path.is_dir():
            return item
        return item._replace(path=f"{self._base.name}/{item.path}")

    def _clashes_of(self, sources: list[SplitSource]) -> SplitClashes:
        if self._clashes is None:
            self._clashes = SplitClashes(self._dataset.base, sources)
        return self._clashes

    def _classified(self, found: Pass) -> Iterator[ClassifiedImage]:
        sources = self._sources(found)
        clashes = self._clashes_of(sources)
        for number, source in enumerate(sources):
            self._fraction = number / len(sources)
            for item in classified_images(source, self._dataset.base, clashes):
                yield item if self._base == self.path else self._in_folder(item)
        self._fraction = 1.0

    def divisible(self) -> bool:
        """Return whether class names are known; otherwise they are generated in the order of the rows."""
        return self._classifies() or self._names_rows or bool(self._dataset.names)

    def begin_parsing(self, found: Pass) -> None:
        """Read the description and create the decoder."""
        self.labels()
        if self._names_rows:
            self._decoder = DotaDecoder()
        elif not self._classifies():
            self._decoder = LabelFileDecoder(self._row_decoder(found))

    def chunks(self, found: Pass) -> Iterator[list[YoloImage | ClassifiedImage]]:
        """Yield the images in the order of the walk."""
        items: Iterator[YoloImage | ClassifiedImage] = (
            self._classified(found) if self._classifies() else self._items(found, found)
        )
        while chunk := list(islice(items, self.options.batch)):
            yield chunk

    def parse(self, chunk: list[YoloImage | ClassifiedImage], found: Pass) -> list[Sample]:
        """Return a sample for each usable image."""
        classified = [
            self._classification(item, found) for item in chunk if isinstance(item, ClassifiedImage)
        ]
        if classified:
            return classified
        images = [item for item in chunk if isinstance(item, YoloImage)]
        if self.size_lookup is not None:
            images = with_sizes(images, self.size_lookup)
        return self._decoder.decode(images, self._opener, found)

    def _classification(self, one: ClassifiedImage, found: Pass) -> Sample:
        found.images_in += 1
        found.shapes_in += 1
        width, height = self._size(one.image, found) or (None, None)
        return Sample(
            filename=one.name,
            width=width,
            height=height,
            split=one.split,
            path=one.path,
            shapes=[Classification(label=self._folders[one.folder])],
        )

    def _row_decoder(self, found: Pass) -> RowDecoder:
        names = self._dataset.names
        if not names:
            found.add(
                "Y01",
                "no class names are given; they become class_0, class_1 …",
                path=self.path,
                hint="declare the names in a data.yaml or classes.txt",
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

    def _size(self, image: str, found: Pass) -> tuple[int, int] | None:
        return displayed(read_size(image, self._opener), image, found)

    def _scan(self) -> dict[int, str]:
        """Return the class numbers that occur in label files, with generated names."""
        quiet = Findings("skip").begin("classes")
        decoder = RowDecoder(
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
                else good_lines(text or b"", RowReporter(quiet, ""))
            )
            decoder.shapes(numbered, 1, 1, RowReporter(quiet, ""))
        return decoder.names
