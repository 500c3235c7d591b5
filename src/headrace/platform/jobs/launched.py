"""Jobs of launched programs: what a program prints is for the user who launched it and for the organization's owners."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from headrace.errors import PermissionDeniedError
from headrace.platform.core.access import Access

VERSION_KIND, LAKE_KIND = "PROCESSING", "LAKE_PROCESSING"
"""The kinds of these jobs, by what they were launched on."""


class _Launched(Struct):
    """The part of the specification of a launch that says whose it is."""

    account: int


def check_output(access: Access, kind: str, spec: str) -> None:
    """Raise PermissionDeniedError unless the caller may read what the program of a job prints.

    Args:
        access: The caller, of the organization of the job.
        kind: The kind of the job.
        spec: Its specification, as JSON.
    """
    if not _may_read(access, kind, spec):
        raise PermissionDeniedError(
            "another user launched this job, so its log is not yours to read",
            hint="ask that user or an owner of the organization",
        )


def visible_error(access: Access, kind: str, spec: str, error: str | None) -> str | None:
    """Return the error of a job for a caller: without the program's last lines, which follow its first colon."""
    if error is None or _may_read(access, kind, spec):
        return error
    return error.partition(": ")[0]


def _may_read(access: Access, kind: str, spec: str) -> bool:
    if access.is_owner or kind not in (VERSION_KIND, LAKE_KIND):
        return True
    return msgspec.json.decode(spec, type=_Launched).account == access.account
