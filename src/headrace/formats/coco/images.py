"""Decode COCO images to samples."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from headrace.errors import BadRequestError
from headrace.formats.coco import recover
from headrace.formats.coco.record_findings import RecordReporter
from headrace.formats.coco.schema import ImageRecord, RecordDecoder, UndecodedRecord
from headrace.formats.findings.collect import Severity
from headrace.formats.io.image_folder import ImageFolder
from headrace.formats.io.image_size import ImageSize, read_size
from headrace.model.names import safe_join
from headrace.model.nesting import is_shallow
from headrace.model.sample import Sample
from headrace.model.shapes import Attributes

_MAX_SIDE: Final = 2**31 - 1
_DIGITS: Final = "0123456789"
_WITH_SIZE: Final = re.compile(r"(.+\.(?:bmp|gif|jpe?g|png|tiff?|webp))-?\d+", re.IGNORECASE)


class CocoSampleDecoder:
    """Decodes images to samples and reports what is wrong with them.

    Args:
        record_decoder: The decoder of the records, for their extra keys.
        report: Receives the findings.
        annotated: The value of each sample's ``annotated``.
        media: The folder of the image files, to compare or find out their sizes.
        split: The split of the images.
        root: The folder of the source.
        folder: Where the images lie below ``root``, if that is known.
        duplicates: The positions of images whose id an earlier image has.
    """

    def __init__(
        self,
        record_decoder: RecordDecoder[ImageRecord],
        report: RecordReporter,
        *,
        annotated: bool,
        media: Path | None = None,
        split: str | None = None,
        root: Path | None = None,
        folder: ImageFolder | None = None,
        duplicates: Collection[int] = (),
    ) -> None:
        self._record_decoder = record_decoder
        self._report = report
        self._annotated = annotated
        self._media = media
        self._split = split
        self._root = root
        self._folder = folder
        self._duplicates = duplicates
        self._position = 0
        # Most names need no more than this in front of them.
        self._prefix = None if folder is None or folder.base_only else folder.prefix

    def decode(self, records: Sequence[ImageRecord | UndecodedRecord]) -> Iterator[Sample | None]:
        """Yield the samples of the next images of the file.

        An image without an id or a name, and one whose id an earlier image has, is None; a finding counts it as dropped.
        """
        start = self._position
        self._position += len(records)
        if self._duplicates:
            return map(self._unless_twice, records, count(start))
        return map(self._decode, records)

    def _unless_twice(self, record: ImageRecord | UndecodedRecord, position: int) -> Sample | None:
        if position not in self._duplicates:
            return self._decode(record)
        name = (
            f"image {record.id} ({record.file_name})"
            if isinstance(record, ImageRecord)
            else "image"
        )
        self._report.set_record(name, lambda: UndecodedRecord(b""))
        message = "an image id appears twice, the first one counts"
        self._report("C18", message, severity=Severity.ERROR, dropped_images=1)
        return None

    def _decode(self, record: ImageRecord | UndecodedRecord) -> Sample | None:
        if isinstance(record, UndecodedRecord):
            recovered = self._recover(record)
            return None if recovered is None else self._sample(*recovered)
        decoder = self._record_decoder
        extra = decoder.extra(record) if decoder.has_extra_keys else None
        name, width, height = record.file_name, record.width, record.height
        if (
            record.id is None
            or not name
            or not width
            or not height
            or not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE)
            or self._media is not None
            or (record.attributes is not None and not recover.is_plain(record.attributes))
            or (extra is not None and not recover.is_plain(extra))
        ):
            self._report.set_record(f"image {record.id}", lambda: UndecodedRecord(b""))
        elif (
            "\\" not in name
            and "//" not in name
            and name[0] not in "./"
            and name[-1] not in _DIGITS
        ):
            prefix = self._prefix
            return Sample(
                filename=name,
                width=width,
                height=height,
                id=record.id,
                attributes=record.attributes,
                extra=extra,
                annotated=self._annotated and (extra is None or not _unannotated(extra)),
                split=self._split,
                path=self._path(name) if prefix is None or "./" in name else prefix + name,
            )
        return self._sample(record, extra)

    def _recover(self, undecoded: UndecodedRecord) -> tuple[ImageRecord, Attributes | None] | None:
        self._report.set_record("image", lambda: undecoded)
        values = recover.parse(undecoded.text, partial(self._report, dropped_images=0))
        if values is None:
            self._report(
                "C18",
                "an image that cannot be read, dropped",
                severity=Severity.ERROR,
                dropped_images=1,
            )
            return None
        self._report.set_record(f"image {values.get('id')}", lambda: undecoded)
        return recover.image(values, self._report)

    def _sample(self, image: ImageRecord, extra: Attributes | None) -> Sample | None:
        if image.id is None:
            self._report(
                "C18", "an image without an id, dropped", severity=Severity.ERROR, dropped_images=1
            )
            return None
        if not is_shallow((image.attributes, extra)):
            message = "an image nested deeper than 64 levels, dropped"
            self._report("C27", message, severity=Severity.ERROR, dropped_images=1)
            return None
        extra = recover.plain(extra, self._report)
        name = image.file_name or self._name_of_url(extra)
        if not name:
            self._report(
                "C19",
                "an image without a file name, dropped",
                severity=Severity.ERROR,
                dropped_images=1,
            )
            return None
        plain = given_name(name)
        if _WITH_SIZE.fullmatch(name):
            self._report.set_record(f"image {image.id}", lambda: UndecodedRecord(b""))
            message = "a file name with the size of the file behind it, as VIA has it; cut off"
            self._report("C19", message, severity=Severity.NOTE, detail=name)
        path = self._path(plain)
        if path is not None and self._folder is not None and self._folder.base_only:
            plain = plain.rpartition("/")[2] if _is_absolute(plain) else plain
        if plain != name:
            # The writer of this format restores the name of the source.
            extra = {"file_name": name, **(extra or {})}
            name = plain
        width, height = self._size(image, name, path)
        return Sample(
            filename=name,
            width=width,
            height=height,
            id=image.id,
            attributes=recover.plain(image.attributes, self._report),
            extra=extra or None,
            annotated=self._annotated and not _unannotated(extra),
            split=self._split,
            path=path,
        )

    def _path(self, name: str) -> str | None:
        return None if self._folder is None else self._folder.path(name)

    def _size(
        self, image: ImageRecord, name: str, path: str | None
    ) -> tuple[int | None, int | None]:
        """Return the size in the file; it is compared with that of the image file where its folder was named."""
        given = image.width or 0, image.height or 0
        has_size = min(given) > 0 and max(given) <= _MAX_SIDE
        size = None if self._media is None else _stored_size(self._media, name)
        if self._media is None and not has_size and path is not None and self._root is not None:
            size = _stored_size(self._root, path)
        if size is None:
            if has_size:
                return given
            self._report("C20", "an image without width and height")
            return None, None
        stored = size.width, size.height
        if not has_size:
            self._report("C20", "no width and height; taken from the image", severity=Severity.NOTE)
            return stored
        if given != stored:
            detail = f"{given[0]} x {given[1]}, stored {stored[0]} x {stored[1]}"
            if given == stored[::-1] and size.orientation > 4:
                message = "width and height are those of the image as shown, not as stored (EXIF)"
                self._report("C20", message, severity=Severity.NOTE, detail=detail)
            else:
                self._report("C20", "width and height are not those of the image", detail=detail)
        return given

    def _name_of_url(self, extra: Attributes | None) -> str | None:
        # LVIS v1 only has the URLs of images.
        url = (extra or {}).get("coco_url") or (extra or {}).get("flickr_url")
        if not isinstance(url, str):
            return None
        self._report("C19", "an image without file_name, named by its URL", severity=Severity.NOTE)
        return given_name(url)


def _stored_size(folder: Path, name: str) -> ImageSize | None:
    """Return the size of an image file at its path below ``folder`` or directly in it, or None."""
    for each in dict.fromkeys((name, name.rpartition("/")[2])):
        try:
            return read_size(safe_join(folder, each))
        except (OSError, BadRequestError):
            continue
    return None


def given_name(name: str) -> str:
    """Return the name of an image with ``/`` between folders; the last part of a URL; without VIA's size behind it."""
    if "://" in name:
        return unquote(urlsplit(name).path).rpartition("/")[2]
    named = _WITH_SIZE.fullmatch(name)
    return (name if named is None else named[1]).replace("\\", "/")


def _unannotated(extra: Attributes | None) -> bool:
    """Return whether an image is marked as not annotated, as COCO Annotator and headrace do."""
    return extra is not None and extra.get("annotated") is False


def _is_absolute(name: str) -> bool:
    return name.startswith(("/", "../")) or name[1:3] == ":/"
