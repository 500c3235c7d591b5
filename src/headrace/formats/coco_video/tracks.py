"""Decode the annotations of one video to tracks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from typing import Any

from msgspec import Struct, field

from headrace.errors import ParseError
from headrace.formats.coco import recover
from headrace.formats.coco.record_findings import RecordReporter
from headrace.formats.coco.schema import Id, RleRecord, StrictRecord, UndecodedRecord
from headrace.formats.coco_video.index import Video, frame_of
from headrace.formats.findings.collect import Severity
from headrace.formats.geometry import rle
from headrace.model.shapes import Box, PolygonKeyframe, RectangleKeyframe, Track

# A key that headrace defines, on the first annotation of a track with gaps: the frames at which a part of it ends.
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


class Observation(Struct, gc=False):
    """A track at one frame.

    Attributes:
        frame: The number of the frame in the video.
        box: ``x, y, w, h`` in pixels.
        rings: The rings of its polygon.
        key: Whether the frame is a keyframe; None where the file does not say.
        flags: Whether the object is occluded, and its rotation.
    """

    frame: int
    box: Box | None
    rings: list[list[float]]
    key: bool | None = None
    flags: dict[str, Any] = {}


class TrackDraft(Struct):
    """The values of one track, collected from its annotations in the order of the file."""

    labels: list[str] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    records: int = 0
    iscrowd: bool = False
    text: str | None = None
    attributes: dict[str, Any] | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    listed: bool = False


class TrackDecoder:
    """Decodes the annotations of videos to tracks.

    Args:
        names: The label of each category id.
        frame: Returns the frame number of an image.
        report: Receives the findings.
        keyed: The file marks keyframes.
    """

    def __init__(
        self,
        names: Mapping[Id, str],
        frame: Callable[[Id | None], int],
        report: RecordReporter,
        *,
        keyed: bool,
    ) -> None:
        self._names = names
        self._frame = frame
        self._report = report
        self._keyed = keyed

    def decode(self, video: Video, texts: list[bytes]) -> list[Track]:
        """Return the tracks of a video, in the order in which they first appear in the file."""
        drafts: dict[Id | tuple[str, int], TrackDraft] = {}
        for position, text in enumerate(texts):
            self._report.found.shapes_in += 1
            self._report.set_record("annotation", partial(UndecodedRecord, text))
            values = recover.parse(text, self._report)
            if values is None:
                self._report("C26", "an annotation that cannot be read, dropped", dropped=1)
                continue
            name = f"annotation {values.get('id')} of {video.filename}"
            self._report.set_record(name, partial(UndecodedRecord, text))
            if isinstance(values.get("bboxes"), list) or isinstance(
                values.get("segmentations"), list
            ):
                drafts["list", position] = self._draft_of_list(values)
            else:
                self._add(drafts, values)
        made = []
        for key, draft in drafts.items():
            self._report.set_record(
                f"track {key if not isinstance(key, tuple) else key[1]} of {video.filename}",
                partial(UndecodedRecord, b""),
            )
            track = self._track(key, draft, video)
            if track is None:
                self._report(
                    "T02", "a track without any usable frame, dropped", dropped=draft.records
                )
            else:
                self._report.found.merged += draft.records - 1
                made.append(track)
        return made

    def _add(self, drafts: dict[Id | tuple[str, int], TrackDraft], values: dict[str, Any]) -> None:
        """Add an annotation that is a track at one frame (the platform's dialect, COCO-VID, TAO)."""
        flags = values.get("frame_attributes")
        flags = flags if isinstance(flags, dict) else {}
        key = self._key(flags, values)
        frame = frame_of(flags)
        if frame is None:
            frame = self._frame(recover.id_of(values.get("image_id"), self._report))
        if key is None:
            self._report("T02", "an annotation of no track, dropped", dropped=1)
            return
        if frame < 0:
            self._report("T05", "an annotation of no known frame, dropped", dropped=1)
            return
        record, extra = recover.annotation(values, self._report)
        draft = drafts.setdefault(key, TrackDraft())
        draft.records += 1
        self._describe(draft, record, extra)
        rings = self._rings(record)
        observation = Observation(
            frame=frame,
            box=record.bbox,
            rings=rings,
            key=bool(flags["keyframe"]) if "keyframe" in flags else None,
            flags={name: flags[name] for name in _FRAME_KEYS if flags.get(name)},
        )
        draft.observations.append(observation)

    def _draft_of_list(self, values: dict[str, Any]) -> TrackDraft:
        """Decode an annotation that is a whole track (YouTube-VIS): lists with an entry per frame, null where it is absent."""
        record, extra = recover.annotation(
            {**values, "bbox": None, "segmentation": None}, self._report
        )
        draft = TrackDraft(records=1, listed=True)
        self._describe(draft, record, extra)
        boxes, polygon_texts = _list(values.get("bboxes")), _list(values.get("segmentations"))
        for frame in range(max(len(boxes), len(polygon_texts))):
            each = StrictRecord(
                bbox=recover.box(boxes[frame] if frame < len(boxes) else None, self._report),
                segmentation=recover.segmentation(
                    polygon_texts[frame] if frame < len(polygon_texts) else None, self._report
                ),
            )
            rings = self._rings(each)
            if each.bbox is not None or rings:
                draft.observations.append(Observation(frame=frame, box=each.bbox, rings=rings))
        return draft

    def _key(self, flags: dict[str, Any], values: dict[str, Any]) -> Id | None:
        for value in (flags.get("track_id"), values.get("track_id"), values.get("instance_id")):
            key = recover.id_of(value, self._report)
            if key is not None:
                return key
        return None

    def _describe(self, draft: TrackDraft, record: StrictRecord, extra: dict[str, Any]) -> None:
        draft.labels.append(self._label(record.category_id))
        draft.iscrowd = draft.iscrowd or bool(record.iscrowd)
        draft.text = draft.text if draft.text is not None else record.utf8_string
        draft.attributes = draft.attributes or record.attributes
        if not draft.extra:
            draft.extra = {key: value for key, value in extra.items() if key not in _OWN_KEYS}

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

    def _rings(self, record: StrictRecord) -> list[list[float]]:
        segmentation = record.segmentation
        if not isinstance(segmentation, RleRecord):
            return segmentation or []
        height, width = segmentation.size
        try:
            counts = segmentation.counts
            if isinstance(counts, str):
                counts = rle.decode(counts, height, width)
            rle.check(counts, height, width)
        except ParseError as error:
            self._report(
                "C12",
                "a damaged RLE mask, left out",
                severity=Severity.ERROR,
                detail=error.message.removeprefix("C12  "),
            )
            return []
        record.bbox = record.bbox or rle.bounds(counts, height)
        self._report("T03", "a mask of a track becomes its box", severity=Severity.LOSS)
        return []

    def _track(self, key: Id | tuple[str, int], draft: TrackDraft, video: Video) -> Track | None:
        observations = sorted(
            (each for each in draft.observations if each.box or each.rings),
            key=lambda each: each.frame,
        )
        if not observations:
            return None
        marked = [observation for observation in observations if observation.key]
        if self._keyed and not marked:
            self._report(
                "T06", "a track without a keyframe where others have some, all frames are keys"
            )
        # The frames between keyframes are interpolated.
        observations = marked or observations
        label, votes = Counter(draft.labels).most_common(1)[0]
        if votes < len(draft.labels):
            self._report(
                "T07", "a track of several categories, the most frequent one counts", detail=label
            )
        start = observations[0].frame
        track = Track(
            label=label,
            id=None if isinstance(key, tuple) else key,
            text=draft.text,
            attributes=draft.attributes,
            iscrowd=draft.iscrowd,
            start_frame=start,
            ends=self._ends(observations, draft, video),
        )
        self._fill(track, observations, start)
        flags = {
            str(observation.frame - start): observation.flags
            for observation in observations
            if observation.flags
        }
        track.extra = ({**draft.extra, "frames": flags} if flags else draft.extra) or None
        return track

    def _fill(self, track: Track, keys: list[Observation], start: int) -> None:
        taken: set[int] = set()
        rectangles, polygons = [], []
        for observation in keys:
            index = observation.frame - start
            if observation.rings:
                polygons += [
                    PolygonKeyframe(frame_index=index, ring=ring) for ring in observation.rings
                ]
            elif observation.box is not None:
                if index in taken:
                    self._report("T08", "two boxes of one track at one frame, the first one counts")
                    continue
                x, y, w, h = observation.box
                rectangles.append(RectangleKeyframe(frame_index=index, x=x, y=y, w=w, h=h))
            taken.add(index)
        track.rectangles, track.polygons = rectangles, polygons

    def _ends(self, observations: list[Observation], draft: TrackDraft, video: Video) -> list[int]:
        """Return the frames, counted from the first one of the track, at which parts of it end."""
        start, last = observations[0].frame, observations[-1].frame
        ends = draft.extra.pop(ENDS, None)
        if isinstance(ends, list) and ends and all(map(recover.is_whole, ends)):
            return [int(frame) - start for frame in ends]
        # Between keyframes a track is interpolated. A file without keyframes lists the annotated frames: a part of the
        # track ends at a frame that lacks it and follows one that has it.
        observed = {observation.frame for observation in observations}
        listed = [] if self._keyed else [frame for frame in video.frames if start <= frame <= last]
        gaps = [
            frame
            for before, frame in pairwise(listed)
            if before in observed and frame not in observed
        ]
        return [frame - start for frame in [*gaps, last + 1]]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
