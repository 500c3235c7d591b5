"""The one place that knows what another platform does not have: it refuses calls, and takes nothing for a digest.

A caller that has a fallback asks ``limits.extensions`` first and is not refused.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from headrace.backend.base import Limits
from headrace.errors import UnsupportedError
from headrace.model.records import (
    AssetRecord,
    AssignmentDataRecord,
    AssignmentRecord,
    DataRecord,
    Items,
    Page,
)
from headrace.protocol.operation import Operation, P, R

_FIELDS = {
    "attributes": ("attributes of an annotation", "import them with the shapes of the annotation"),
    "worker_id": ("annotations of another user", "leave out the worker: they belong to the caller"),
    "worker_ids": ("a choice by worker", "omit workers= to choose the annotations of all users"),
    "keypoints": ("keypoints of one annotation", "import them from a COCO file"),
    "tracks": ("tracks of one annotation", "import them from a video COCO file"),
}
"""What a person calls a field, and what to do without it."""


def refuse_extensions(operation: Operation[P, R], request: P, limits: Limits) -> None:
    """Raise UnsupportedError if a call needs what a platform with these limits does not have.

    Args:
        operation: The operation.
        request: Its request.
        limits: Those of the platform.
    """
    if limits.extensions:
        return
    if operation.extension:
        what = operation.name.replace("_", " ")
        raise unsupported(what, operation.instead)
    for name in operation.extension_fields:
        if getattr(request, name) not in (None, UNSET):
            raise unsupported(*_FIELDS.get(name, (f"{name} of {operation.name}", "leave it out")))


def unsupported(what: str, instead: str) -> UnsupportedError:
    """Make the error: ``what`` is not available, do ``instead``."""
    return UnsupportedError(f"{what}: not available on this platform", hint=instead or None)


def without_digests(result: Any) -> Any:
    """Return the result of a call without sizes and digests of files.

    The wire has neither. Another platform may send something of those names, but not to compare bytes with.
    """
    if isinstance(result, Page | Items):
        items = [without_digests(item) for item in result.items]
        return replace(result, items=items)
    if isinstance(result, AssetRecord | AssignmentRecord):
        data = without_digests(result.data)
        return result if data is result.data else replace(result, data=data)
    if isinstance(result, DataRecord | AssignmentDataRecord):
        known = result.size is not None or result.sha256 is not None
        return replace(result, size=None, sha256=None) if known else result
    return result
