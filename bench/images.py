"""Placeholder images: valid JPEG files of a given size, in one or two kilobytes.

A grey baseline JPEG with empty blocks takes two bits per block, so it is written without an
encoder. Every decoder and every reader of headers accepts it.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from bench.dataset import Image

# ext4 allows 65,000 links to a file.
LINKS_PER_FILE = 50_000


def jpeg(width: int, height: int, comment: bytes = b"") -> bytes:
    """Return a grey JPEG of this size in pixels. A comment makes its bytes unique."""
    blocks = -(-width // 8) * -(-height // 8)
    # Each block is the code "no difference" and the code "end of block", one bit each, both 0
    # in the tables below. The rest of the last byte is filled with ones.
    whole, rest = divmod(2 * blocks, 8)
    scan = bytes(whole) + (bytes([0xFF >> rest]) if rest else b"")
    return b"".join(
        (
            b"\xff\xd8",
            segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
            segment(0xFE, comment) if comment else b"",
            segment(0xDB, b"\0" + b"\x01" * 64),
            segment(
                0xC0,
                b"\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big") + b"\x01\x01\x11\0",
            ),
            segment(0xC4, b"\x00" + b"\x01" + bytes(15) + b"\0"),
            segment(0xC4, b"\x10" + b"\x01" + bytes(15) + b"\0"),
            segment(0xDA, b"\x01\x01\0\0\x3f\0"),
            scan,
            b"\xff\xd9",
        )
    )


def segment(marker: int, body: bytes) -> bytes:
    """Return a JPEG segment."""
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def write_images(folder: Path, images: Iterable[Image], *, links: bool = False) -> int:
    """Write a file for each image and return their number.

    The files have different bytes, for stores that deduplicate. With `links`, images of equal
    size are hard links to one file, which saves disk space.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shared: dict[tuple[int, int], tuple[Path, int]] = {}
    count = 0
    for image in images:
        path = folder / image.file_name
        size = image.width, image.height
        original, used = shared.get(size, (path, LINKS_PER_FILE))
        if not links:
            path.write_bytes(jpeg(*size, comment=image.file_name.encode()))
        elif used < LINKS_PER_FILE:
            os.link(original, path)
            shared[size] = original, used + 1
        else:
            path.write_bytes(jpeg(*size))
            shared[size] = path, 1
        count += 1
    return count
