"""Build data records from rows, for listings of data and of assets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec

from headrace.errors import BadRequestError
from headrace.model.enums import DataType, DataUploadStatus
from headrace.model.ids import IdScope, Kind, encode
from headrace.model.nesting import check_depth
from headrace.model.records import DataRecord, Meta
from headrace.platform.core.access import Access
from headrace.storage.database.base import Row

WIDTH = 14
"""Number of columns that :func:`data_records` reads."""

MAX_METADATA_BYTES = 256 * 1024

_UNKNOWN = Meta(0, 0)
_TYPES = {str(member): member for member in DataType}
_STATUSES = {str(member): member for member in DataUploadStatus}


def data_records(access: Access) -> Callable[[Row], DataRecord]:
    """Return a function that builds the record of a data from its row; a listing needs one for all rows.

    A row is the lake's bucket and creation, then the data's no, object_name, filename, kind, content_type, status, width,
    height, size, sha256, metadata and custom_metadata. All statements that list data use this order.
    """
    url = access.urls.downloads(access.organization)
    ids: dict[tuple[int, int], Callable[[int], UUID]] = {}

    def record(row: Row) -> DataRecord:
        bucket, lake_created, no, object_name, filename, kind, content_type, status = row[:8]
        width, height, size, sha256, metadata, custom_metadata = row[8:]
        data_id = ids.get((bucket, lake_created))
        if data_id is None:
            data_id = ids[bucket, lake_created] = IdScope(Kind.DATA, lake_created, bucket, 0).id
        return DataRecord(
            id=data_id(no),
            object_name=object_name,
            filename=filename,
            type=_TYPES[kind],
            content_type=content_type,
            upload_status=_STATUSES[status],
            meta=Meta(width, height)
            if width is not None and height is not None
            else _unknown_size(access, status),
            presigned_url=url(object_name),
            metadata=None if metadata is None else msgspec.json.decode(metadata),
            custom_metadata=None
            if custom_metadata is None
            else msgspec.json.decode(custom_metadata),
            size=size,
            sha256=None if sha256 is None else sha256.hex(),
        )

    return record


def data_record(access: Access, row: Row) -> DataRecord:
    """Build the record of one data; ``row`` begins with the columns that :func:`data_records` reads."""
    return data_records(access)(row[:WIDTH])


def _unknown_size(access: Access, status: str) -> Meta | None:
    """None, or 0 x 0 where the caller's client demands numbers."""
    return None if access.precise or status != DataUploadStatus.DONE else _UNKNOWN


def data_id(lake_created: int, lake_bucket: int, no: int) -> UUID:
    """Encode the id of a data."""
    return encode(Kind.DATA, lake_created, lake_bucket, no)


def metadata_text(name: str, value: dict[str, Any] | None) -> str | None:
    """Encode metadata as JSON for storage; 400 if it is too large or too deep, or cannot be encoded."""
    if value is None:
        return None
    check_depth(value, name)
    try:
        text = msgspec.json.encode(value, order="sorted").decode()
    except (TypeError, ValueError, RecursionError) as error:
        raise BadRequestError(f"{name} cannot be written as JSON: {error}") from None
    if len(text) > MAX_METADATA_BYTES:
        raise BadRequestError(f"{name} is larger than {MAX_METADATA_BYTES // 1024} KiB")
    return text
