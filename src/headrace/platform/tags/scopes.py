"""The three families of tags, and where the tags of each live."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple
from uuid import UUID

from headrace.errors import LockedError
from headrace.model.enums import TagTarget
from headrace.model.ids import IdScope, InvalidIdError, Kind, decode, scoped
from headrace.model.records import TagRecord
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import check_id, missing
from headrace.storage.database.base import Statements


class TagFamily(IntEnum):
    """Stored numbers: they never change."""

    DATA = 1
    ASSET = 2
    ORGANIZATION = 3


_KINDS = {
    TagFamily.DATA: Kind.DATA_TAG,
    TagFamily.ASSET: Kind.ASSET_TAG,
    TagFamily.ORGANIZATION: Kind.ORGANIZATION_TAG,
}
_FAMILIES = {kind: family for family, kind in _KINDS.items()}
_SCOPE_STATEMENTS = {
    TagFamily.DATA: "tags.scope_of_lake",
    TagFamily.ASSET: "tags.scope_of_version",
    TagFamily.ORGANIZATION: "tags.scope_of_organization",
}


class TagScope(NamedTuple):
    """A lake, a version or an organization, as the home of tags."""

    family: TagFamily
    no: int
    created: int
    bucket: int
    locked: bool = False

    @property
    def bound(self) -> dict[str, Any]:
        """What statements about tags of the scope are bound to."""
        return {"family": self.family, "scope": self.no}

    def record(self, key: int, target: TagTarget, name: str) -> TagRecord:
        """A tag of the scope as the API shows it."""
        ids = IdScope(_KINDS[self.family], self.created, self.bucket, self.no)
        return TagRecord(id=ids.id(key), name=name, target_type=target)

    def check_unlocked(self) -> None:
        """423 where the scope is a locked version."""
        if self.locked:
            raise LockedError("the version is locked", hint="unlock it first")


class Tag(NamedTuple):
    """A tag's row in its scope."""

    scope: TagScope
    key: int
    target: TagTarget
    name: str

    @property
    def record(self) -> TagRecord:
        """The tag as the API shows it."""
        return self.scope.record(self.key, self.target, self.name)

    @property
    def bound(self) -> dict[str, Any]:
        """What statements about the tag are bound to."""
        return {**self.scope.bound, "key": self.key}

    @property
    def links(self) -> dict[str, Any]:
        """What statements about the tag's links are bound to."""
        place = {"scope": self.scope.no, "key": self.key}
        if self.scope.family is TagFamily.ORGANIZATION:
            return place
        return {**place, "bucket": self.scope.bucket}


async def scope_of(
    statements: Statements, access: Access, family: TagFamily, no: int
) -> TagScope | None:
    """A scope by number; None where it is none of the caller's organization."""
    row = await statements.fetch_one(
        _SCOPE_STATEMENTS[family], no=no, organization=access.organization
    )
    if row is None:
        return None
    return TagScope(family, no, row[0], row[1], len(row) > 2 and bool(row[2]))


async def tag_of(statements: Statements, access: Access, tag_id: UUID) -> Tag:
    """The tag of an id; 404 where it is none of the caller's organization."""
    try:
        key = decode(tag_id)
    except InvalidIdError:
        raise missing(Kind.ORGANIZATION_TAG, tag_id) from None
    if key.kind not in _FAMILIES:
        raise missing(Kind.ORGANIZATION_TAG, tag_id)
    scope = await scope_of(statements, access, _FAMILIES[key.kind], key.scope)
    if scope is None:
        raise missing(key.kind, tag_id)
    check_id(tag_id, key.kind, scope.created, scope.bucket, scoped(scope.no, key.seq))
    row = await statements.fetch_one("tags.by_key", key=key.seq, **scope.bound)
    if row is None:
        raise missing(key.kind, tag_id)
    return Tag(scope, key.seq, TagTarget(row[0]), row[1])
