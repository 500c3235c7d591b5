"""Fields and limits that all listings of data and assets share."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from headrace.model.enums import DataType, DataUploadStatus

ALL_UPLOAD_STATUSES = list(DataUploadStatus)
ALL_TYPES = list(DataType)

PAGE_SIZE = 1000
"""Default and greatest number of items in a page."""

KEYS_PER_CALL = 1000
"""Maximum number of keys in one ``XGET`` listing."""

IDS_PER_CALL = 10_000
"""Maximum number of ids in one call that adds, copies or forks."""


class PageQuery(Struct, kw_only=True):
    """``limit`` and ``offset`` count items. ``order_by`` are names of fields, with a leading ``-`` for descending order."""

    limit: int | None = None
    offset: int | None = None
    order_by: list[str] | None = None


class DataQuery(PageQuery, kw_only=True):
    cursor: str | None = None
    q: str | None = None
    custom_metadata: dict[str, Any] | None = None
    upload_statuses: list[DataUploadStatus] | None = None
    types: list[DataType] | None = None
