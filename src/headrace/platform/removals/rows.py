"""The rows of removals."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from headrace.model.ids import Kind, encode
from headrace.model.records import RemovalRecord
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import check_id, key_of, missing
from headrace.platform.removals.kinds import RemovalKind
from headrace.platform.removals.room import DAY_MS
from headrace.storage.database.base import Statements, Transaction


class Removal(Struct, frozen=True):
    """The row of a removal. ``version`` is None for a dataset; ``source`` is the removal that this one took back."""

    no: int
    kind: str
    dataset: int
    version: int | None
    name: str
    username: str
    source: int | None
    restorable: int
    assets: int
    annotations: int
    shapes: int
    bytes: int
    created: int
    undone: int | None
    key: str | None

    @property
    def id(self) -> UUID:
        """The removal's id."""
        return encode(Kind.REMOVAL, self.created, 0, self.no)

    def record(self, context: Context) -> RemovalRecord:
        """The removal as the API shows it."""
        return RemovalRecord(
            id=self.id,
            kind=self.kind,
            version=self.name,
            username=self.username,
            assets=self.assets,
            annotations=self.annotations,
            shapes=self.shapes,
            bytes=self.bytes,
            created_at=self.created / 1000,
            expires_at=(self.created + context.undo.days * DAY_MS) / 1000,
            undone_at=None if self.undone is None else self.undone / 1000,
        )


async def removal_of(statements: Statements, access: Access, id: UUID) -> Removal:
    """Find a removal by id; 404 if the caller's organization has none of this id that can be undone."""
    key = key_of(id, Kind.REMOVAL)
    row = await statements.fetch_one(
        "removals.by_no", no=key.number, organization=access.organization
    )
    if row is None or not row[7]:
        raise missing(Kind.REMOVAL, id)
    removal = Removal(*row)
    check_id(id, Kind.REMOVAL, removal.created, 0, removal.no)
    return removal


async def removal_by_key(statements: Statements, access: Access, key: UUID) -> Removal | None:
    """Find the removal of the calls with this key."""
    row = await statements.fetch_one(
        "removals.by_key", organization=access.organization, key=str(key)
    )
    if row is None:
        return None
    found = await statements.fetch_one(
        "removals.by_no", no=row[0], organization=access.organization
    )
    return None if found is None else Removal(*found)


async def record_deletion(
    tx: Transaction,
    context: Context,
    access: Access,
    kind: RemovalKind,
    *,
    dataset: int,
    version: int | None,
    name: str,
) -> int:
    """Record the deletion of a version or dataset, whose rows stay until they are purged; returns the removal's number."""
    no = await context.database.reserve("removal")
    await tx.execute(
        "removals.add",
        no=no,
        organization=access.organization,
        account=access.account,
        kind=str(kind),
        dataset=dataset,
        version=version,
        name=name,
        key=None,
        source=None,
        restorable=1,
        now=context.clock(),
    )
    return no


async def count_deletion(tx: Transaction, context: Context, no: int) -> None:
    """Enter into a recorded deletion what the versions hold that it deleted."""
    await tx.execute("removals.count_deletion", no=no, now=context.clock())
