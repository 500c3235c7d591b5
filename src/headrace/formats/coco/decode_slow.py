"""Decode one annotation at a time to its shape, with every check that a record may need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.errors import ParseError
from headrace.formats.coco import recover
from headrace.formats.coco.ids import SeenIds, of_other_type
from headrace.formats.coco.record_findings import RecordReporter
from headrace.formats.coco.schema import Id, RleRecord, StrictRecord
from headrace.formats.findings.collect import Severity
from headrace.formats.geometry import rle
from headrace.model.geometry import points_bounds, rings_bounds
from headrace.model.nesting import is_shallow
from headrace.model.sample import Sample
from headrace.model.shapes import (
    AnyShape,
    Attributes,
    Box,
    Classification,
    Keypoints,
    Mask,
    Polygon,
    Rectangle,
    SegmentationMask,
)

VISIBILITIES = frozenset({0.0, 1.0, 2.0})
NO_LABEL = "object"
# Keys of annotations that do not describe objects.
NOT_OBJECT_KEYS = frozenset({"caption", "segments_info"})
UNUSABLE = "an annotation without any usable geometry, dropped"


class StrictDecoder:
    """Decodes one record at a time, attaches its shape to its sample and reports what is wrong with it.

    ``task`` decides which geometry of an annotation is used: ``detect`` its box, ``segment`` its segmentation. Without
    a task, keypoints come before segmentations, and these before boxes.
    """

    def __init__(
        self,
        names: Mapping[Id, str],
        points: Mapping[str, int],
        ids: SeenIds,
        report: RecordReporter,
        *,
        task: str | None,
    ) -> None:
        self._names = names
        self._points = points
        self._ids = ids
        self._report = report
        self._task = task

    def attach(
        self,
        record: StrictRecord,
        extra: Attributes | None,
        samples: Mapping[Id | None, Sample],
    ) -> None:
        """Append the shape of a record to the sample of its image, unless it is dropped."""
        report = self._report
        sample = samples.get(record.image_id)
        if sample is None:
            sample = samples.get(of_other_type(record.image_id))
            if sample is not None:
                self._note_other_type("image")
        if sample is None:
            report("C18", "an annotation of an image that is not in the file, dropped", dropped=1)
            return
        if not is_shallow((extra, record.attributes)):
            report(
                "C27",
                "an annotation nested deeper than 64 levels, dropped",
                severity=Severity.ERROR,
                dropped=1,
            )
            return
        if not NOT_OBJECT_KEYS.isdisjoint(extra or ()):
            message = "an annotation of a caption or of a panoptic segment, dropped"
            hint = "headrace reads objects; on_error='skip' leaves these annotations out"
            report("C01", message, severity=Severity.ERROR, hint=hint, dropped=1)
            return
        if not self._ids.is_new(record.id):
            report("C17", "an annotation id appears twice")
        record.attributes = recover.plain(record.attributes, report)
        extra = recover.plain(extra or {}, report)
        shape = self._shape(record, self._label(record.category_id), sample, extra)
        if shape is not None:
            sample.shapes.append(shape)

    def _label(self, category: Id | None) -> str:
        if category is None:
            self._report("C16", f"an annotation names no category, labelled {NO_LABEL!r}")
            return NO_LABEL
        label = self._names.get(category)
        if label is None:
            label = self._names.get(of_other_type(category) or "")
            if label is not None:
                self._note_other_type("category")
        if label is None:
            # A file without categories, a results file for example, has only their numbers.
            self._report(
                "C16",
                "a category that the file does not declare, named by its number",
                severity=Severity.ERROR if self._names else Severity.WARNING,
                detail=str(category),
                hint="declare it, or pass on_error='skip' to use its number as its name",
            )
            label = str(category)
        return label

    def _note_other_type(self, what: str) -> None:
        message = f"an annotation has the id of its {what} as text or as number, the other way"
        self._report("C33", message, severity=Severity.NOTE)

    def _shape(
        self, record: StrictRecord, label: str, sample: Sample, extra: Attributes
    ) -> AnyShape | None:
        common: dict[str, Any] = {
            "label": label,
            "id": record.id,
            "iscrowd": bool(record.iscrowd),
            "area": record.area,
            "score": record.score,
            "attributes": record.attributes,
            "text": record.utf8_string,
        }
        segmentation = self._usable(record.segmentation)
        mask = None
        if isinstance(segmentation, RleRecord):
            mask = self._check_rle(segmentation, sample)
            if mask is None:
                return None
        keypoints = self._keypoints(record.keypoints, label)
        box = record.bbox
        if box is None and (segmentation or keypoints):
            self._report("C04", "an annotation without a bbox, computed from its shape")
        if keypoints and self._task in (None, "pose"):
            usable = segmentation if isinstance(segmentation, list) else mask
            return Keypoints(
                points=keypoints, bbox=box, segmentation=usable, extra=extra or None, **common
            )
        if mask is not None and self._task != "detect":
            return Mask(
                counts=mask.counts,
                height=mask.height,
                width=mask.width,
                bbox=box,
                extra=extra or None,
                **common,
            )
        if isinstance(segmentation, list) and self._task != "detect":
            return Polygon(rings=segmentation, bbox=box, extra=extra or None, **common)
        box = box or _bounds(segmentation, mask, keypoints)
        if box is not None:
            x, y, w, h = box
            return Rectangle(x=x, y=y, w=w, h=h, extra=extra or None, **common)
        if record.segmentation or record.keypoints:
            self._report("C04", UNUSABLE, dropped=1)
            return None
        return Classification(extra=extra or None, **common)

    def _usable(
        self, segmentation: list[list[float]] | RleRecord | None
    ) -> list[list[float]] | RleRecord | None:
        if not isinstance(segmentation, list):
            return segmentation
        rings = [ring for ring in segmentation if not len(ring) & 1]
        if len(rings) < len(segmentation):
            self._report("C09", recover.NO_POLYGON)
        return rings or None

    def _check_rle(self, record: RleRecord, sample: Sample) -> SegmentationMask | None:
        height, width = record.size
        try:
            if isinstance(record.counts, str):
                rle.decode(record.counts, height, width)
                counts = record.counts
            else:
                rle.check(record.counts, height, width)
                counts = rle.encode(record.counts)
        except ParseError as error:
            self._report(
                "C12",
                "a damaged RLE mask, dropped",
                severity=Severity.ERROR,
                detail=error.message.removeprefix("C12  "),
                dropped=1,
            )
            return None
        if sample.width and sample.height and (height, width) != (sample.height, sample.width):
            detail = f"{height} x {width} (height x width) on an image of {sample.height} x {sample.width}"
            message = "an RLE mask of another size than its image, dropped"
            self._report("C13", message, severity=Severity.ERROR, detail=detail, dropped=1)
            return None
        return SegmentationMask(counts=counts, height=height, width=width)

    def _keypoints(self, points: list[float] | None, label: str) -> list[float] | None:
        if not points:
            return None
        if len(points) % 3:
            self._report(
                "C21",
                "keypoints whose numbers are not in threes, dropped",
                detail=f"{len(points)} numbers",
            )
            return None
        expected = self._points.get(label)
        if expected and len(points) != 3 * expected:
            detail = f"{len(points) // 3} points where {label!r} has {expected}"
            self._report("C21", "not as many keypoints as their category has, kept", detail=detail)
        if not VISIBILITIES.issuperset(points[2::3]):
            self._report("C21", "a visibility that is not 0, 1 or 2, kept")
        return points


def _bounds(
    segmentation: list[list[float]] | RleRecord | None,
    mask: SegmentationMask | None,
    points: list[float] | None,
) -> Box | None:
    if mask is not None:
        return rle.bounds(rle.decode(mask.counts, mask.height, mask.width), mask.height)
    if isinstance(segmentation, list):
        return rings_bounds(segmentation)
    labelled = [
        value
        for i in range(0, len(points or ()), 3)
        if points and points[i + 2]
        for value in points[i : i + 2]
    ]
    return points_bounds(labelled) if labelled else None
