"""Decode COCO annotations to shapes: a fast loop for clean records, the strict decoder for the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from msgspec import MsgspecError, Raw

from headrace.formats.coco import recover
from headrace.formats.coco.columns import attach_boxes
from headrace.formats.coco.decode_slow import NOT_OBJECT_KEYS, UNUSABLE, StrictDecoder
from headrace.formats.coco.id_sets import SeenIds
from headrace.formats.coco.record_findings import RecordReporter
from headrace.formats.coco.row_sort import Row
from headrace.formats.coco.schema import (
    AnnotationRecord,
    AnyAnnotation,
    AnyPlain,
    Id,
    RawAnnotationRecord,
    RecordDecoder,
    UndecodedRecord,
)
from headrace.formats.geometry.lazy_polygons import NO_RINGS, lazy_polygons, polygons_from_texts
from headrace.model.sample import Sample
from headrace.model.shapes import Attributes, Polygon, Rectangle

# The segmentation of a record that was not decoded; it is not a polygon.
_NOT_RINGS = Raw(b"0")


class CocoShapeDecoder:
    """Decodes annotations to shapes and attaches these to their samples.

    Args:
        names: The label of each category id.
        points: The number of keypoints of each label that has any.
        record_decoder: The decoder of the records, for their extra keys.
        report: Receives the findings.
        task: The task that decides which geometry of an annotation is used; see :class:`.StrictDecoder`.
        raw: Segmentations are JSON text, and polygons stay so.
    """

    def __init__(
        self,
        names: Mapping[Id, str],
        points: Mapping[str, int],
        record_decoder: RecordDecoder[Any],
        report: RecordReporter,
        *,
        task: str | None,
        raw: bool,
    ) -> None:
        self.names = dict(names)
        self._record_decoder = record_decoder
        self._report = report
        self.boxes_only = task == "detect"
        self._raw = raw
        self._rings_of: Callable[[Sequence[Any]], Sequence[Any]] = (
            lazy_polygons if raw else _plain_polygons
        )
        self._ids = SeenIds()
        self._strict = StrictDecoder(self.names, points, self._ids, report, task=task)

    def attach(
        self,
        records: Sequence[AnyPlain | Row | UndecodedRecord],
        samples: Mapping[Id | None, Sample],
        source: Callable[[int], UndecodedRecord],
    ) -> None:
        """Append the shape of each record to the sample of its image.

        Args:
            records: Records of one type, or full records and undecoded ones mixed.
            samples: The samples by image id.
            source: Returns the text of the record at an index.
        """
        self._report.found.shapes_in += len(records)
        # Undecoded records only come with full ones, so the first record tells the type.
        if not records or isinstance(
            records[0], AnnotationRecord | RawAnnotationRecord | UndecodedRecord
        ):
            self._attach_full(
                cast("Sequence[AnyAnnotation | UndecodedRecord]", records), samples, source
            )
        else:
            self._attach_plain(cast("Sequence[AnyPlain | Row]", records), samples, source)

    def attach_rows(
        self,
        rows: Sequence[Row],
        samples: Mapping[Id | None, Sample],
        source: Callable[[Row], UndecodedRecord],
    ) -> None:
        """Attach all rows of some images to their samples, which must not have shapes yet."""
        rest = attach_boxes(rows, samples, self.names, self._ids) if self._raw else rows
        self._report.found.shapes_in += len(rows) - len(rest)
        if rest:
            self.attach(rest, samples, lambda index: source(rest[index]))

    def claim_ids(self, records: Sequence[AnyPlain]) -> bool:
        """Count records as read of which the caller makes no shapes.

        Returns False, without counting any, where an earlier annotation may have one of the ids.
        """
        if not self._ids.are_new([record.id for record in records]):
            return False
        self._report.found.shapes_in += len(records)
        return True

    def _attach_plain(
        self,
        records: Sequence[AnyPlain | Row],
        samples: Mapping[Id | None, Sample],
        source: Callable[[int], UndecodedRecord],
    ) -> None:
        """Attach plain boxes and polygons; this loop is the hot path of reading."""
        label_of, sample_of, is_new = self.names.get, samples.get, self._ids.is_new
        table, boxes_only = self._ids.table, self.boxes_only
        size = len(table)
        rings_of: Callable[[Sequence[Any]], Sequence[Any]] = (
            polygons_from_texts if type(records[0]) is Row else self._rings_of
        )
        polygon_texts = rings_of([record.segmentation for record in records])
        for index, (record, rings) in enumerate(zip(records, polygon_texts, strict=True)):
            label = label_of(record.category_id)  # type: ignore[arg-type]
            sample, box, number = sample_of(record.image_id), record.bbox, record.id
            if rings is None or box is None or sample is None or label is None:
                self._attach_strictly(record, None, samples, partial(source, index))
                continue
            # The table is read here to save a call.
            if type(number) is int and 0 <= number < size:
                known = table[number] == 1
                table[number] = 1
            else:
                known = not is_new(number)
                size = len(table)
            if known:
                self._attach_strictly(record, None, samples, partial(source, index))
            elif boxes_only or rings is NO_RINGS:
                x, y, w, h = box
                shape = Rectangle(label=label, x=x, y=y, w=w, h=h, id=number, area=record.area)
                if record.iscrowd:
                    shape.iscrowd = True
                sample.shapes.append(shape)
            else:
                polygon = Polygon(label=label, rings=rings, bbox=box, id=number, area=record.area)
                if record.iscrowd:
                    polygon.iscrowd = True
                sample.shapes.append(polygon)

    def _attach_full(
        self,
        records: Sequence[AnyAnnotation | UndecodedRecord],
        samples: Mapping[Id | None, Sample],
        source: Callable[[int], UndecodedRecord],
    ) -> None:
        names, is_new, extra_of = self.names, self._ids.is_new, self._record_decoder.extra
        has_extra_keys, boxes_only = self._record_decoder.has_extra_keys, self.boxes_only
        polygon_texts = self._rings_of(
            [
                _NOT_RINGS if isinstance(record, UndecodedRecord) else record.segmentation
                for record in records
            ]
        )
        for index, (record, rings) in enumerate(zip(records, polygon_texts, strict=True)):
            if isinstance(record, UndecodedRecord):
                self._attach_undecoded(record, samples)
                continue
            box = record.bbox
            extra = extra_of(record) if has_extra_keys else None
            if not (
                box is not None
                and rings is not None
                and record.category_id in names
                and record.image_id in samples
                and not record.keypoints
                and (extra is None or _is_plain_extra(extra))
                and (record.attributes is None or recover.is_plain(record.attributes))
                and is_new(record.id)
            ):
                self._attach_strictly(record, extra, samples, partial(source, index))
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

    def _attach_strictly(
        self,
        record: AnyPlain | Row,
        extra: Attributes | None,
        samples: Mapping[Id | None, Sample],
        source: Callable[[], UndecodedRecord],
    ) -> None:
        if not isinstance(record, AnnotationRecord):
            try:
                record = record.full()
            except (MsgspecError, UnicodeDecodeError, RecursionError):
                self._attach_undecoded(source(), samples)
                return
        self._report.set_record(_name_of(record), source)
        self._strict.attach(record, extra, samples)

    def _attach_undecoded(
        self, undecoded: UndecodedRecord, samples: Mapping[Id | None, Sample]
    ) -> None:
        report = self._report
        report.set_record("annotation", lambda: undecoded)
        values = recover.parse(undecoded.text, report)
        if values is None:
            report("C26", "an annotation that cannot be read, dropped", dropped=1)
            return
        report.set_record(
            f"annotation {values.get('id')} of image {values.get('image_id')}", lambda: undecoded
        )
        record, extra = recover.annotation(values, report)
        if any(values.get(key) for key in ("bbox", "segmentation", "keypoints")) and not (
            record.bbox or record.segmentation or record.keypoints
        ):
            report("C04", UNUSABLE, dropped=1)
            return
        self._strict.attach(record, extra or None, samples)


def _plain_polygons(segmentations: Sequence[Any]) -> list[Any]:
    # The two most common cases are inlined: a call takes longer than the test.
    return [
        (
            segmentation
            if type(segmentation) is list
            and len(segmentation) == 1
            and not len(segmentation[0]) & 1
            else _plain_rings(segmentation)
        )
        if segmentation
        else NO_RINGS
        for segmentation in segmentations
    ]


def _plain_rings(segmentation: Any) -> Any:
    """Return the rings of a plain polygon, NO_RINGS for no segmentation, None for what the strict decoder must see."""
    if type(segmentation) is list:
        if len(segmentation) == 1:
            return None if len(segmentation[0]) & 1 else segmentation
        return None if any(len(ring) & 1 for ring in segmentation) else segmentation or NO_RINGS
    return NO_RINGS if segmentation is None else None


def _is_plain_extra(extra: Attributes) -> bool:
    return recover.is_plain(extra) and NOT_OBJECT_KEYS.isdisjoint(extra)


def _name_of(record: AnnotationRecord) -> str:
    return f"annotation {record.id} of image {record.image_id}"
