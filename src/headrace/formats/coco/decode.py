"""Decode COCO annotations to shapes: rows by the group, records in a fast loop, all others by the strict decoder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from itertools import groupby
from typing import Any, cast

from msgspec import MsgspecError, Raw
from msgspec.json import Decoder
from msgspec.structs import astuple

from headrace.formats.coco import recover
from headrace.formats.coco.decode_slow import NOT_OBJECT_KEYS, UNUSABLE, StrictDecoder
from headrace.formats.coco.ids import SeenIds
from headrace.formats.coco.record_findings import RecordReporter
from headrace.formats.coco.rows import Row, position_of, record_of, text_of
from headrace.formats.coco.schema import (
    AnnotationRecord,
    Id,
    PlainRecord,
    RecordDecoder,
    UndecodedRecord,
    strict_record,
)
from headrace.formats.geometry.box_table import BoxTable, BoxView
from headrace.formats.geometry.lazy_polygons import (
    NO_RINGS,
    checked_texts,
    decoded_polygons,
    lazy_polygons,
)
from headrace.model.sample import Sample
from headrace.model.shapes import AnyShape, Attributes, Polygon, Rectangle

# The segmentation of a record that was not decoded; it is not a polygon.
_NOT_RINGS = Raw(b"0")
_RAW = Decoder(Raw)


class CocoShapeDecoder:
    """Decodes annotations to shapes and attaches these to their samples.

    Args:
        names: The label of each category id.
        points: The number of keypoints of each label that has any.
        record_decoder: The decoder of the records, for their extra keys.
        report: Receives the findings.
        task: The task that decides which geometry of an annotation is used; see :class:`.StrictDecoder`.
        keeps_text: Whether polygons of shapes stay text until they are used, rather than becoming lists.
    """

    def __init__(
        self,
        names: Mapping[Id, str],
        points: Mapping[str, int],
        record_decoder: RecordDecoder[Any],
        report: RecordReporter,
        *,
        task: str | None,
        keeps_text: bool,
    ) -> None:
        self.names = dict(names)
        self._record_decoder = record_decoder
        self._report = report
        self.boxes_only = task == "detect"
        self._keeps_text = keeps_text
        self._ids = SeenIds()
        self._strict = StrictDecoder(self.names, points, self._ids, report, task=task)

    def attach_rows(
        self,
        rows: list[Row],
        first: int,
        images: Sequence[Sample | None],
        find: Callable[[Row], UndecodedRecord],
    ) -> None:
        """Give images the shapes of all of their rows, as views of one table where all rows of an image are plain.

        Args:
            rows: The rows of some images.
            first: The position of the first image.
            images: The samples of neighbouring images, without shapes; None for an image that was left out.
            find: Returns the text of a row.
        """
        rows.sort(key=position_of)
        columns = list(zip(*rows, strict=True))
        odd = self._odd_positions(rows, columns, first, images)
        if odd:
            self._attach_odd([row for row in rows if row[0] in odd], first, images, find)
            rows = [row for row in rows if row[0] not in odd]
            columns = list(zip(*rows, strict=True))
        if not rows:
            return
        positions, numbers, _, categories, boxes, areas, _, texts = columns
        if not self._ids.are_new(numbers):
            self._attach_odd(rows, first, images, find)
            return
        self._report.found.shapes_in += len(rows)
        x, y, w, h = zip(*boxes, strict=True)
        table = BoxTable(
            list(map(self.names.__getitem__, categories)),
            x,
            y,
            w,
            h,
            ids=numbers,
            areas=areas,
            polygon_texts=texts if any(texts) else None,
            keeps_text=self._keeps_text,
        )
        counts, stop = Counter(positions), 0
        for position, image in enumerate(images, first):
            if image is not None and position not in odd:
                start, stop = stop, stop + counts[position]
                image.shapes = cast("list[AnyShape]", BoxView(table, start, stop))

    def _odd_positions(
        self,
        rows: list[Row],
        columns: list[tuple[Any, ...]],
        first: int,
        images: Sequence[Sample | None],
    ) -> set[int]:
        """Return the positions of images that have anything but plain boxes and polygons."""
        positions, _, ids, categories, boxes, _, crowds, texts = columns
        names = self.names.keys()
        known = {image.id for image in images if image is not None}
        if (
            None not in boxes
            and not any(crowds)
            and tuple not in set(map(type, texts))
            and names >= set(categories)
            and known >= set(ids)
            and positions[0] >= first
        ):
            return set()
        return {
            position
            for position, _, image_id, category, box, _, crowd, text in rows
            if box is None
            or crowd
            or type(text) is tuple
            or category not in names
            or image_id not in known
        }

    def _attach_odd(
        self,
        rows: Sequence[Row],
        first: int,
        images: Sequence[Sample | None],
        find: Callable[[Row], UndecodedRecord],
    ) -> None:
        samples = {image.id: image for image in images if image is not None}
        for is_text, run in groupby(rows, lambda row: text_of(row) is not None):
            of_run = list(run)
            if is_text:
                text = b"\n".join([text_of(row) or b"" for row in of_run])
                self.attach_lines(text, samples)
            else:
                self.attach([*map(record_of, of_run)], samples, partial(_find_at, find, of_run))

    def attach_lines(self, text: bytes, samples: Mapping[Id | None, Sample]) -> None:
        """Append the shapes of JSON objects, which follow one another, to the samples of their images."""
        lines = _Lines(text)
        self.attach(self._record_decoder.decode_lines(text), samples, lines.undecoded)

    def attach(
        self,
        records: Sequence[PlainRecord | UndecodedRecord],
        samples: Mapping[Id | None, Sample],
        source: Callable[[int], UndecodedRecord],
    ) -> None:
        """Append the shape of each record to the sample of its image.

        Args:
            records: The records.
            samples: The samples by image id.
            source: Returns the text of the record at an index.
        """
        self._report.found.shapes_in += len(records)
        self._attach(list(map(_full, records)), samples, source)

    def claim_ids(self, records: Sequence[PlainRecord]) -> bool:
        """Count records as read of which the caller makes no shapes.

        Returns False, without counting any, where an earlier annotation may have one of the ids.
        """
        if not self._ids.are_new([record.id for record in records]):
            return False
        self._report.found.shapes_in += len(records)
        return True

    def _attach(
        self,
        records: Sequence[AnnotationRecord | UndecodedRecord],
        samples: Mapping[Id | None, Sample],
        source: Callable[[int], UndecodedRecord],
    ) -> None:
        names, is_new, extra_of = self.names, self._ids.is_new, self._record_decoder.extra
        has_extra_keys, boxes_only = self._record_decoder.has_extra_keys, self.boxes_only
        all_rings = self._rings_of(
            [
                _NOT_RINGS if isinstance(record, UndecodedRecord) else record.segmentation
                for record in records
            ]
        )
        for index, (record, rings) in enumerate(zip(records, all_rings, strict=True)):
            if isinstance(record, UndecodedRecord):
                self._attach_undecoded(record, samples)
                continue
            box = record.bbox
            # A plain record has no extra keys, whatever the decoder met in others.
            extra = (
                extra_of(record)
                if has_extra_keys and type(record) is not AnnotationRecord
                else None
            )
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

    def _rings_of(self, raws: Sequence[Raw]) -> Sequence[Any]:
        """Return the rings of plain polygons, NO_RINGS for no segmentation, None for what the strict decoder must see."""
        if self._keeps_text or self.boxes_only:
            return lazy_polygons(raws)
        texts = checked_texts(raws)
        polygons = iter(decoded_polygons([text for text in texts if type(text) is bytes]))
        return [
            next(polygons) if type(text) is bytes else (NO_RINGS if text is None else None)
            for text in texts
        ]

    def _attach_strictly(
        self,
        record: PlainRecord,
        extra: Attributes | None,
        samples: Mapping[Id | None, Sample],
        source: Callable[[], UndecodedRecord],
    ) -> None:
        try:
            decoded = strict_record(record)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            self._attach_undecoded(source(), samples)
            return
        self._report.set_record(f"annotation {record.id} of image {record.image_id}", source)
        self._strict.attach(decoded, extra, samples)

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


def _full(record: PlainRecord | UndecodedRecord) -> AnnotationRecord | UndecodedRecord:
    """Return a record that has all keys."""
    return AnnotationRecord(*astuple(record)) if type(record) is PlainRecord else record  # type: ignore[return-value]


class _Lines:
    """JSON objects that follow one another, split when one is asked for."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    @cached_property
    def _lines(self) -> list[Raw]:
        return _RAW.decode_lines(self._text)

    def undecoded(self, index: int) -> UndecodedRecord:
        """Return one of the objects."""
        return UndecodedRecord(bytes(self._lines[index]))


def _find_at(
    find: Callable[[Row], UndecodedRecord], rows: Sequence[Row], index: int
) -> UndecodedRecord:
    return find(rows[index])


def _is_plain_extra(extra: Attributes) -> bool:
    return recover.is_plain(extra) and NOT_OBJECT_KEYS.isdisjoint(extra)
