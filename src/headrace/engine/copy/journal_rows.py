"""The rows of a journal: an asset of the source, as it is noted and as it is kept, and an asset of the target."""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from uuid import UUID

COLUMNS: Final = "no, source, data, name, size, width, height, sha256, metadata, target_data, own, target, annotations"
"""The columns of an asset that make a :class:`Row`."""


class Row(NamedTuple):
    """An asset of the source. ``no`` gives the order, oldest first; what is not known yet is None."""

    no: int
    source: UUID
    data: UUID
    name: str
    size: int | None
    width: int | None
    height: int | None
    sha256: bytes | None
    metadata: bytes | None
    target_data: UUID | None
    own: bool
    target: UUID | None
    annotations: bytes | None


class Listed(NamedTuple):
    """An asset as the source lists it; ``metadata`` is a digest of its metadata."""

    source: UUID
    data: UUID
    name: str
    size: int | None
    width: int | None
    height: int | None
    sha256: bytes | None


class Present(NamedTuple):
    """An asset that the target version has."""

    asset: UUID
    data: UUID
    name: str
    sha256: bytes | None
    size: int | None
    width: int | None
    height: int | None


def row_of(columns: tuple[Any, ...]) -> Row:
    """Return the row of an asset of these :data:`COLUMNS`."""
    no, source, data, name, size, width, height, sha, metadata, target_data, own, target, keys = (
        columns
    )
    return Row(
        no,
        UUID(bytes=source),
        UUID(bytes=data),
        name,
        size,
        width,
        height,
        sha,
        metadata,
        None if target_data is None else UUID(bytes=target_data),
        bool(own),
        None if target is None else UUID(bytes=target),
        keys,
    )
