"""What all listings of data and assets share."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from headrace.model.enums import DataType, DataUploadStatus

ALL_UPLOAD_STATUSES = list(DataUploadStatus)
ALL_TYPES = list(DataType)

PAGE_SIZE = 1000
"""Items a page holds unless less is asked; servers honour a ``limit`` up to this number exactly."""

KEYS_PER_CALL = 1000
"""Keys one ``XGET`` listing may name."""

IDS_PER_CALL = 10_000
"""Ids one call that adds, copies or forks may name."""


class PageQuery(Struct, kw_only=True):
    """``limit`` and ``offset`` count items; ``cursor`` is opaque; ``order_by`` names fields, ``-`` for descending."""

    limit: int | None = None
    offset: int | None = None
    order_by: list[str] | None = None


class DataQuery(PageQuery, kw_only=True):
    cursor: str | None = None
    q: str | None = None
    custom_metadata: dict[str, Any] | None = None
    upload_statuses: list[DataUploadStatus] | None = None
    types: list[DataType] | None = None
