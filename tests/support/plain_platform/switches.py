"""What a test can change about the platform, also while it runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

ClientType = Literal["aws", "minio", "google", "azure"]
LIMIT = 1000
"""Largest page that may be asked for (reference 1.7)."""


@dataclass(frozen=True)
class Seen:
    """A request as it arrived, the path without its query."""

    method: str
    path: str
    query: str
    body: bytes = b""


@dataclass
class Fault:
    """What happens to requests that match, the first ``times`` of them."""

    status: int | None = None
    """Answer with this status, without having done anything."""
    cut: Literal["before", "after"] | None = None
    """Close the connection before the request has an effect, or after it had one."""
    method: str = ".*"
    path: str = ".*"
    """Regular expressions that must match the whole method and the whole path."""
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)

    def meets(self, seen: Seen) -> bool:
        return (
            self.times > 0
            and re.fullmatch(self.method, seen.method) is not None
            and re.fullmatch(self.path, seen.path) is not None
        )


@dataclass
class Switches:
    page_cap: int = LIMIT
    """Items on a page at most, however many more were asked for (asking for more than 1000 is refused anyway)."""
    url_seconds: float = 3600
    """How long a presigned URL is good for."""
    client_type: ClientType = "minio"
    pending_polls: int = 0
    """An uploaded file is PENDING for so many looks at it."""
    ranges: bool = False
    """Downloads answer to ``Range``, and have an ETag, as object stores do; the reference promises neither."""
    job_polls: int = 0
    """A job is RUNNING for so many looks at it; its work is done at the end."""
    fail_jobs: bool = False
    """Jobs end as FAILED, with nothing done."""
    faults: list[Fault] | Callable[[Seen], Fault | None] = field(default_factory=list)
    body_cap: int = 64 << 20
    """Longest body of an API call, in bytes; a longer one is answered with 413."""

    more: dict[str, Any] = field(default_factory=dict)
    """Keys that every object with an id has besides: the reference does not say that there are no others."""

    def fault(self, seen: Seen) -> Fault | None:
        """What happens to this request; a fault of the list is used up by it."""
        if callable(self.faults):
            return self.faults(seen)
        for fault in self.faults:
            if fault.meets(seen):
                fault.times -= 1
                return fault
        return None
