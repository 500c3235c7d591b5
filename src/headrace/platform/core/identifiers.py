"""Ids of the API and the integers of rows. An id that does not match its row exactly is not found (404)."""

from __future__ import annotations

from uuid import UUID

from headrace.errors import NotFoundError
from headrace.model.ids import InvalidIdError, Key, Kind, decode, encode
from headrace.platform.core.access import Access


def key_of(id: UUID, kind: Kind) -> Key:
    """Decode an id of this kind; 404 for any other id."""
    try:
        key = decode(id)
    except InvalidIdError:
        raise missing(kind, id) from None
    if key.kind is not kind:
        raise missing(kind, id)
    return key


def check_id(id: UUID, kind: Kind, created_ms: int, bucket: int, number: int) -> None:
    """Raise a 404 unless the id was made for the row that was found by its number."""
    if encode(kind, created_ms, bucket, number) != id:
        raise missing(kind, id)


def check_organization(access: Access, organization_id: UUID) -> None:
    """Raise a 404 unless this is the organization of the call."""
    if organization_id != access.organization_id:
        raise missing(Kind.ORGANIZATION, organization_id)


def missing(kind: Kind, what: object) -> NotFoundError:
    """Build the error for an object that does not exist, or is not visible to the caller."""
    name = kind.name.lower().replace("_", " ")
    return NotFoundError(f"there is no {name} {what}")
