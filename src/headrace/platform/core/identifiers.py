"""From an id on the wire to the integers of a row, and back: whatever does not fit exactly is not found."""

from __future__ import annotations

from uuid import UUID

from headrace.errors import NotFoundError
from headrace.model.ids import InvalidIdError, Key, Kind, decode, encode
from headrace.platform.core.access import Access
from headrace.storage.database.base import Transaction


def key_of(id: UUID, kind: Kind) -> Key:
    """The integers of an id of this kind; 404 for an id of another kind or maker."""
    try:
        key = decode(id)
    except InvalidIdError:
        raise missing(kind, id) from None
    if key.kind is not kind:
        raise missing(kind, id)
    return key


def check_id(id: UUID, kind: Kind, created_ms: int, bucket: int, number: int) -> None:
    """404 unless the row that was found under an id's number is the very one that the id was made for."""
    if encode(kind, created_ms, bucket, number) != id:
        raise missing(kind, id)


def check_organization(access: Access, organization_id: UUID) -> None:
    """404 for any organization but the one that the call is made for."""
    if organization_id != access.organization_id:
        raise missing(Kind.ORGANIZATION, organization_id)


def missing(kind: Kind, what: object) -> NotFoundError:
    """The error for a thing that is not there, or not there for this caller."""
    name = kind.name.lower().replace("_", " ")
    return NotFoundError(f"there is no {name} {what}")


async def take_numbers(tx: Transaction, name: str, count: int = 1) -> int:
    """Reserve ``count`` consecutive row numbers (from 1 on) for ``name``; returns the first. None is given twice."""
    row = await tx.fetch_one("identifiers.take_numbers", name=name, count=count)
    assert row is not None
    return int(row[0]) - count + 1
