"""LabelMe's files as records, and how one is read from the disk."""

from __future__ import annotations

import mmap
import re
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from headrace.errors import ParseError

# A larger file, with its picture inside, is mapped: the decoder skips imageData where it lies.
_MAPPED_BYTES: Final = 1 << 20
_BYTE = re.compile(r" \(byte (\d+)\)$")
_BOM: Final = b"\xef\xbb\xbf"


class LabelmeShape(Struct, kw_only=True, omit_defaults=True):
    """One shape; the field names are those of the file."""

    label: str
    points: list[tuple[float, float]]
    group_id: int | None = None
    description: str | None = None
    shape_type: str | None = "polygon"
    flags: dict[str, bool] | None = None
    score: float | None = None
    attributes: dict[str, Any] | None = None


class LabelmeClassification(Struct, kw_only=True, omit_defaults=True):
    """What a flag of an image has no room for; only headrace writes it."""

    description: str | None = None
    attributes: dict[str, Any] | None = None
    score: float | None = None


class LabelmeFile(Struct, kw_only=True, rename="camel"):
    """One file, without its imageData. ``shapes`` and ``image_path`` are None where the file is no LabelMe file."""

    shapes: list[LabelmeShape] | None = None
    image_path: str | None = None
    image_height: int | None = None
    image_width: int | None = None
    flags: dict[str, bool] | None = field(default_factory=dict)
    attributes: dict[str, Any] | None = None
    classifications: dict[str, LabelmeClassification] | None = None


class LabelmePath(Struct, rename="camel"):
    """Only the name of the image."""

    image_path: str | None = None


_decode_file = msgspec.json.Decoder(LabelmeFile).decode
_decode_path = msgspec.json.Decoder(LabelmePath).decode


def read_file(path: Path) -> LabelmeFile:
    """Read a file.

    Raises:
        ParseError: It is no JSON, or a key has another type than LabelMe writes.
    """
    record: LabelmeFile = _read(path, _decode_file)
    return record


def read_image_path(path: Path) -> str | None:
    """Read only the name of the image, where the file has one; raises like :func:`read_file`."""
    record: LabelmePath = _read(path, _decode_path)
    return record.image_path


def _read(path: Path, decode: Any) -> Any:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        if size < _MAPPED_BYTES:
            return _decoded(path, file.read(), decode)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _decoded(path, content, decode)


def _decoded(path: Path, content: bytes | mmap.mmap, decode: Any) -> Any:
    if content[:3] == _BOM:
        content = content[3:]
    try:
        return decode(content)
    except msgspec.ValidationError as error:
        if " - at `" not in str(error):
            return decode(b"{}")  # a list, a text: JSON of someone else
        raise ParseError(str(error), path=path) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = str(error)
        at = _BYTE.search(message)
        offset = int(at[1]) if at else min(getattr(error, "start", len(content)), len(content))
        text = _BYTE.sub("", message) if isinstance(error, msgspec.DecodeError) else "is not UTF-8"
        raise ParseError(text, path=path, offset=offset) from None
