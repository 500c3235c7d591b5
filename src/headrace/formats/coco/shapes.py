"""COCO annotations to shapes: a short loop for the clean ones, a longer way for the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from msgspec import MsgspecError, Raw

from headrace.errors import ParseError
from headrace.formats import rle
from headrace.formats.coco import repair
from headrace.formats.coco.report import Reporter
from headrace.formats.coco.schema import (
    AnnotationRecord,
    AnyAnnotation,
    Id,
    Learner,
    Odd,
    RawAnnotationRecord,
    RleRecord,
)
from headrace.formats.findings import Severity
from headrace.formats.lazyrings import lazy_ring
from headrace.model.geometry import points_bounds, rings_bounds
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
)

VISIBILITIES = frozenset({0.0, 1.0, 2.0})
NO_RINGS: list[list[float]] = []
NOTHING = (b"[]", b"null")
LONGEST_NOTHING = 4
NO_LABEL = "object"
_CAPTION = frozenset({"caption", "segments_info"})
UNUSABLE = "an annotation without any usable geometry, dropped"
# Beyond these an id that stands twice may go unnoticed: memory stays bounded.
MAX_SMALL = 32 * 1024 * 1024
MAX_OTHERS = 500_000


class ShapeMaker:
    """Makes the shapes of annotations and hangs them on their samples.

    ``names`` maps category ids to labels, ``points`` labels to the number of their keypoints. ``task`` prefers one of
    an annotation's geometries: ``detect`` its box, ``segment`` its outline; else keypoints come before outlines, and
    these before boxes.
    """

    def __init__(
        self,
        names: Mapping[Id, str],
        points: Mapping[str, int],
        learner: Learner[Any],
        report: Reporter,
        *,
        task: str | None,
    ) -> None:
        self._names = dict(names)
        self._points = points
        self._learner = learner
        self._report = report
        self._task = task
        self._ids = _SeenIds()

    def attach(
        self,
        records: Sequence[AnyAnnotation | Odd],
        samples: Mapping[Id | None, Sample],
        source: Callable[[int], Odd],
    ) -> None:
        """Append the shape of each record to the sample of its image; ``source`` shows a record's text by its index."""
        self._report.found.shapes_in += len(records)
        names, is_new, extra_of = self._names, self._ids.is_new, self._learner.extra
        learnt, boxes_only = self._learner.has_learnt, self._task == "detect"
        for index, record in enumerate(records):
            if isinstance(record, Odd):
                self._attach_odd(record, samples)
                continue
            rings, box = _plain_rings(record.segmentation), record.bbox
            extra = extra_of(record) if learnt else None
            if not (
                box is not None
                and rings is not None
                and record.category_id in names
                and record.image_id in samples
                and not record.keypoints
                and (extra is None or _is_usual(extra))
                and (record.attributes is None or repair.shallow(record.attributes))
                and is_new(record.id)
            ):
                self._attach_slowly(record, extra, samples, partial(source, index))
            elif boxes_only or rings is NO_RINGS:
                x, y, w, h = box
                samples[record.image_id].shapes.append(
                    Rectangle(
                        label=names[record.category_id],
                        x=x,
                        y=y,
                        w=w,
                        h=h,
                        id=record.id,
                        iscrowd=record.iscrowd != 0,
                        area=record.area,
                        score=record.score,
                        attributes=record.attributes,
                        text=record.utf8_string,
                        extra=extra,
                    )
                )
            else:
                samples[record.image_id].shapes.append(
                    Polygon(
                        label=names[record.category_id],
                        rings=rings,
                        bbox=box,
                        id=record.id,
                        iscrowd=record.iscrowd != 0,
                        area=record.area,
                        score=record.score,
                        attributes=record.attributes,
                        text=record.utf8_string,
                        extra=extra,
                    )
                )

    def _attach_slowly(
        self,
        record: AnyAnnotation,
        extra: Attributes | None,
        samples: Mapping[Id | None, Sample],
        source: Callable[[], Odd],
    ) -> None:
        if isinstance(record, RawAnnotationRecord):
            try:
                record = record.decoded()
            except (MsgspecError, UnicodeDecodeError, RecursionError):
                self._attach_odd(source(), samples)
                return
        self._report.about(_named(record), source)
        self._attach(record, extra, samples)

    def _attach_odd(self, odd: Odd, samples: Mapping[Id | None, Sample]) -> None:
        report = self._report
        report.about("annotation", lambda: odd)
        values = repair.parse(odd.text, report)
        if values is None:
            report("C26", "an annotation that cannot be read, dropped", dropped=1)
            return
        report.about(
            f"annotation {values.get('id')} of image {values.get('image_id')}", lambda: odd
        )
        record, extra = repair.annotation(values, report)
        if any(values.get(key) for key in ("bbox", "segmentation", "keypoints")) and not (
            record.bbox or record.segmentation or record.keypoints
        ):
            report("C04", UNUSABLE, dropped=1)
            return
        self._attach(record, extra or None, samples)

    def _attach(
        self,
        record: AnnotationRecord,
        extra: Attributes | None,
        samples: Mapping[Id | None, Sample],
    ) -> None:
        """The long way: everything that can be said about a record is said."""
        report = self._report
        sample = samples.get(record.image_id)
        if sample is None:
            report("C18", "an annotation of an image that is not in the file, dropped", dropped=1)
            return
        if not repair.shallow((extra, record.attributes)):
            report(
                "C27",
                "an annotation nested deeper than 64 levels, dropped",
                severity=Severity.ERROR,
                dropped=1,
            )
            return
        if not _CAPTION.isdisjoint(extra or ()):
            message = "an annotation of a caption or of a panoptic segment, dropped"
            hint = "headrace reads objects; with on_error='skip' such annotations are left out"
            report("C01", message, severity=Severity.ERROR, hint=hint, dropped=1)
            return
        if not self._ids.is_new(record.id):
            report("C17", "an annotation id stands twice")
        shape = self._shape(record, self._label(record.category_id), sample, extra or {})
        if shape is not None:
            sample.shapes.append(shape)

    def _label(self, category: Id | None) -> str:
        if category is None:
            self._report("C16", f"an annotation names no category, labelled {NO_LABEL!r}")
            return NO_LABEL
        label = self._names.get(category)
        if label is None:
            # A file without any categories (a results file, a bare one) has only numbers to give.
            self._report(
                "C16",
                "a category that the file does not declare, named by its number",
                severity=Severity.ERROR if self._names else Severity.WARNING,
                detail=str(category),
                hint="declare it, or skip errors (on-error skip) to have its number for a name",
            )
            label = str(category)
        return label

    def _shape(
        self, record: AnnotationRecord, label: str, sample: Sample, extra: Attributes
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
        outline = self._outline(record.segmentation)
        run = None
        if isinstance(outline, RleRecord):
            run = self._run(outline, sample)
            if run is None:
                return None
        keypoints = self._keypoints(record.keypoints, label)
        box = record.bbox
        if box is None and (outline or keypoints):
            self._report("C04", "an annotation without a bbox, which follows from its shape")
        if keypoints and self._task in (None, "pose"):
            if outline:
                extra = {**extra, "segmentation": _plain(outline)}
            return Keypoints(points=keypoints, bbox=box, extra=extra or None, **common)
        if run is not None and self._task != "detect":
            return Mask(
                counts=run.counts,
                height=run.height,
                width=run.width,
                bbox=box,
                extra=extra or None,
                **common,
            )
        if isinstance(outline, list) and self._task != "detect":
            return Polygon(rings=outline, bbox=box, extra=extra or None, **common)
        box = box or _bounds(outline, run, keypoints)
        if box is not None:
            x, y, w, h = box
            return Rectangle(x=x, y=y, w=w, h=h, extra=extra or None, **common)
        if record.segmentation or record.keypoints:
            self._report("C04", UNUSABLE, dropped=1)
            return None
        return Classification(extra=extra or None, **common)

    def _outline(
        self, outline: list[list[float]] | RleRecord | None
    ) -> list[list[float]] | RleRecord | None:
        if not isinstance(outline, list):
            return outline
        rings = [ring for ring in outline if not len(ring) & 1]
        if len(rings) < len(outline):
            self._report("C09", repair.NO_POLYGON)
        return rings or None

    def _run(self, record: RleRecord, sample: Sample) -> _Run | None:
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
                "damaged run lengths, dropped",
                severity=Severity.ERROR,
                detail=error.message.removeprefix("C12  "),
                dropped=1,
            )
            return None
        if sample.width and sample.height and (height, width) != (sample.height, sample.width):
            detail = f"{height} x {width} (height x width) on an image of {sample.height} x {sample.width}"
            message = "run lengths of another size than their image, dropped"
            self._report("C13", message, severity=Severity.ERROR, detail=detail, dropped=1)
            return None
        return _Run(counts, height, width)

    def _keypoints(self, points: list[float] | None, label: str) -> list[float] | None:
        if not points:
            return None
        if len(points) % 3:
            self._report(
                "C21",
                "keypoints that do not come in threes, dropped",
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


class _Run(NamedTuple):
    counts: str
    height: int
    width: int


class _SeenIds:
    """Which ids an earlier annotation has: a flat table for small numbers, a bounded set for the others."""

    def __init__(self) -> None:
        self._small = bytearray(1 << 16)
        self._others: set[Id] = set()

    def is_new(self, id: Id | None) -> bool:
        """Whether an id is met for the first time (annotations without one are all new)."""
        try:
            if id >= 0:  # type: ignore[operator]
                if self._small[id]:  # type: ignore[index]
                    return False
                self._small[id] = 1  # type: ignore[index]
                return True
        except (TypeError, IndexError):  # no id, a text, or a number beyond the table
            pass
        return self._is_new_other(id)

    def _is_new_other(self, id: Id | None) -> bool:
        if id is None:
            return True
        if isinstance(id, int) and len(self._small) <= id < MAX_SMALL:
            self._small.extend(bytes(max(len(self._small), id + 1 - len(self._small))))
            return self.is_new(id)
        if id in self._others:
            return False
        if len(self._others) < MAX_OTHERS:
            self._others.add(id)
        return True


def _plain_rings(outline: Any) -> Any:
    """The rings of a usual polygon, NO_RINGS where there is no outline; None for what needs a longer look."""
    if type(outline) is list:
        if len(outline) == 1:
            return None if len(outline[0]) & 1 else outline
        return None if any(len(ring) & 1 for ring in outline) else outline or NO_RINGS
    if isinstance(outline, Raw):
        text = bytes(outline)
        # A reader that was asked for it gives rings as text; who looks at them decodes them.
        return lazy_ring(text) if len(text) > LONGEST_NOTHING or text not in NOTHING else NO_RINGS
    return NO_RINGS if outline is None else None


def _is_usual(extra: Attributes) -> bool:
    return repair.shallow(extra) and _CAPTION.isdisjoint(extra)


def _bounds(
    outline: list[list[float]] | RleRecord | None, run: _Run | None, points: list[float] | None
) -> Box | None:
    if run is not None:
        return rle.bounds(rle.decode(run.counts, run.height, run.width), run.height)
    if isinstance(outline, list):
        return rings_bounds(outline)
    labelled = [
        value
        for i in range(0, len(points or ()), 3)
        if points and points[i + 2]
        for value in points[i : i + 2]
    ]
    return points_bounds(labelled) if labelled else None


def _plain(outline: list[list[float]] | RleRecord) -> Any:
    """A segmentation as it stood in the file."""
    return (
        outline
        if isinstance(outline, list)
        else {"size": list(outline.size), "counts": outline.counts}
    )


def _named(record: AnnotationRecord) -> str:
    return f"annotation {record.id} of image {record.image_id}"
