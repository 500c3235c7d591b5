"""Read video COCO: one sample per video, with its tracks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import ClassVar

from msgspec import Raw
from msgspec.json import Decoder

from headrace.formats.base import Reader
from headrace.formats.coco.folders import resolve_file
from headrace.formats.coco.record_findings import RecordReporter
from headrace.formats.coco_video import INFO
from headrace.formats.coco_video.detect import detect_file
from headrace.formats.coco_video.index import Video, VideoIndex, build_video_index
from headrace.formats.coco_video.tracks import TrackDecoder
from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.info import FormatInfo
from headrace.formats.io.image_folder import SAMPLES, ImageFolder, find_image_folder
from headrace.formats.io.json_file import MAX_ELEMENT
from headrace.formats.io.json_stream import JsonStream
from headrace.garbage import collector_paused
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import Attributes

_RAWS = Decoder(Raw)
_NEAR = ("videos/", "data/", "")


class CocoVideoReader(Reader):
    """Reads one video COCO file, or the only one in a folder. The first call of most methods reads the whole file once."""

    info: ClassVar[FormatInfo] = INFO

    def _open(self) -> None:
        given = self.path
        self.path = resolve_file(given, detect_file)
        self._is_folder = given.is_dir()
        self._root = given if self._is_folder else given.parent
        self._stream = JsonStream(self.path)
        self._index: VideoIndex | None = None
        self._done = 0

    def _close(self) -> None:
        if hasattr(self, "_stream"):
            if self._index is not None and self._index.sorted_annotations is not None:
                self._index.sorted_annotations.close()
            self._stream.close()

    def about(self) -> Attributes:
        """Return ``info``, ``licenses`` and the other top-level keys, except ``tracks``."""
        return {
            member.key: self._stream.decoded(member)
            for member in self._get_index().others
            if member.key != "tracks" and (member.end or 0) - member.start <= MAX_ELEMENT
        }

    def progress(self) -> float:
        """Return the share of the videos that were read, 0 to 1."""
        return 0.0 if self._index is None else self._done / max(len(self._index.videos), 1)

    def _get_index(self) -> VideoIndex:
        if self._index is None:
            with collector_paused():
                self._index = build_video_index(self._stream, self.findings.begin("index"))
        return self._index

    def _labels(self, found: Pass) -> list[LabelInfo]:
        return self._get_index().categories.labels

    def _filenames(self) -> Iterator[list[str]]:
        names = (video.filename for video in self._get_index().videos if video.filename)
        while batch := list(islice(names, self.options.batch)):
            yield batch

    def _batches(self, found: Pass) -> Iterator[list[Sample]]:
        index = self._get_index()
        report = RecordReporter(self._stream, found)
        decoder = TrackDecoder(
            index.categories.names, index.frames.frame, report, keyed=self._keyed()
        )
        self._done = 0
        self._report_orphans(index, decoder, found)
        for first, after, texts in self._groups(index):
            batch = []
            for position in range(first, after):
                found.images_in += 1
                sample = self._sample(position, index, decoder, texts.get(position, []), found)
                if sample is not None:
                    batch.append(sample)
                if len(batch) == self.options.batch:
                    yield batch
                    batch = []
            yield batch
            self._done = after

    @cached_property
    def _folder(self) -> ImageFolder | None:
        """The folder below the source where the files of the first videos lie; None where they are not found."""
        names = [video.filename for video in self._get_index().videos[:SAMPLES] if video.filename]
        own = self.path.parent.relative_to(self._root).as_posix()
        near = ["" if own == "." else f"{own}/", *_NEAR]
        return find_image_folder(self._root, names, near, deep=self._is_folder)

    def _keyed(self) -> bool:
        return any(
            self._stream.locate(text) is not None for text in (b'"keyframe":', b'"keyframe" :')
        )

    def _report_orphans(self, index: VideoIndex, decoder: TrackDecoder, found: Pass) -> None:
        for text in (
            index.sorted_annotations.orphans() if index.sorted_annotations is not None else ()
        ):
            lost = len(_RAWS.decode_lines(text))
            found.shapes_in += lost
            message = "an annotation of a video that is not in the file, dropped"
            found.add("T01", message, path=self.path, count=lost, dropped=lost)

    def _groups(self, index: VideoIndex) -> Iterator[tuple[int, int, dict[int, list[bytes]]]]:
        """Yield neighbouring videos, from a position to before another, and the texts of their annotations by position."""
        if index.sorted_annotations is None:
            yield 0, len(index.videos), {}
            return
        for first, after, text in index.sorted_annotations.groups():
            texts: dict[int, list[bytes]] = {}
            for raw in _RAWS.decode_lines(text):
                one = bytes(raw)
                texts.setdefault(index.frames.position_in(one), []).append(one)
            yield first, after, texts

    def _sample(
        self,
        position: int,
        index: VideoIndex,
        decoder: TrackDecoder,
        texts: list[bytes],
        found: Pass,
    ) -> Sample | None:
        video: Video = index.videos[position]
        if not video.filename or index.frames.videos.position(video.id) != position:
            # Building the index reported the reason; here the video and its annotations count as dropped.
            found.shapes_in += len(texts)
            message = "a video that cannot be used, dropped"
            found.add(
                "T01",
                message,
                severity=Severity.NOTE,
                path=self.path,
                dropped=len(texts),
                dropped_images=1,
            )
            return None
        return Sample(
            filename=video.filename,
            width=video.width,
            height=video.height,
            shapes=list(decoder.decode(video, texts)),
            annotated=index.sorted_annotations is not None,
            id=video.id,
            attributes=video.attributes,
            extra=video.extra,
            path=None if self._folder is None else self._folder.path(video.filename),
        )
