"""Read COCO: images in the order of the file, each with all of its annotations, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, ClassVar

from headrace.formats.base import Reader
from headrace.formats.coco import INFO
from headrace.formats.coco.decode import CocoShapeDecoder
from headrace.formats.coco.detect import detect_file
from headrace.formats.coco.folders import resolve_file
from headrace.formats.coco.group_by_image import (
    IndexedSample,
    from_ordered,
    from_sorted,
    without_annotations,
)
from headrace.formats.coco.images import CocoSampleDecoder
from headrace.formats.coco.index import FileIndex, build_index, sort_annotations
from headrace.formats.coco.record_findings import RecordReporter
from headrace.formats.coco.results import build_results_index
from headrace.formats.coco.row_sort import SegmentationMode, find_row
from headrace.formats.coco.schema import (
    AnnotationRecord,
    ImageRecord,
    PlainRecord,
    RawAnnotationRecord,
    RawPlainRecord,
    RecordDecoder,
    UndecodedRecord,
)
from headrace.formats.coco.unordered import UnorderedAnnotations
from headrace.formats.findings.collect import Findings, Pass, Severity
from headrace.formats.info import FormatInfo
from headrace.formats.io.gc_pause import collect_young_garbage, gc_paused
from headrace.formats.io.json_file import MAX_ELEMENT
from headrace.formats.io.json_stream import JsonStream
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import Attributes

COLLECT_EVERY = 1024


class CocoReader(Reader):
    """Reads one COCO file, or the only one in a folder.

    The first call of most methods reads the whole file once; see :func:`.build_index`.
    """

    info: ClassVar[FormatInfo] = INFO

    def _open(self) -> None:
        self.path = resolve_file(self.path, detect_file)
        self._stream = JsonStream(self.path)
        self._index: FileIndex | None = None
        self._emitted = 0

    def _close(self) -> None:
        if hasattr(self, "_stream"):
            if self._index is not None:
                self._index.close()
            self._stream.close()

    def about(self) -> Attributes:
        """Return ``info``, ``licenses`` and the other top-level keys beside images, annotations and categories."""
        found = self.findings.begin("about")
        values: Attributes = {}
        for member in self._get_index().others:
            if (member.end or 0) - member.start <= MAX_ELEMENT:
                values[member.key] = self._stream.decoded(member)
            else:
                message = "a key that COCO does not define holds more than 16 MiB, left out"
                found.add("C01", message, severity=Severity.LOSS, path=self.path, detail=member.key)
        return values

    def progress(self) -> float:
        """Return the progress, 0 to 1: indexing counts as one third, the samples returned as the rest."""
        if self._index is None:
            return self._stream.position / max(self._stream.size, 1) / 3
        return (1 + 2 * self._emitted / max(len(self._index.image_index), 1)) / 3

    def _get_index(self) -> FileIndex:
        if self._index is None:
            with gc_paused():
                found = self.findings.begin("index")
                if self.options.predictions and self._stream.top()[1] == b"[":
                    self._index = build_results_index(self._stream, found, self.options.labels)
                else:
                    self._index = build_index(
                        self._stream, found, self._segmentation_mode(), sort=self.options.gather
                    )
        return self._index

    def _segmentation_mode(self) -> SegmentationMode:
        if self.options.task == "detect":
            return "boxes"
        return "text" if self.options.geometry == "raw" else "numbers"

    def _labels(self, found: Pass) -> list[LabelInfo]:
        return self._get_index().categories.labels

    def _filenames(self) -> Iterator[list[str]]:
        # Bad images raise here too, but only reading the images counts them.
        policy = self.findings
        found = Findings(policy.on_error, strict=policy.strict).begin("filenames")
        for batch in self._batched(without_annotations(self._images(found))):
            yield [sample.filename for sample in batch]

    def _batches(self, found: Pass) -> Iterator[list[Sample]]:
        self._emitted = 0
        with gc_paused():
            for number, batch in enumerate(self._batched(self._samples(found))):
                yield batch
                self._emitted += len(batch)
                if number % COLLECT_EVERY == 0:
                    collect_young_garbage()

    def _batched(self, groups: Iterator[list[Sample]]) -> Iterator[list[Sample]]:
        """Split groups, which fit into the processor's cache, where they are larger than the batch size."""
        size = self.options.batch
        for group in groups:
            for start in range(0, len(group), size):
                yield group[start : start + size]

    def _images(self, found: Pass) -> Iterator[IndexedSample]:
        """Yield the position of each image, and its sample unless the image cannot be used."""
        index, report = self._get_index(), RecordReporter(self._stream, found)
        if index.images is None:
            for position, number in enumerate(index.result_ids or ()):
                found.images_in += 1
                yield position, Sample(filename=str(number), id=number)
            return
        record_decoder = RecordDecoder(ImageRecord, keep_extra=self.options.keep_extra)
        annotated = index.annotations is not None
        decoder = CocoSampleDecoder(
            record_decoder, report, annotated=annotated, media=self.options.images
        )
        position = 0
        for chunk in self._stream.array(index.images, record_decoder.decode_array):
            for record in record_decoder.records(chunk):
                found.images_in += 1
                if position in index.image_index.duplicates:
                    report.set_record(_name_of(record), lambda: UndecodedRecord(b""))
                    report(
                        "C18",
                        "an image id appears twice, the first one counts",
                        severity=Severity.ERROR,
                        dropped_images=1,
                    )
                    yield position, None
                else:
                    yield position, decoder.decode(record)
                position += 1

    def _samples(self, found: Pass) -> Iterator[list[Sample]]:
        index = self._get_index()
        images = self._images(found)
        if index.annotations is None:
            return without_annotations(images)
        if not index.is_sorted:
            sort_annotations(self._stream, index)
        record_decoder, shape_decoder = self._decoders(found)
        if index.sorted_annotations is not None:
            find = partial(find_row, self._stream, index.annotations, index.mode)
            return from_sorted(
                index.sorted_annotations, images, record_decoder, shape_decoder, find
            )
        chunks = self._stream.array(index.annotations, record_decoder.decode_array)
        return from_ordered(chunks, images, index.image_index, record_decoder, shape_decoder)

    def unordered(self, found: Pass) -> UnorderedAnnotations | None:
        """Return the images, and the annotations in the order of the file.

        For writers that do not need annotations grouped by image. Returns None where the file has no annotations, or
        image ids that are not small numbers.
        """
        index = self._get_index()
        if index.images is None or index.annotations is None:
            return None
        if not index.image_index.is_dense:
            return None
        record_decoder, shape_decoder = self._decoders(found)
        chunks = self._stream.array(index.annotations, record_decoder.decode_array)
        member = index.annotations
        size = (member.end or self._stream.size) - member.start
        return UnorderedAnnotations(
            self._images(found), chunks, index.image_index, record_decoder, shape_decoder, size
        )

    def _decoders(self, found: Pass) -> tuple[RecordDecoder[Any], CocoShapeDecoder]:
        """Return the decoders from the text of annotations to records, and from records to shapes."""
        raw = self.options.geometry == "raw"
        kind, plain = (
            (RawAnnotationRecord, RawPlainRecord) if raw else (AnnotationRecord, PlainRecord)
        )
        record_decoder: RecordDecoder[Any] = RecordDecoder(
            kind, keep_extra=self.options.keep_extra, plain=plain
        )
        categories, report = self._get_index().categories, RecordReporter(self._stream, found)
        return record_decoder, CocoShapeDecoder(
            categories.names,
            categories.points,
            record_decoder,
            report,
            task=self.options.task,
            raw=raw,
        )


def _name_of(record: ImageRecord | UndecodedRecord) -> str:
    return (
        "image"
        if isinstance(record, UndecodedRecord)
        else f"image {record.id} ({record.file_name})"
    )
