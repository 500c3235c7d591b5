"""Annotations of one video to tracks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from typing import Any

from msgspec import Struct, field

from headrace.errors import ParseError
from headrace.formats.coco import recover as repair
from headrace.formats.coco.record_findings import Reporter
from headrace.formats.coco.schema import AnnotationRecord, Id, Odd, RleRecord
from headrace.formats.coco_video.index import Video, frame_of
from headrace.formats.findings.collect import Severity
from headrace.formats.geometry import rle
from headrace.model.shapes import Box, PolygonKeyframe, RectangleKeyframe, Track

# A key of headrace's own, on the first annotation of a track that has gaps: the frames at which it is gone.
ENDS = "ends"
_FRAME_KEYS = ("occluded", "rotation")
_OWN_KEYS = frozenset(
    {
        "video_id",
        "frame_attributes",
        "track_id",
        "instance_id",
        "segmentations",
        "bboxes",
        "areas",
        "image_id",
        "length",
    }
)


class Moment(Struct, gc=False):
    """A track at one frame: absolute number, geometry, and whether the frame is a key (None where nobody says)."""

    frame: int
    box: Box | None
    rings: list[list[float]]
    key: bool | None = None
    flags: dict[str, Any] = {}


class Thread(Struct):
    """The annotations of one track, before they are put in order."""

    labels: list[str] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    records: int = 0
    iscrowd: bool = False
    text: str | None = None
    attributes: dict[str, Any] | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    listed: bool = False


class TrackMaker:
    """Makes tracks; ``frame`` gives the frame of an image, ``keyed`` says whether the file marks keyframes at all."""

    def __init__(
        self,
        names: Mapping[Id, str],
        frame: Callable[[Id | None], int],
        report: Reporter,
        *,
        keyed: bool,
    ) -> None:
        self._names = names
        self._frame = frame
        self._report = report
        self._keyed = keyed

    def tracks(self, video: Video, texts: list[bytes]) -> list[Track]:
        """The tracks of a video, in the order in which the file first names them."""
        threads: dict[Id | tuple[str, int], Thread] = {}
        for place, text in enumerate(texts):
            self._report.found.shapes_in += 1
            self._report.about("annotation", partial(Odd, text))
            values = repair.parse(text, self._report)
            if values is None:
                self._report("C26", "an annotation that cannot be read, dropped", dropped=1)
                continue
            name = f"annotation {values.get('id')} of {video.filename}"
            self._report.about(name, partial(Odd, text))
            if isinstance(values.get("bboxes"), list) or isinstance(
                values.get("segmentations"), list
            ):
                threads["list", place] = self._listed(values)
            else:
                self._add(threads, values)
        made = []
        for key, thread in threads.items():
            self._report.about(
                f"track {key if not isinstance(key, tuple) else key[1]} of {video.filename}",
                partial(Odd, b""),
            )
            track = self._track(key, thread, video)
            if track is None:
                self._report(
                    "T02", "a track without any usable frame, dropped", dropped=thread.records
                )
            else:
                self._report.found.merged += thread.records - 1
                made.append(track)
        return made

    def _add(self, threads: dict[Id | tuple[str, int], Thread], values: dict[str, Any]) -> None:
        """One annotation that is a track at one frame (the platform's dialect, COCO-VID, TAO)."""
        flags = values.get("frame_attributes")
        flags = flags if isinstance(flags, dict) else {}
        key = self._key(flags, values)
        frame = frame_of(flags)
        if frame is None:
            frame = self._frame(repair.identity(values.get("image_id"), self._report))
        if key is None:
            self._report("T02", "an annotation of no track, dropped", dropped=1)
            return
        if frame < 0:
            self._report("T05", "an annotation of no known frame, dropped", dropped=1)
            return
        record, extra = repair.annotation(values, self._report)
        thread = threads.setdefault(key, Thread())
        thread.records += 1
        self._describe(thread, record, extra)
        rings = self._rings(record)
        moment = Moment(
            frame=frame,
            box=record.bbox,
            rings=rings,
            key=bool(flags["keyframe"]) if "keyframe" in flags else None,
            flags={name: flags[name] for name in _FRAME_KEYS if flags.get(name)},
        )
        thread.moments.append(moment)

    def _listed(self, values: dict[str, Any]) -> Thread:
        """One annotation that is a whole track (YouTube-VIS): a list entry a frame, null where it is absent."""
        record, extra = repair.annotation(
            {**values, "bbox": None, "segmentation": None}, self._report
        )
        thread = Thread(records=1, listed=True)
        self._describe(thread, record, extra)
        boxes, polygon_texts = _list(values.get("bboxes")), _list(values.get("segmentations"))
        for frame in range(max(len(boxes), len(polygon_texts))):
            each = AnnotationRecord(
                bbox=repair.box(boxes[frame] if frame < len(boxes) else None, self._report),
                segmentation=repair.segmentation(
                    polygon_texts[frame] if frame < len(polygon_texts) else None, self._report
                ),
            )
            rings = self._rings(each)
            if each.bbox is not None or rings:
                thread.moments.append(Moment(frame=frame, box=each.bbox, rings=rings))
        return thread

    def _key(self, flags: dict[str, Any], values: dict[str, Any]) -> Id | None:
        for value in (flags.get("track_id"), values.get("track_id"), values.get("instance_id")):
            key = repair.identity(value, self._report)
            if key is not None:
                return key
        return None

    def _describe(self, thread: Thread, record: AnnotationRecord, extra: dict[str, Any]) -> None:
        thread.labels.append(self._label(record.category_id))
        thread.iscrowd = thread.iscrowd or bool(record.iscrowd)
        thread.text = thread.text if thread.text is not None else record.utf8_string
        thread.attributes = thread.attributes or record.attributes
        if not thread.extra:
            thread.extra = {key: value for key, value in extra.items() if key not in _OWN_KEYS}

    def _label(self, category: Id | None) -> str:
        label = None if category is None else self._names.get(category)
        if label is None:
            self._report(
                "C16",
                "a category that the file does not declare, named by its number",
                detail=str(category),
            )
            return str(category)
        return label

    def _rings(self, record: AnnotationRecord) -> list[list[float]]:
        outline = record.segmentation
        if not isinstance(outline, RleRecord):
            return outline or []
        height, width = outline.size
        try:
            counts = outline.counts
            if isinstance(counts, str):
                counts = rle.decode(counts, height, width)
            rle.check(counts, height, width)
        except ParseError as error:
            self._report(
                "C12",
                "damaged run lengths, left out",
                severity=Severity.ERROR,
                detail=error.message.removeprefix("C12  "),
            )
            return []
        record.bbox = record.bbox or rle.bounds(counts, height)
        self._report("T03", "a mask of a track becomes its box", severity=Severity.LOSS)
        return []

    def _track(self, key: Id | tuple[str, int], thread: Thread, video: Video) -> Track | None:
        moments = sorted(
            (each for each in thread.moments if each.box or each.rings), key=lambda each: each.frame
        )
        if not moments:
            return None
        marked = [moment for moment in moments if moment.key]
        if self._keyed and not marked:
            self._report(
                "T06", "a track without a keyframe where others have some, all frames are keys"
            )
        # Frames between the keys follow from them.
        moments = marked or moments
        label, votes = Counter(thread.labels).most_common(1)[0]
        if votes < len(thread.labels):
            self._report(
                "T07", "a track of several categories, the most frequent one counts", detail=label
            )
        start = moments[0].frame
        track = Track(
            label=label,
            id=None if isinstance(key, tuple) else key,
            text=thread.text,
            attributes=thread.attributes,
            iscrowd=thread.iscrowd,
            start_frame=start,
            ends=self._ends(moments, thread, video),
        )
        self._fill(track, moments, start)
        flags = {str(moment.frame - start): moment.flags for moment in moments if moment.flags}
        track.extra = ({**thread.extra, "frames": flags} if flags else thread.extra) or None
        return track

    def _fill(self, track: Track, keys: list[Moment], start: int) -> None:
        taken: set[int] = set()
        rectangles, polygons = [], []
        for moment in keys:
            index = moment.frame - start
            if moment.rings:
                polygons += [PolygonKeyframe(frame_index=index, ring=ring) for ring in moment.rings]
            elif moment.box is not None:
                if index in taken:
                    self._report("T08", "two boxes of one track at one frame, the first one counts")
                    continue
                x, y, w, h = moment.box
                rectangles.append(RectangleKeyframe(frame_index=index, x=x, y=y, w=w, h=h))
            taken.add(index)
        track.rectangles, track.polygons = rectangles, polygons

    def _ends(self, moments: list[Moment], thread: Thread, video: Video) -> list[int]:
        """The frames, from the track's first, at which it is gone."""
        start, last = moments[0].frame, moments[-1].frame
        told = thread.extra.pop(ENDS, None)
        if isinstance(told, list) and told and all(map(repair.is_whole, told)):
            return [int(frame) - start for frame in told]
        # Between keyframes a track is interpolated. Where none are marked, the file lists the frames that were looked
        # at: one that lacks the track, behind one that has it, is where a part of the track ends.
        seen = {moment.frame for moment in moments}
        listed = [] if self._keyed else [frame for frame in video.frames if start <= frame <= last]
        gone = [frame for before, frame in pairwise(listed) if before in seen and frame not in seen]
        return [frame - start for frame in [*gone, last + 1]]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
