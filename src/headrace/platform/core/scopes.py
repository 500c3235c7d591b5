"""The lake, dataset or version of an id, checked to belong to the caller."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import Struct

from headrace.errors import (
    InsufficientResourcesError,
    LockedError,
    NotFoundError,
    locked_version,
)
from headrace.model.enums import InferenceType
from headrace.model.ids import (
    MAX_SEQ,
    IdScope,
    InvalidIdError,
    Key,
    Kind,
    decode_shape,
    encode,
    encode_shape,
)
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import check_id, key_of, missing
from headrace.storage.database.base import Database, Row, Statements, Transaction

FILLING = 2
"""``version.locked`` of a fork that its job still fills; 1 is a version locked by a user."""


class DatalakeScope(NamedTuple):
    """A lake of the caller's organization."""

    no: int
    bucket: int
    name: str
    created: int
    connector: int
    connector_created: int

    @property
    def id(self) -> UUID:
        """The lake's id."""
        return encode(Kind.DATALAKE, self.created, self.bucket, self.no)

    @property
    def scope(self) -> dict[str, Any]:
        """The parameters that every statement about the lake's data takes."""
        return {"bucket": self.bucket, "lake": self.no}

    def numbers(self, ids: Iterable[UUID]) -> list[int]:
        """The row numbers of ids of this lake's data, each once; other ids are left out."""
        base = encode(Kind.DATA, self.created, self.bucket, 0).int
        found = {data_id.int - base: None for data_id in ids}
        return [number for number in found if 0 < number < 1 << 57]


class DatasetScope(Struct, frozen=True):
    """A dataset of the caller's organization."""

    no: int
    bucket: int
    created: int
    name: str
    description: str

    @property
    def id(self) -> UUID:
        """The dataset's id."""
        return encode(Kind.DATASET, self.created, self.bucket, self.no)


class VersionScope(Struct, frozen=True):
    """A version of the caller's organization.

    ``campaign`` is the number of its annotation campaign. A version that a fork is ``filling`` is locked too.
    """

    no: int
    bucket: int
    created: int
    name: str
    description: str
    type: InferenceType
    locked: bool
    dataset: int
    dataset_bucket: int
    dataset_created: int
    dataset_name: str
    filling: bool = False
    campaign: int | None = None
    campaign_created: int = 0

    @property
    def id(self) -> UUID:
        """The version's id."""
        return encode(Kind.VERSION, self.created, self.bucket, self.no)

    @property
    def campaign_id(self) -> UUID | None:
        """The id of the version's annotation campaign."""
        if self.campaign is None:
            return None
        return encode(Kind.CAMPAIGN, self.campaign_created, self.bucket, self.campaign)

    @property
    def full_name(self) -> str:
        """``dataset/version``."""
        return f"{self.dataset_name}/{self.name}"

    def ids(self, kind: Kind) -> IdScope:
        """Encodes and decodes ids of the version's assets, annotations, labels, groups or asset tags."""
        return IdScope(kind, self.created, self.bucket, self.no)

    def row_numbers(self, kind: Kind, ids: Iterable[UUID]) -> list[int]:
        """Decode ids into distinct row numbers; raises NotFoundError for an id of another version."""
        ids_of_version = self.ids(kind)
        numbers: dict[int, None] = {}
        for each in ids:
            number = ids_of_version.seq(each)
            if number is None:
                raise NotFoundError(f"there is no {kind.name.lower()} {each} in {self.full_name}")
            numbers[number] = None
        return list(numbers)


class VersionChange(Struct, frozen=True):
    """The first numbers that a change reserved in a version, and the version's revision after the change."""

    asset: int
    annotation: int
    revision: int


async def datalake_scope(statements: Statements, access: Access, lake_id: UUID) -> DatalakeScope:
    """Find a lake by id; 404 if the caller's organization has none of this id."""
    key = key_of(lake_id, Kind.DATALAKE)
    row = await statements.fetch_one(
        "datalake.lake", no=key.number, organization=access.organization
    )
    if row is None:
        raise missing(Kind.DATALAKE, lake_id)
    lake = DatalakeScope(*row)
    check_id(lake_id, Kind.DATALAKE, lake.created, lake.bucket, lake.no)
    return lake


async def dataset_scope(statements: Statements, access: Access, id: UUID) -> DatasetScope:
    """Find a dataset by id; 404 if the caller's organization has none of this id."""
    key = key_of(id, Kind.DATASET)
    row = await statements.fetch_one(
        "datasets.by_no", no=key.number, organization=access.organization
    )
    if row is None:
        raise missing(Kind.DATASET, id)
    scope = DatasetScope(*row)
    check_id(id, Kind.DATASET, scope.created, scope.bucket, scope.no)
    return scope


async def version_scope(
    statements: Statements, access: Access, id: UUID, *, change: bool = False
) -> VersionScope:
    """Find a version by id; 404 if the caller's organization has none, 423 for a ``change`` of a locked one."""
    key = key_of(id, Kind.VERSION)
    scope = await _version(statements, access, key.number)
    if scope is None:
        raise missing(Kind.VERSION, id)
    check_id(id, Kind.VERSION, scope.created, scope.bucket, scope.no)
    return check_unlocked(scope) if change else scope


async def scope_of_part(
    statements: Statements, access: Access, id: UUID, kind: Kind, *, change: bool = False
) -> tuple[VersionScope, int]:
    """Find the version of an asset, label or other part; returns it with the part's number. 404 names the part."""
    key: Key = key_of(id, kind)
    scope = await _version(statements, access, key.scope)
    if scope is None or scope.ids(kind).seq(id) is None:
        raise missing(kind, id)
    return (check_unlocked(scope) if change else scope), key.seq


def check_unlocked(scope: VersionScope) -> VersionScope:
    """Return the version; 423 if it is locked."""
    if scope.filling:
        raise LockedError(
            f"version {scope.full_name} is being filled by a fork", hint="wait for its job first"
        )
    if scope.locked:
        raise locked_version(scope.full_name)
    return scope


async def touch(
    tx: Transaction, scope: VersionScope, *, assets: int = 0, annotations: int = 0
) -> VersionChange:
    """Record a change of a version and reserve numbers for new assets and annotations.

    Raises:
        NotFoundError: The version was deleted meanwhile.
        InsufficientResourcesError: The version has no numbers left.
    """
    row = await tx.fetch_one("versions.touch", no=scope.no, assets=assets, annotations=annotations)
    return _checked(scope, row, assets, annotations)


async def touch_beside(
    database: Database, tx: Transaction, scope: VersionScope, *, annotations: int
) -> VersionChange:
    """Do as :func:`touch`, so that other changes of the version that run beside this one do not wait for its end."""
    row = await database.take(
        "versions.take_numbers", no=scope.no, assets=0, annotations=annotations
    )
    change = _checked(scope, row, 0, annotations)
    tx.execute_at_commit("versions.revise", no=scope.no)
    return change


def _checked(scope: VersionScope, row: Row | None, assets: int, annotations: int) -> VersionChange:
    if row is None:
        raise missing(Kind.VERSION, scope.id)
    change = VersionChange(*row)
    if max(change.asset + assets, change.annotation + annotations) > MAX_SEQ + 1:
        raise InsufficientResourcesError(
            f"version {scope.full_name} has used all {MAX_SEQ} numbers for assets or annotations",
            hint="use a new version",
        )
    return change


def version_from_row(row: Row) -> VersionScope:
    """Build a version from a row of ``versions.by_no``."""
    no, bucket, created, name, description, kind, locked, dataset, *more = row
    dataset_bucket, dataset_created, dataset_name, campaign, campaign_created = more
    return VersionScope(
        no=no,
        bucket=bucket,
        created=created,
        name=name,
        description=description,
        type=InferenceType(kind),
        locked=bool(locked),
        dataset=dataset,
        dataset_bucket=dataset_bucket,
        dataset_created=dataset_created,
        dataset_name=dataset_name,
        filling=locked == FILLING,
        campaign=campaign,
        campaign_created=campaign_created or 0,
    )


async def _version(statements: Statements, access: Access, no: int) -> VersionScope | None:
    row = await statements.fetch_one("versions.by_no", no=no, organization=access.organization)
    return None if row is None else version_from_row(row)


async def scope_of_shape(
    statements: Statements, access: Access, id: UUID, *, change: bool = False
) -> tuple[VersionScope, int, int]:
    """Find the version of a shape; returns it with the annotation's number and the shape's ordinal. 404 names the shape."""
    missing_shape = NotFoundError(f"there is no shape {id}")
    try:
        key = decode_shape(id)
    except InvalidIdError:
        raise missing_shape from None
    scope = await _version(statements, access, key.version)
    if scope is None or id != encode_shape(
        scope.created, scope.bucket, scope.no, key.annotation, key.ordinal
    ):
        raise missing_shape
    return (check_unlocked(scope) if change else scope), key.annotation, key.ordinal
