"""Tags, and what can carry them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar
from uuid import UUID

from headrace.engine.paging import call_all, pieces
from headrace.errors import BadRequestError
from headrace.model.enums import TagTarget
from headrace.model.records import TagRecord
from headrace.protocol.operations import tags as operations
from headrace.protocol.operations.listing import IDS_PER_CALL
from headrace.protocol.query import all_of, any_of
from headrace.sdk.base.resource import Resource, describe
from headrace.sdk.base.session import Session


class Tag(Resource[TagRecord]):
    """A word that things can carry."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The word."""
        return self.record.name

    @property
    def target_type(self) -> TagTarget:
        """What kind of thing may carry it."""
        return self.record.target_type

    async def sync(self) -> None:
        """Read the tag again."""
        self.record = await self.session.call(operations.GET_TAG, operations.TagId(tag_id=self.id))

    async def update(self, name: str) -> None:
        """Rename the tag; ConflictError where the name is taken."""
        request = operations.UpdateTag(tag_id=self.id, name=name)
        self.record = await self.session.call(operations.UPDATE_TAG, request)

    async def delete(self) -> None:
        """Delete the tag everywhere."""
        await self.session.call(operations.DELETE_TAG, operations.TagId(tag_id=self.id))

    async def attach_on(self, targets: Taggable | Iterable[Taggable]) -> int:
        """Attach the tag; the number of things touched. Things of another kind are skipped."""
        return await self._touch(operations.ATTACH_TAG, _ids(targets))

    async def detach_from(self, targets: Taggable | Iterable[Taggable]) -> int:
        """Take the tag off; the number of things touched. Things of another kind are skipped."""
        return await self._touch(operations.DETACH_TAG, _ids(targets))

    async def _touch(self, operation: Any, ids: list[UUID]) -> int:
        requests = [
            operations.TagTargets(tag_id=self.id, ids=piece) for piece in pieces(ids, IDS_PER_CALL)
        ]
        answers = await call_all(self.session.backend, operation, requests)
        return sum(answer.count for answer in answers)

    def __repr__(self) -> str:
        return describe(self, self.name, self.target_type.value.lower())


class Taggable:
    """Something, or many things, that tags can be attached to."""

    __slots__ = ()

    target_type: ClassVar[TagTarget]

    @property
    @abstractmethod
    def ids(self) -> list[UUID]:
        """The ids of the things."""

    async def add_tags(self, tags: Tag | Sequence[Tag]) -> None:
        """Attach a tag or several; BadRequestError where a tag is for another kind of thing."""
        for tag in self._checked(tags):
            await tag.attach_on(self)

    async def remove_tags(self, tags: Tag | Sequence[Tag]) -> None:
        """Take a tag or several off; BadRequestError where a tag is for another kind of thing."""
        for tag in self._checked(tags):
            await tag.detach_from(self)

    def _checked(self, tags: Tag | Sequence[Tag]) -> list[Tag]:
        many = [tags] if isinstance(tags, Tag) else list(tags)
        for tag in many:
            if tag.target_type != self.target_type:
                raise BadRequestError(
                    f"the tag {tag.name!r} is for {tag.target_type}, not for {self.target_type}",
                    hint=f"create one for {self.target_type}",
                )
        return many


def _ids(targets: Taggable | Iterable[Taggable]) -> list[UUID]:
    if isinstance(targets, Taggable):
        return targets.ids
    return [each for target in targets for each in target.ids]


def tag_handles(session: Session, records: Iterable[TagRecord]) -> list[Tag]:
    """Handles of tags."""
    return [Tag(session, record) for record in records]


def tag_clause(field: str, tags: Tag | str | Sequence[Tag | str] | None, every: bool) -> str | None:
    """The ``q`` clause for things that carry one of these tags, or every one of them."""
    if not tags:
        return None
    names = tag_names(tags)
    return all_of(field, names) if every else any_of(field, names)


def tag_names(tags: Tag | str | Sequence[Tag | str]) -> list[str]:
    """The names of tags given as names or handles."""
    many: Iterable[Tag | str] = (
        tags if isinstance(tags, Sequence) and not isinstance(tags, str) else [tags]
    )
    return [tag if isinstance(tag, str) else tag.name for tag in many]
