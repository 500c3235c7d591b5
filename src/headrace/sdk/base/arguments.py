"""What people may pass, brought to the form of the wire."""

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
    """An id from its text; BadRequestError names what is none."""
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise BadRequestError(f"{value!r} is not an id", hint="ids are UUIDs") from None


def as_ids(values: Iterable[str | UUID]) -> list[UUID]:
    """Ids from their texts."""
    return [as_id(value) for value in values]


def as_path(value: str | Path) -> Path:
    """A path, ``~`` for the home folder."""
    return Path(value).expanduser()


def only_key_list(**lists: Sequence[object] | None) -> tuple[str, Sequence[object]] | None:
    """The one key list that is given, by name; BadRequestError where there are several."""
    given = [(name, keys) for name, keys in lists.items() if keys is not None]
    if len(given) > 1:
        names = " and ".join(name for name, _ in given)
        raise BadRequestError(
            f"{names} cannot be given together", hint="use q for further conditions"
        )
    return given[0] if given else None


def check_limits(limit: int | None, offset: int | None) -> None:
    """BadRequestError where ``limit`` or ``offset`` is negative."""
    for name, value in (("limit", limit), ("offset", offset)):
        if value is not None and value < 0:
            raise BadRequestError(f"{name} is {value}", hint="it must not be negative")


def as_export_key(
    use_id: bool | None, export_key: AnnotationExportKey | str | None
) -> AnnotationExportKey:
    """What a file calls assets by: what is said, else their ids with ``use_id``, else their file names."""
    if export_key:
        return AnnotationExportKey.parse(export_key)
    return AnnotationExportKey.ASSET_ID if use_id else AnnotationExportKey.FILENAME


def check_chunk_size(chunk_size: int | None) -> None:
    """BadRequestError where ``chunk_size`` is no number of annotations."""
    if chunk_size is not None and chunk_size < 1:
        raise BadRequestError(f"chunk_size is {chunk_size}", hint="at least 1")


def as_edge(edge: Sequence[int]) -> tuple[int, int]:
    """A joint of a skeleton; BadRequestError where it is no pair."""
    if len(edge) != 2:
        raise BadRequestError(f"{list(edge)} joins no two keypoints", hint="give pairs of numbers")
    return edge[0], edge[1]


def as_attributes(attributes: dict[str, Any] | None) -> dict[str, AttributeRecord] | None:
    """Kinds of attributes from plain values; BadRequestError names a field that is unknown or of a wrong type."""
    try:
        return msgspec.convert(attributes, dict[str, AttributeRecord] | None)
    except msgspec.ValidationError as error:
        raise BadRequestError(f"attributes: {error}") from None


def plain_attributes(record: AttributesRecord) -> dict[str, Any] | None:
    """Kinds of attributes as plain values."""
    plain: dict[str, Any] | None = msgspec.to_builtins(record.attributes)
    return plain
