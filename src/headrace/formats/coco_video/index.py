"""Index a video COCO file in one pass: its videos, the frame of each image, and the annotations by video."""

from __future__ import annotations

import contextlib
from array import array
from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import MsgspecError, Struct, field
from msgspec.json import Decoder

from headrace.formats.coco import recover
from headrace.formats.coco.categories import Categories
from headrace.formats.coco.ids import ImageIndex
from headrace.formats.coco.record_findings import RecordReporter
from headrace.formats.coco.schema import Id, UndecodedRecord
from headrace.formats.coco.text_sort import TextSort
from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.io.json_stream import JsonStream, Member

UNKNOWN = -1
_KNOWN = frozenset({"id", "file_name", "width", "height", "attributes"})


class Video(Struct):
    """A video of the file. ``frames`` holds the numbers of the frames that the file lists, in order."""

    id: Id
    filename: str
    width: int | None
    height: int | None
    attributes: dict[str, Any] | None
    extra: dict[str, Any] | None
    frames: list[int] = field(default_factory=list)


class VideoRef(Struct, gc=False):
    """The video or the image of an annotation."""

    video_id: Id | None = None
    image_id: Id | None = None


class FrameIndex:
    """The video and the frame of each image, in a few bytes per image."""

    def __init__(self) -> None:
        self.videos = ImageIndex()
        self._images = ImageIndex()
        self._video_of = array("i")
        self._frame_of = array("q")

    def add_image(self, id: Id | None, video: int, frame: int) -> None:
        """Add the next image of the file.

        Args:
            id: Its id.
            video: The position of its video in the file, or -1.
            frame: The number of its frame in the video, or -1.
        """
        self._images.add(id)
        self._video_of.append(video)
        self._frame_of.append(frame)

    def frame(self, image_id: Id | None) -> int:
        """Return the frame number of an image, or -1."""
        position = self._images.position(image_id)
        return UNKNOWN if position < 0 else self._frame_of[position]

    def positions(self, refs: Sequence[VideoRef]) -> list[int]:
        """Return the positions of the videos of annotations; -1 where there is none."""
        return [self._position(ref.video_id, ref.image_id) for ref in refs]

    def position_in(self, text: bytes) -> int:
        """Return the same for the text of one annotation, which need not be clean."""
        with contextlib.suppress(MsgspecError, UnicodeDecodeError, RecursionError):
            values = msgspec.json.decode(text)
            if isinstance(values, dict):
                ids = [recover.id_of(values.get(key), _silent) for key in ("video_id", "image_id")]
                return self._position(ids[0], ids[1])
        return UNKNOWN

    def _position(self, video_id: Id | None, image_id: Id | None) -> int:
        position = self.videos.position(video_id)
        if position < 0 and video_id is None:
            image = self._images.position(image_id)
            return UNKNOWN if image < 0 else self._video_of[image]
        return position


class VideoIndex(Struct):
    """The index of a video COCO file, made by :func:`build_video_index`."""

    categories: Categories
    videos: list[Video]
    frames: FrameIndex
    sorted_annotations: TextSort[VideoRef] | None = None
    others: list[Member] = field(default_factory=list)
    dropped: int = 0


def build_video_index(stream: JsonStream, found: Pass) -> VideoIndex:
    """Index a file and sort its annotations by video.

    Raises:
        ParseError: The file has no videos.
    """
    report = RecordReporter(stream, found)
    at, char = stream.top()
    if char != b"{":
        raise stream.fault("this is not a video dataset" if char else "the file is empty", at)
    members = {member.key: member for member in stream.members()}
    if "videos" not in members or not members["videos"].is_array:
        raise stream.fault(
            "not a video dataset: it has no videos",
            0,
            code="T01",
            hint="if it is plain COCO, pass format='coco'",
        )
    index = VideoIndex(categories=Categories(report), videos=[], frames=FrameIndex())
    _read_videos(stream, members["videos"], index, report)
    if "categories" in members and members["categories"].is_array:
        for chunk in stream.array(members["categories"], Decoder(list[object]).decode):
            index.categories.add(chunk.elements())
    if "images" in members and members["images"].is_array:
        _read_images(stream, members["images"], index, report)
    annotations = members.get("annotations")
    if annotations is not None and annotations.is_array:
        size = (annotations.end or stream.size) - annotations.start
        index.sorted_annotations = TextSort(index.frames, VideoRef, 0, len(index.videos), size)
        index.sorted_annotations.add_all(stream, annotations)
    main = ("videos", "images", "annotations", "categories")
    index.others = [member for key, member in members.items() if key not in main]
    return index


def _read_videos(
    stream: JsonStream, member: Member, index: VideoIndex, report: RecordReporter
) -> None:
    for chunk in stream.array(member, Decoder(list[object]).decode):
        for offset, text in chunk.elements():
            report.set_record("video", partial(UndecodedRecord, text, offset))
            video = _video(recover.parse(text, report) or {}, report)
            index.frames.videos.add(None if video is None else video.id)
            if video is None:
                message = "a video without an id or a name"
                report("T01", message, severity=Severity.ERROR)
                video = Video("", "", None, None, None, None)
            index.videos.append(video)
    for position in index.frames.videos.duplicates:
        report(
            "T01",
            "a video id appears twice, the first one counts",
            severity=Severity.ERROR,
            detail=str(position),
        )


def _video(values: dict[str, Any], report: RecordReporter) -> Video | None:
    number = recover.id_of(values.get("id"), report)
    names = values.get("file_names")
    name = recover.text_of(values.get("file_name")) or recover.text_of(values.get("name"))
    if not name and isinstance(names, list) and names and isinstance(names[0], str):
        # YouTube-VIS only names the frames: their folder is the name of the video.
        name = names[0].replace("\\", "/").rpartition("/")[0] or names[0]
    if number is None or not name:
        return None
    attributes = values.get("attributes")
    return Video(
        id=number,
        filename=name.replace("\\", "/"),
        width=recover.int_of(values.get("width")) or None,
        height=recover.int_of(values.get("height")) or None,
        attributes=attributes if isinstance(attributes, dict) else None,
        extra={key: value for key, value in values.items() if key not in _KNOWN} or None,
        frames=list(range(len(names))) if isinstance(names, list) else [],
    )


def _read_images(
    stream: JsonStream, member: Member, index: VideoIndex, report: RecordReporter
) -> None:
    for chunk in stream.array(member, Decoder(list[object]).decode):
        for offset, text in chunk.elements():
            report.set_record("image", partial(UndecodedRecord, text, offset))
            values = recover.parse(text, report) or {}
            position = index.frames.videos.position(recover.id_of(values.get("video_id"), report))
            frame = frame_of(values)
            if position >= 0:
                video = index.videos[position]
                if frame is None:
                    frame = len(video.frames)
                    report(
                        "T05",
                        "images without a frame number, numbered in the order of the file",
                        severity=Severity.NOTE,
                    )
                video.frames.append(frame)
                video.width = video.width or recover.int_of(values.get("width")) or None
                video.height = video.height or recover.int_of(values.get("height")) or None
            number = recover.id_of(values.get("id"), report)
            index.frames.add_image(number, position, UNKNOWN if frame is None else frame)
    for video in index.videos:
        video.frames = sorted(set(video.frames))


def frame_of(values: dict[str, Any]) -> int | None:
    """Return the number of a frame. TAO's ``frame_index`` counts all frames of the video, ``frame_id`` the listed ones."""
    for key in ("frame_index", "frame_id"):
        number = recover.int_of(values.get(key))
        if number is not None and number >= 0:
            return number
    return None


def _silent(*args: object, **more: object) -> None:
    """Report nothing: the record is decoded again later."""
