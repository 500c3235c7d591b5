"""A local file to upload."""

from __future__ import annotations

import errno
import mimetypes
import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Self

from msgspec import Struct

from headrace.errors import BadRequestError
from headrace.model.records import Meta

Metadata = dict[str, Any]

_TYPES = {
    "avi": "video/x-msvideo",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "m4v": "video/mp4",
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "mp4": "video/mp4",
    "png": "image/png",
    "webm": "video/webm",
}
"""The usual types, the same on every machine; not every system's table has those of videos."""


class UploadFile(Struct, kw_only=True):
    """A local file to upload, and the file name of its data.

    ``size`` is in bytes. ``kind`` is the media type, by default that of the file name; ``meta`` the size in pixels, by
    default what the platform reads from the file. ``sha256`` is the digest that the content must have. ``root`` is the folder that it was found in, which a link must not lead
    out of; None if it may.
    """

    path: Path
    filename: str
    size: int = 0
    root: Path | None = None
    metadata: Metadata | None = None
    custom_metadata: Metadata | None = None
    kind: str | None = None
    meta: Meta | None = None
    sha256: str | None = None

    @property
    def media_type(self) -> str:
        """The media type of the file."""
        return self.kind or content_type(self.filename)

    @property
    def basename(self) -> str:
        """The last part of the file name, which the name of the object ends with."""
        last = self.filename.rpartition("/")[2]
        # A name may end in "/" or "/.", which count for nothing.
        return last if last.strip("./") else PurePosixPath(self.filename).name or self.path.name

    @classmethod
    def each(
        cls,
        paths: Sequence[Path],
        metadata: Metadata | Sequence[Metadata] | None = None,
        custom_metadata: Metadata | Sequence[Metadata] | None = None,
    ) -> list[Self]:
        """Return a file for each path, named by its last part.

        ``metadata`` and ``custom_metadata`` are one mapping for all files, or a list with one for each.
        Raises BadRequestError if such a list has another length.
        """
        metas = _for_each("metadata", metadata, len(paths))
        customs = _for_each("custom_metadata", custom_metadata, len(paths))
        return [
            cls(path=path, filename=path.name, metadata=meta, custom_metadata=custom)
            for path, meta, custom in zip(paths, metas, customs, strict=True)
        ]


def measure(files: Sequence[UploadFile]) -> None:
    """Set the sizes of files. Raises FileNotFoundError if a path is not a file."""
    for file in files:
        if not file.path.is_file():
            raise FileNotFoundError(errno.ENOENT, "no such file", str(file.path))
        file.size = file.path.stat().st_size


def content_type(name: str) -> str:
    """Return the media type of a file name, ``application/octet-stream`` if it is unknown."""
    stem, _, suffix = name.rpartition(".")
    if (usual := _TYPES.get(suffix.lower())) is not None and stem.rpartition("/")[2].strip("."):
        return usual
    return mimetypes.guess_type(name, strict=False)[0] or "application/octet-stream"


def is_media(name: str) -> bool:
    """Return whether a file name is that of an image or a video."""
    return content_type(name).partition("/")[0] in ("image", "video")


def walk(folder: Path) -> Iterator[Path]:
    """Yield all files below a folder, hidden ones left out, in a stable order."""
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(root, name)


def _for_each(
    name: str, given: Metadata | Sequence[Metadata] | None, count: int
) -> Sequence[Metadata | None]:
    if given is None or isinstance(given, dict):
        return [given] * count
    if len(given) != count:
        raise BadRequestError(
            f"{len(given)} {name} for {count} files", hint="give one for each file"
        )
    return given
