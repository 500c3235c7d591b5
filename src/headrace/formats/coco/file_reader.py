"""Read one COCO file: its labels, and its images in the order of the file, each with all of its annotations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property, partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from headrace.formats.coco import recover
from headrace.formats.coco.categories import Categories
from headrace.formats.coco.decode import CocoShapeDecoder
from headrace.formats.coco.images import CocoSampleDecoder, given_name
from headrace.formats.coco.index import (
    FileIndex,
    build_index,
    build_results_index,
    sort_annotations,
)
from headrace.formats.coco.ordered_records import samples_in_order
from headrace.formats.coco.parts import CocoPart, near_folders
from headrace.formats.coco.record_findings import RecordReporter
from headrace.formats.coco.rows import (
    MAX_OPEN,
    OrderedRows,
    Row,
    RowSort,
    SegmentationMode,
    find_row,
)
from headrace.formats.coco.schema import (
    AnnotationRecord,
    ImageRecord,
    PlainRecord,
    RecordDecoder,
    UndecodedRecord,
)
from headrace.formats.coco.text_sort import TextSort
from headrace.formats.coco.unordered import UnorderedAnnotations
from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.io.image_folder import SAMPLES, ImageFolder, find_image_folder
from headrace.formats.io.json_file import MAX_ELEMENT
from headrace.formats.io.json_stream import JsonStream
from headrace.formats.options import ReadOptions
from headrace.garbage import collector_paused
from headrace.memory import give_back_memory
from headrace.model.sample import Sample
from headrace.model.shapes import Attributes


class CocoFileReader:
    """Reads one COCO file. The first call of most methods reads the whole file once; see :func:`.build_index`.

    Args:
        part: The file, and the split of its images.
        root: The folder of the source; the paths of images are relative to it.
        options: How to read.
        begin_index: Returns the pass that receives the findings of indexing.
        is_folder: Whether the source is the folder, not the file alone.
    """

    def __init__(
        self,
        part: CocoPart,
        root: Path,
        options: ReadOptions,
        begin_index: Callable[[], Pass],
        *,
        is_folder: bool,
    ) -> None:
        self.part = part
        self._root = root
        self._options = options
        self._begin_index = begin_index
        self._is_folder = is_folder
        self._stream = JsonStream(part.path)
        self._index: FileIndex | None = None

    def close(self) -> None:
        """Close the file and delete the sorted annotations."""
        if self._index is not None:
            self._index.close()
        self._stream.close()

    @property
    def size(self) -> int:
        """Size of the file in bytes."""
        return self._stream.size

    @property
    def categories(self) -> Categories:
        """The categories of the file."""
        return self.index.categories

    def about(self, found: Pass) -> Attributes:
        """Return ``info``, ``licenses`` and the other top-level keys beside images, annotations and categories."""
        values: Attributes = {}
        for member in self.index.others:
            if (member.end or 0) - member.start <= MAX_ELEMENT:
                report = partial(found.add, path=self.part.path, detail=member.key)
                values[member.key] = recover.plain(self._stream.decoded(member), report)
            else:
                message = "a key that COCO does not define holds more than 16 MiB, left out"
                path, severity = self.part.path, Severity.LOSS
                found.add("C01", message, severity=severity, path=path, detail=member.key)
        return values

    def progress(self, emitted: int) -> float:
        """Return the progress, 0 to 1, after ``emitted`` samples: indexing counts as one third."""
        if self._index is None:
            return self._stream.position / max(self._stream.size, 1) / 3
        return (1 + 2 * emitted / max(len(self._index.image_index), 1)) / 3

    @property
    def index(self) -> FileIndex:
        """The index of the file."""
        if self._index is None:
            with collector_paused():
                found = self._begin_index()
                if self._options.predictions and self._stream.top()[1] == b"[":
                    self._index = build_results_index(self._stream, found, self._options.labels)
                else:
                    self._index = build_index(
                        self._stream, found, self._segmentation_mode(), sort=self._options.gather
                    )
                    if self._index.by_image is not None:
                        give_back_memory()  # the buffers of the sort
        return self._index

    def _segmentation_mode(self) -> SegmentationMode:
        return "boxes" if self._options.task == "detect" else "text"

    @cached_property
    def image_folder(self) -> ImageFolder | None:
        """The folder where the first images of the file lie; None where they are not found below the root."""
        index = self.index
        if index.images is None:
            return None
        decoder = RecordDecoder(ImageRecord, keep_extra=False)
        chunk = next(iter(self._stream.array(index.images, decoder.decode_array)), None)
        records = [] if chunk is None else islice(decoder.records(chunk), SAMPLES)
        names = [
            given_name(record.file_name)
            for record in records
            if isinstance(record, ImageRecord) and record.file_name
        ]
        return find_image_folder(
            self._root,
            names,
            near_folders(self._root, self.part, self._options.images),
            deep=self._is_folder,
        )

    def images(self, found: Pass) -> Iterator[Sample | None]:
        """Yield the sample of each image in the order of the file; None for an image that cannot be used."""
        index, report = self.index, RecordReporter(self._stream, found)
        if index.images is None:
            for number in index.result_ids or ():
                found.images_in += 1
                yield Sample(filename=str(number), id=number)
            return
        record_decoder = RecordDecoder(ImageRecord, keep_extra=self._options.keep_extra)
        decoder = CocoSampleDecoder(
            record_decoder,
            report,
            annotated=index.annotations is not None,
            media=self._options.images,
            split=self.part.split,
            root=self._root,
            folder=self.image_folder,
            duplicates=index.image_index.duplicates,
        )
        for chunk in self._stream.array(index.images, record_decoder.decode_array):
            records = record_decoder.records(chunk)
            found.images_in += len(records)
            yield from decoder.decode(records)

    def samples(self, found: Pass) -> Iterator[list[Sample]]:
        """Yield groups of samples with their annotations."""
        index = self.index
        images = self.images(found)
        if index.annotations is None:
            return without_annotations(images)
        if index.by_image is None and not index.in_order:
            sort_annotations(self._stream, index)
        record_decoder, shape_decoder = self._decoders(found)
        if index.by_image is None:
            chunks = self._stream.array(index.annotations, record_decoder.decode_array)
            return chain(
                samples_in_order(chunks, images, index.image_index, record_decoder, shape_decoder),
                without_annotations(images),
            )
        find = partial(find_row, self._stream, index.annotations, index.mode)
        return with_annotations(index.by_image, images, shape_decoder, find)

    def unordered(self, found: Pass) -> UnorderedAnnotations | None:
        """Return the images, and the annotations in the order of the file; see :meth:`.CocoReader.unordered`."""
        index = self.index
        if index.images is None or index.annotations is None:
            return None
        if not index.image_index.is_dense:
            return None
        record_decoder, shape_decoder = self._decoders(found)
        chunks = self._stream.array(index.annotations, record_decoder.decode_array)
        member = index.annotations
        size = (member.end or self._stream.size) - member.start
        return UnorderedAnnotations(
            self.images(found), chunks, index.image_index, record_decoder, shape_decoder, size
        )

    def _decoders(self, found: Pass) -> tuple[RecordDecoder[Any], CocoShapeDecoder]:
        """Return the decoders from the text of annotations to records, and from records to shapes."""
        record_decoder: RecordDecoder[Any] = RecordDecoder(
            AnnotationRecord, keep_extra=self._options.keep_extra, plain=PlainRecord
        )
        categories, report = self.index.categories, RecordReporter(self._stream, found)
        return record_decoder, CocoShapeDecoder(
            categories.names,
            categories.points,
            record_decoder,
            report,
            task=self._options.task,
            keeps_text=self._options.geometry == "raw",
        )


def with_annotations(
    annotations: TextSort[Any] | RowSort | OrderedRows,
    images: Iterator[Sample | None],
    shape_decoder: CocoShapeDecoder,
    find: Callable[[Row], UndecodedRecord],
) -> Iterator[list[Sample]]:
    """Yield samples with their annotations. Annotations of unknown images become findings first.

    ``find`` returns the text of a row.
    """

    def attach(content: bytes | list[Row], first: int, group: list[Sample | None]) -> None:
        if isinstance(content, bytes):
            samples = {sample.id: sample for sample in group if sample is not None}
            shape_decoder.attach_lines(content, samples)
        else:
            shape_decoder.attach_rows(content, first, group, find)

    for content in annotations.orphans():
        attach(content, 0, [])
    for first, after, content in annotations.groups():
        group = list(islice(images, after - first))
        if content:
            attach(content, first, group)
        yield [sample for sample in group if sample is not None]


def without_annotations(images: Iterator[Sample | None]) -> Iterator[list[Sample]]:
    """Yield samples as they are."""
    while group := list(islice(images, MAX_OPEN)):
        yield [sample for sample in group if sample is not None]
