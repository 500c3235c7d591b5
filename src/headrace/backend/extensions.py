"""The one place that refuses what only headrace has on a platform that is another one.

A caller that has a fallback asks ``limits.extensions`` first and does not come here.
"""

from __future__ import annotations

from msgspec import UNSET

from headrace.backend.base import Limits
from headrace.errors import UnsupportedError
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
