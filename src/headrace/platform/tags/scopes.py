"""The three families of tags, and the scope in which the tags of each are unique."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple
from uuid import UUID

from headrace.errors import locked_version
from headrace.model.enums import TagTarget
from headrace.model.ids import IdScope, InvalidIdError, Key, Kind, decode, scoped
from headrace.model.records import TagRecord
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import check_id, missing
from headrace.platform.core.locking import locks_of_version
from headrace.storage.database.base import Statements
from headrace.storage.database.locks import Lock


class TagFamily(IntEnum):
    """The family of a tag. The numbers are stored and never change."""

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
    """A lake, a version or an organization that has tags; ``name`` is that of a version."""

    family: TagFamily
    no: int
    created: int
    bucket: int
    locked: bool = False
    name: str = ""

    @property
    def bound(self) -> dict[str, Any]:
        """The parameters of statements about the scope's tags."""
        return {"family": self.family, "scope": self.no}

    def record(self, key: int, target: TagTarget, name: str) -> TagRecord:
        """Build the record of a tag of the scope."""
        ids = IdScope(_KINDS[self.family], self.created, self.bucket, self.no)
        return TagRecord(id=ids.id(key), name=name, target_type=target)

    async def locks(self, context: Context) -> tuple[Lock, ...]:
        """Return the locks of a change of the scope's tags."""
        return await _locks(context, self.family, self.no)

    def check_unlocked(self) -> None:
        """Raise a 423 if the scope is a locked version."""
        if self.locked:
            raise locked_version(self.name)


class Tag(NamedTuple):
    """A tag's row in its scope."""

    scope: TagScope
    key: int
    target: TagTarget
    name: str

    @property
    def record(self) -> TagRecord:
        """The tag's record."""
        return self.scope.record(self.key, self.target, self.name)

    @property
    def bound(self) -> dict[str, Any]:
        """The parameters of statements about the tag."""
        return {**self.scope.bound, "key": self.key}

    @property
    def links(self) -> dict[str, Any]:
        """The parameters of statements about the tag's links."""
        params = {"scope": self.scope.no, "key": self.key}
        if self.scope.family is TagFamily.ORGANIZATION:
            return params
        return {**params, "bucket": self.scope.bucket}


async def scope_of(
    statements: Statements, access: Access, family: TagFamily, no: int
) -> TagScope | None:
    """Find a scope by number; None if the caller's organization has no such scope."""
    row = await statements.fetch_one(
        _SCOPE_STATEMENTS[family], no=no, organization=access.organization
    )
    if row is None:
        return None
    created, bucket, *version = row
    return TagScope(family, no, created, bucket, *version)


async def locks_of_tag(context: Context, tag_id: UUID) -> tuple[Lock, ...]:
    """Return the locks of a change of a tag; 404 for the id of something else."""
    key = _tag_key(tag_id)
    return await _locks(context, _FAMILIES[key.kind], key.scope)


async def _locks(context: Context, family: TagFamily, no: int) -> tuple[Lock, ...]:
    if family is TagFamily.ASSET:
        return await locks_of_version(context, no)
    return (Lock.lake(no) if family is TagFamily.DATA else Lock.organization(no),)


async def tag_of(statements: Statements, access: Access, tag_id: UUID) -> Tag:
    """Find a tag by id; 404 if the caller's organization has none of this id."""
    key = _tag_key(tag_id)
    scope = await scope_of(statements, access, _FAMILIES[key.kind], key.scope)
    if scope is None:
        raise missing(key.kind, tag_id)
    check_id(tag_id, key.kind, scope.created, scope.bucket, scoped(scope.no, key.seq))
    row = await statements.fetch_one("tags.by_key", key=key.seq, **scope.bound)
    if row is None:
        raise missing(key.kind, tag_id)
    return Tag(scope, key.seq, TagTarget(row[0]), row[1])


def _tag_key(tag_id: UUID) -> Key:
    try:
        key = decode(tag_id)
    except InvalidIdError:
        raise missing(Kind.ORGANIZATION_TAG, tag_id) from None
    if key.kind not in _FAMILIES:
        raise missing(Kind.ORGANIZATION_TAG, tag_id)
    return key
