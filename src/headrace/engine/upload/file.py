"""A local file that is to become a data."""

from __future__ import annotations

import errno
import mimetypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from msgspec import Struct

from headrace.errors import BadRequestError

Metadata = dict[str, Any]


class UploadFile(Struct, kw_only=True):
    """A local file and the name that its data will have. ``size`` in bytes."""

    path: Path
    filename: str
    size: int = 0
    metadata: Metadata | None = None
    custom_metadata: Metadata | None = None

    @classmethod
    def each(
        cls,
        paths: Sequence[Path],
        metadata: Metadata | Sequence[Metadata] | None = None,
        custom_metadata: Metadata | Sequence[Metadata] | None = None,
    ) -> list[Self]:
        """One for each path, called by its last part."""
        metas = _for_each("metadata", metadata, len(paths))
        customs = _for_each("custom_metadata", custom_metadata, len(paths))
        return [
            cls(path=path, filename=path.name, metadata=meta, custom_metadata=custom)
            for path, meta, custom in zip(paths, metas, customs, strict=True)
        ]


def measure(files: Sequence[UploadFile]) -> None:
    """Enter the sizes; FileNotFoundError where a path is no file."""
    for file in files:
        if not file.path.is_file():
            raise FileNotFoundError(errno.ENOENT, "no such file", str(file.path))
        file.size = file.path.stat().st_size


def content_type(name: str) -> str:
    """The media type by the name alone."""
    return mimetypes.guess_type(name, strict=False)[0] or "application/octet-stream"


def _for_each(
    name: str, given: Metadata | Sequence[Metadata] | None, count: int
) -> Sequence[Metadata | None]:
    if given is None or isinstance(given, dict):
        return [given] * count
    if len(given) != count:
        raise BadRequestError(f"{len(given)} {name} for {count} files", hint="give one for each")
    return given
