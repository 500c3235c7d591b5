"""The files of one image, read: its rows as they stand there, and the size that its header gives."""

from __future__ import annotations

from msgspec import Struct

from headrace.formats.io.image_size import ImageSize, read_size
from headrace.formats.io.openat import OpenFile
from headrace.formats.yolo.tokenize import read_text
from headrace.formats.yolo.walk import YoloImage


class ImageRows(Struct, gc=False, frozen=True):
    """One image: ``text`` is None where it has no label file, ``fault`` says why what it has is of no use.

    ``count`` is the number of lines in ``body``, the text without what surrounds it, where all of them are boxes at a
    glance and the size of the image as it is ``display_size`` is beyond doubt; else -1.
    """

    item: YoloImage
    text: bytes | None
    size: ImageSize | None
    fault: str = ""
    body: bytes = b""
    count: int = -1
    display_size: tuple[int, int] = (0, 0)


def read_image_rows(item: YoloImage, opener: OpenFile) -> ImageRows:
    """Read the files of an image. Raises :class:`OSError`."""
    try:
        text = None if item.label is None else read_text(item.label, opener)
    except ValueError as error:
        return ImageRows(item, None, None, str(error))
    size = None if item.image is None else read_size(item.image, opener)
    if size is None or size.orientation in (5, 7):
        return ImageRows(item, text, size)
    display_size = (size[1], size[0]) if size[2] > 4 else (size[0], size[1])
    if not text:
        return ImageRows(item, text, size, "", b"", 0, display_size)
    body = text.strip()
    if b"\r" in body:
        body = body.replace(b"\r\n", b"\n")
    count = body.count(b"\n") + 1
    if not body or body.count(b" ") != 4 * count:
        return ImageRows(item, text, size)
    return ImageRows(item, text, size, "", body, count, display_size)
