"""On whose behalf a call is made, and how its answer names files."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from msgspec import Struct


class ObjectUrls(Protocol):
    """Makes the URLs that clients put and get bytes with; one implementation in process, one for HTTP."""

    client_type: str
    """The upload protocol that clients must speak to these URLs (``lake`` in process, ``minio`` over HTTP)."""

    def download(self, organization: int, object_name: str) -> str:
        """Where the bytes of an object are read, for a limited time."""
        ...

    def upload(
        self, organization: int, object_name: str, content_type: str
    ) -> tuple[str, dict[str, str]]:
        """Where a whole object is sent, and the form fields that must go with it."""
        ...

    def upload_part(self, organization: int, object_name: str, upload_id: str, part_no: int) -> str:
        """Where one part of an object is sent."""
        ...


class Access(Struct, frozen=True, kw_only=True):
    """The caller of an operation. ``organization`` and ``account`` are row numbers; every query carries the former.

    ``organization`` is the one the call is made for, checked to be a membership of the account. ``precise`` callers
    take coordinates as stored; others get whole numbers where the platform's clients demand them.
    """

    account: int
    username: str
    organization: int
    organization_id: UUID
    urls: ObjectUrls
    precise: bool = True
