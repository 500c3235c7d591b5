"""Conversion of arguments to the types of the protocol."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from headrace.errors import BadRequestError
from headrace.model.enums import AnnotationExportKey
from headrace.protocol.operations.label_details import AttributeRecord, AttributesRecord

Paths = list[str] | list[Path] | list[str | Path] | tuple[str | Path, ...]


def as_id(value: str | UUID) -> UUID:
    """Parse an id; BadRequestError names a value that is not a UUID."""
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise BadRequestError(f"{value!r} is not an id", hint="ids are UUIDs") from None


def as_ids(values: Iterable[str | UUID]) -> list[UUID]:
    """Parse ids."""
    return [as_id(value) for value in values]


def as_path(value: str | Path) -> Path:
    """Convert to a path and expand ``~``."""
    return Path(value).expanduser()


def only_key_list(**lists: Sequence[object] | None) -> tuple[str, Sequence[object]] | None:
    """Return name and keys of the only list that is not None; BadRequestError if there are several."""
    given = [(name, keys) for name, keys in lists.items() if keys is not None]
    if len(given) > 1:
        names = " and ".join(name for name, _ in given)
        raise BadRequestError(
            f"{names} cannot be given together", hint="use q= for further conditions"
        )
    return given[0] if given else None


def check_limits(limit: int | None, offset: int | None) -> None:
    """Raise BadRequestError if ``limit`` or ``offset`` is negative."""
    for name, value in (("limit", limit), ("offset", offset)):
        if value is not None and value < 0:
            raise BadRequestError(f"{name} is {value}", hint="it must not be negative")


def as_export_key(
    use_id: bool | None, export_key: AnnotationExportKey | str | None
) -> AnnotationExportKey:
    """Return the export key: ``export_key`` if given, else ASSET_ID with ``use_id``, else FILENAME."""
    if export_key:
        return AnnotationExportKey.parse(export_key)
    return AnnotationExportKey.ASSET_ID if use_id else AnnotationExportKey.FILENAME


def check_chunk_size(chunk_size: int | None) -> None:
    """Raise BadRequestError if ``chunk_size`` is less than 1."""
    if chunk_size is not None and chunk_size < 1:
        raise BadRequestError(f"chunk_size is {chunk_size}", hint="at least 1")


def as_edge(edge: Sequence[int]) -> tuple[int, int]:
    """Convert an edge of a skeleton; BadRequestError if it is not a pair."""
    if len(edge) != 2:
        raise BadRequestError(
            f"{list(edge)} is not a pair of keypoints", hint="give pairs of numbers"
        )
    return edge[0], edge[1]


def as_attributes(attributes: dict[str, Any] | None) -> dict[str, AttributeRecord] | None:
    """Convert attribute definitions; BadRequestError names an unknown field or one of a wrong type."""
    try:
        return msgspec.convert(attributes, dict[str, AttributeRecord] | None)
    except msgspec.ValidationError as error:
        raise BadRequestError(f"attributes: {error}") from None


def plain_attributes(record: AttributesRecord) -> dict[str, Any] | None:
    """Convert attribute definitions to plain values."""
    plain: dict[str, Any] | None = msgspec.to_builtins(record.attributes)
    return plain
