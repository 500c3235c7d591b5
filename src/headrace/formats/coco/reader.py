"""Reads COCO: images in the order of the file, each with all of its annotations, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, ClassVar

from headrace.formats.base import Reader
from headrace.formats.coco import INFO
from headrace.formats.coco.decode import ShapeMaker
from headrace.formats.coco.detect import probe_file
from headrace.formats.coco.folders import file_meant
from headrace.formats.coco.group_by_image import (
    Placed,
    from_buckets,
    from_order,
    without_annotations,
)
from headrace.formats.coco.images import SampleMaker
from headrace.formats.coco.index import Outline, sort_annotations, survey
from headrace.formats.coco.record_findings import Reporter
from headrace.formats.coco.results import survey_results
from headrace.formats.coco.row_sort import Wanted, find_row
from headrace.formats.coco.schema import (
    AnnotationRecord,
    ImageRecord,
    Learner,
    Odd,
    PlainRecord,
    RawAnnotationRecord,
    RawPlainRecord,
)
from headrace.formats.coco.unordered import Loose
from headrace.formats.findings.collect import Findings, Pass, Severity
from headrace.formats.info import FormatInfo
from headrace.formats.io.gc_pause import collect_young_garbage, gc_paused
from headrace.formats.io.json_stream import MAX_ELEMENT, JsonStream
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import Attributes

COLLECT_EVERY = 1024


class CocoReader(Reader):
    """One COCO file, or a folder that holds just one. The first thing asked looks over the whole file; see :func:`~.outline.survey`."""

    info: ClassVar[FormatInfo] = INFO

    def _open(self) -> None:
        self.path = file_meant(self.path, probe_file)
        self._stream = JsonStream(self.path)
        self._outline: Outline | None = None
        self._emitted = 0

    def _close(self) -> None:
        if hasattr(self, "_stream"):
            if self._outline is not None:
                self._outline.close()
            self._stream.close()

    def about(self) -> Attributes:
        """``info``, ``licenses`` and whatever else stands beside images, annotations and categories."""
        found = self.findings.begin("about")
        values: Attributes = {}
        for member in self._surveyed().others:
            if (member.end or 0) - member.start <= MAX_ELEMENT:
                values[member.key] = self._stream.decoded(member)
            else:
                message = "a key that COCO does not define holds more than 16 MiB, left out"
                found.add("C01", message, severity=Severity.LOSS, path=self.path, detail=member.key)
        return values

    def progress(self) -> float:
        """A third for the look over the file, the rest for the images handed out."""
        if self._outline is None:
            return self._stream.position / max(self._stream.size, 1) / 3
        return (1 + 2 * self._emitted / max(len(self._outline.numbering), 1)) / 3

    def _surveyed(self) -> Outline:
        if self._outline is None:
            with gc_paused():
                found = self.findings.begin("survey")
                if self.options.predictions and self._stream.top()[1] == b"[":
                    self._outline = survey_results(self._stream, found, self.options.labels)
                else:
                    self._outline = survey(
                        self._stream, found, self._wanted(), sort=self.options.gather
                    )
        return self._outline

    def _wanted(self) -> Wanted:
        if self.options.task == "detect":
            return "boxes"
        return "text" if self.options.geometry == "raw" else "numbers"

    def _labels(self, found: Pass) -> list[LabelInfo]:
        return self._surveyed().categories.labels

    def _filenames(self) -> Iterator[list[str]]:
        # What is bad here fails here, but is only counted when the images are read.
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
        """Groups as they come: as large as a processor's cache holds, but no larger than asked for."""
        size = self.options.batch
        for group in groups:
            for start in range(0, len(group), size):
                yield group[start : start + size]

    def _images(self, found: Pass) -> Iterator[Placed]:
        """Each image's place in the file, and its sample unless it cannot be used."""
        outline, report = self._surveyed(), Reporter(self._stream, found)
        if outline.images is None:
            for place, number in enumerate(outline.result_ids or ()):
                found.images_in += 1
                yield place, Sample(filename=str(number), id=number)
            return
        learner = Learner(ImageRecord, keep_extra=self.options.keep_extra)
        annotated = outline.annotations is not None
        maker = SampleMaker(learner, report, annotated=annotated, media=self.options.images)
        place = 0
        for chunk in self._stream.array(outline.images, learner.many):
            for record in learner.records(chunk):
                found.images_in += 1
                if place in outline.numbering.doubles:
                    report.about(_named(record), lambda: Odd(b""))
                    report(
                        "C18",
                        "an image id stands twice, the first one counts",
                        severity=Severity.ERROR,
                        dropped_images=1,
                    )
                    yield place, None
                else:
                    yield place, maker.make(record)
                place += 1

    def _samples(self, found: Pass) -> Iterator[list[Sample]]:
        outline = self._surveyed()
        images = self._images(found)
        if outline.annotations is None:
            return without_annotations(images)
        if not outline.is_sorted:
            sort_annotations(self._stream, outline)
        learner, shapes = self._makers(found)
        if outline.buckets is not None:
            find = partial(find_row, self._stream, outline.annotations, outline.wanted)
            return from_buckets(outline.buckets, images, learner, shapes, find)
        chunks = self._stream.array(outline.annotations, learner.many)
        return from_order(chunks, images, outline.numbering, learner, shapes)

    def loose(self, found: Pass) -> Loose | None:
        """The images, and the annotations in the order of the file, for who needs no image's together.

        None where the file has no annotations, or ids of images that are no usual numbers.
        """
        outline = self._surveyed()
        if outline.images is None or outline.annotations is None:
            return None
        if not outline.numbering.is_usual:
            return None
        learner, shapes = self._makers(found)
        chunks = self._stream.array(outline.annotations, learner.many)
        member = outline.annotations
        size = (member.end or self._stream.size) - member.start
        return Loose(self._images(found), chunks, outline.numbering, learner, shapes, size)

    def _makers(self, found: Pass) -> tuple[Learner[Any], ShapeMaker]:
        """What makes records of the annotations' text, and shapes of records."""
        raw = self.options.geometry == "raw"
        kind, plain = (
            (RawAnnotationRecord, RawPlainRecord) if raw else (AnnotationRecord, PlainRecord)
        )
        learner: Learner[Any] = Learner(kind, keep_extra=self.options.keep_extra, plain=plain)
        categories, report = self._surveyed().categories, Reporter(self._stream, found)
        return learner, ShapeMaker(
            categories.names, categories.points, learner, report, task=self.options.task, raw=raw
        )


def _named(record: ImageRecord | Odd) -> str:
    return "image" if isinstance(record, Odd) else f"image {record.id} ({record.file_name})"
