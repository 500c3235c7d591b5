"""Write video COCO in the platform's dialect: one annotation per keyframe, images only for frames with annotations.

Source: ``picsellia_annotations/video_coco.py``: ``videos``, ``images`` with ``video_id`` and ``frame_id``, annotations
with ``video_id`` and ``frame_attributes`` (``track_id``, ``frame_id``, ``keyframe``, ``occluded``, ``rotation``).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import IO, Any, ClassVar

from headrace.formats.base import Writer
from headrace.formats.class_order import ClassNumbers
from headrace.formats.coco import encode
from headrace.formats.coco.encode import BUFFER, dump, header
from headrace.formats.coco.image_numbers import ImageNumbers, kept_numbers
from headrace.formats.coco_video import INFO
from headrace.formats.coco_video.tracks import ENDS
from headrace.formats.findings.collect import Severity
from headrace.formats.findings.losses import FieldLosses, LossCounter
from headrace.formats.info import FormatInfo
from headrace.formats.io.append import append_file
from headrace.model.geometry import rings_area, rings_bounds
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import Track

Record = dict[str, Any]

_VIDEO_KEYS = frozenset({"id", "file_name", "width", "height", "attributes"})
_ANNOTATION_KEYS = frozenset({"frames", "id", "image_id", "category_id", "bbox", "segmentation"})


class CocoVideoWriter(Writer):
    """Writes one video COCO file. Frames are written as they come; the list of videos is kept until the end."""

    info: ClassVar[FormatInfo] = INFO

    def _start(self, temp: Path) -> None:
        self._images = temp.open("xb", buffering=BUFFER)
        self._annotations: IO[bytes] = tempfile.TemporaryFile(  # noqa: SIM115  closed by _abandon
            dir=temp.parent, prefix=f"{temp.name}-", buffering=BUFFER
        )
        kept = kept_numbers([*self.labels.values()], keep_zero=self.options.about is not None)
        self._categories = ClassNumbers(self.labels, self.options.class_order, first=1, kept=kept)
        self._numbers = ImageNumbers()
        # One buffer: a list would hold a kilobyte or more for each video, whatever its record takes.
        self._videos = bytearray()
        self._image_count = self._annotation_count = 0
        self._counter = LossCounter(self.found)
        self._losses = FieldLosses(self.info.says)
        self._images.write(header(self.options.about) + b'"images":[')

    def add_label(self, label: LabelInfo) -> None:
        """Declare a label; after the start it gets its number in the requested order, or the next free one."""
        super().add_label(label)
        if hasattr(self, "_categories"):
            self._categories.number(label.name)

    def _write(self, samples: Sequence[Sample]) -> None:
        self._losses.count(samples, self._counter)
        if self.image_paths is not None:
            self.image_paths += [None] * len(samples)
        for sample in samples:
            number = self._numbers.assign(sample.id)
            self._videos += (b",\n" if self._videos else b"\n") + dump(_video(sample, number))
            self._write_tracks(sample, number)
            self.found.images_out += 1
        self._counter.flush()

    def _write_tracks(self, sample: Sample, video: int) -> None:
        images: dict[int, int] = {}
        taken: set[int] = set()
        for position, shape in enumerate(sample.shapes):
            if not isinstance(shape, Track):
                message = (
                    f"video COCO has no {type(shape).__name__.lower()} outside of a track, dropped"
                )
                dropped = self._left_out([shape])
                self._counter.add("LOSS", message, Severity.LOSS, sample.filename, dropped=dropped)
                continue
            if not shape.rectangles and not shape.polygons:
                message = "a track without keyframes, dropped"
                dropped = self._left_out([shape])
                self._counter.add(
                    "T05", message, Severity.WARNING, sample.filename, dropped=dropped
                )
                continue
            key = shape.id if isinstance(shape.id, int) and shape.id not in taken else None
            while key is None or key in taken:
                key = position if key is None else max(taken) + 1
            taken.add(key)
            self._write_track(shape, key, video, sample, images)
            self.found.shapes_out += 1

    def _write_track(
        self, track: Track, key: int, video: int, sample: Sample, images: dict[int, int]
    ) -> None:
        flags = (track.extra or {}).get("frames") or {}
        category = self._categories.number(track.label)
        lines: list[bytes] = []
        for index, geometry in _keyframes(track):
            frame = track.start_frame + index
            if frame not in images:
                images[frame] = self._write_image(sample, video, frame)
            own = flags.get(str(index)) or {}
            record = {
                "id": self._annotation_count + len(lines) + 1,
                "image_id": images[frame],
                "video_id": video,
                "category_id": category,
                **geometry,
                "iscrowd": int(track.iscrowd),
                "frame_attributes": {
                    "track_id": key,
                    "frame_id": frame,
                    "keyframe": True,
                    "occluded": bool(own.get("occluded")),
                    "rotation": own.get("rotation"),
                },
            }
            if not lines:
                record.update(_track_values(track))
            lines.append(dump(record))
        self._annotations.write(b",\n" if self._annotation_count else b"\n")
        self._annotations.write(b",\n".join(lines))
        self._annotation_count += len(lines)

    def _write_image(self, sample: Sample, video: int, frame: int) -> int:
        record: Record = {"id": self._image_count + 1, "video_id": video, "frame_id": frame}
        if sample.width and sample.height:
            record["width"], record["height"] = sample.width, sample.height
        self._images.write((b",\n" if self._image_count else b"\n") + dump(record))
        self._image_count += 1
        return self._image_count

    def _finish(self) -> None:
        self._categories.note_missing(self.found)
        out = self._images
        out.write(b'],\n"annotations":[')
        append_file(self._annotations, out)
        lines = [
            dump(encode.category(self.labels.get(name) or LabelInfo(name=name), number))
            for name, number in self._categories.items()
        ]
        out.write(b'],\n"videos":[')
        out.write(self._videos)
        out.write(b'],\n"categories":[' + (b"\n" if lines else b"") + b",\n".join(lines))
        out.write(b"]}\n")
        self._abandon()

    def _abandon(self) -> None:
        for file in (getattr(self, "_images", None), getattr(self, "_annotations", None)):
            if file is not None:
                file.close()


def _video(sample: Sample, number: int) -> Record:
    record: Record = {"id": number, "file_name": sample.filename}
    if sample.width and sample.height:
        record["width"], record["height"] = sample.width, sample.height
    if sample.attributes:
        record["attributes"] = sample.attributes
    record.update(
        {key: value for key, value in (sample.extra or {}).items() if key not in _VIDEO_KEYS}
    )
    return record


def _keyframes(track: Track) -> Iterator[tuple[int, Record]]:
    """Return the geometry of the keyframes in order, with the rings of one frame together."""
    found: list[tuple[int, Record]] = [
        (
            each.frame_index,
            {"bbox": (each.x, each.y, each.w, each.h), "area": each.w * each.h, "segmentation": ()},
        )
        for each in track.rectangles
    ]
    by_frame = sorted(track.polygons, key=lambda each: each.frame_index)
    for index, group in groupby(by_frame, key=lambda each: each.frame_index):
        rings = [each.ring for each in group]
        found.append(
            (index, {"bbox": rings_bounds(rings), "area": rings_area(rings), "segmentation": rings})
        )
    return iter(sorted(found, key=lambda each: each[0]))


def _track_values(track: Track) -> Record:
    """Encode the values of the whole track, which only its first annotation has."""
    record: Record = {}
    if track.text is not None:
        record["utf8_string"] = track.text
    if track.attributes:
        record["attributes"] = track.attributes
    frames = [each.frame_index for each in track.rectangles] + [
        each.frame_index for each in track.polygons
    ]
    if track.ends != [max(frames) + 1]:
        record[ENDS] = [track.start_frame + frame for frame in track.ends]
    record.update(
        {key: value for key, value in (track.extra or {}).items() if key not in _ANNOTATION_KEYS}
    )
    return record
