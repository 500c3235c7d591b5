"""How alike two pictures look: a hash of 64 bits that few changes of size, quality or colour move."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from headrace.errors import MissingExtraError

_COLUMNS, _ROWS = 9, 8
_FLAT = 4
"""Steps of grey (of 256) below which a picture is plain, and alike to every other plain one: it gets no hash."""


def picture_hasher() -> Callable[[Path], int | None]:
    """The function that hashes a picture's file; MissingExtraError where Pillow is not installed.

    The difference hash: the picture, turned as its EXIF data says, in 9 x 8 grey pixels; each bit says whether a pixel
    is brighter than its right neighbour. None for what is no picture, or a plain one.
    """
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError:
        raise MissingExtraError(
            "comparing pictures needs Pillow", hint="pip install 'headrace[images]'"
        ) from None

    def hashed(path: Path) -> int | None:
        try:
            with Image.open(path) as image:
                # JPEG files are decoded no finer than needed.
                image.draft("L", (_COLUMNS * 8, _ROWS * 8))
                upright = ImageOps.exif_transpose(image)
                small = upright.convert("L").resize((_COLUMNS, _ROWS), Image.Resampling.LANCZOS)
        except (
            OSError,
            SyntaxError,
            ValueError,
            UnidentifiedImageError,
            Image.DecompressionBombError,
        ):
            return None
        return hash_of(small.tobytes())

    return hashed


def hash_of(grey: bytes) -> int | None:
    """The hash of 9 x 8 grey pixels, row by row, as a signed number; None where they are all but equal."""
    if max(grey) - min(grey) < _FLAT:
        return None
    bits = 0
    for row in range(0, _COLUMNS * _ROWS, _COLUMNS):
        for left in range(row, row + _COLUMNS - 1):
            bits = bits << 1 | (grey[left] > grey[left + 1])
    return bits - (1 << 64) if bits >> 63 else bits
