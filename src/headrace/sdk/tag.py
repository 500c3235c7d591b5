"""Tags, and the mixin of the objects that can carry them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar
from uuid import UUID

from headrace.engine.paging import batched, call_all
from headrace.errors import BadRequestError
from headrace.model.enums import TagTarget
from headrace.model.records import TagRecord
from headrace.protocol.operations import tags as operations
from headrace.protocol.operations.listing import IDS_PER_CALL
from headrace.protocol.query import all_of, any_of
from headrace.sdk.base.resource import Resource, describe
from headrace.sdk.base.session import Session


class Tag(Resource[TagRecord]):
    """A tag: a name that can be attached to objects of one kind.

    Example:
        ```python
        tag = await version.get_or_create_asset_tag("night")
        await tag.attach_on(await version.list_assets(filenames=["1.jpg", "2.jpg"]))
        ```
    """

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name of the tag."""
        return self.record.name

    @property
    def target_type(self) -> TagTarget:
        """The kind of object that the tag can be attached to."""
        return self.record.target_type

    async def sync(self) -> None:
        """Read the tag again and replace ``record``."""
        self.record = await self.session.call(operations.GET_TAG, operations.TagId(tag_id=self.id))

    async def update(self, name: str) -> None:
        """Rename the tag.

        Args:
            name: The new name.

        Raises:
            ConflictError: If another tag has the name.
        """
        request = operations.UpdateTag(tag_id=self.id, name=name)
        self.record = await self.session.call(operations.UPDATE_TAG, request)

    async def delete(self) -> None:
        """Delete the tag and detach it from all objects."""
        await self.session.call(operations.DELETE_TAG, operations.TagId(tag_id=self.id))

    async def attach_on(self, targets: Taggable | Iterable[Taggable]) -> int:
        """Attach the tag to objects. Objects of another kind than ``target_type`` are skipped.

        Args:
            targets: One handle, a list of handles, or a ``MultiAsset`` or ``MultiData``.

        Returns:
            The number of objects that were changed.
        """
        return await self._touch(operations.ATTACH_TAG, _ids(targets))

    async def detach_from(self, targets: Taggable | Iterable[Taggable]) -> int:
        """Detach the tag from objects. Objects of another kind than ``target_type`` are skipped.

        Args:
            targets: One handle, a list of handles, or a ``MultiAsset`` or ``MultiData``.

        Returns:
            The number of objects that were changed.
        """
        return await self._touch(operations.DETACH_TAG, _ids(targets))

    async def _touch(self, operation: Any, ids: list[UUID]) -> int:
        requests = [
            operations.TagTargets(tag_id=self.id, ids=piece) for piece in batched(ids, IDS_PER_CALL)
        ]
        answers = await call_all(self.session.backend, operation, requests)
        return sum(answer.count for answer in answers)

    def __repr__(self) -> str:
        return describe(self, self.name, self.target_type.value.lower())


class Taggable:
    """Mixin for handles, and lists of handles, that tags can be attached to."""

    __slots__ = ()

    target_type: ClassVar[TagTarget]

    @property
    @abstractmethod
    def ids(self) -> list[UUID]:
        """The ids of the objects."""

    async def add_tags(self, tags: Tag | Sequence[Tag]) -> None:
        """Attach one or more tags.

        Args:
            tags: Tags for this kind of object.

        Raises:
            BadRequestError: If a tag is for another kind of object.
        """
        for tag in self._checked(tags):
            await tag.attach_on(self)

    async def remove_tags(self, tags: Tag | Sequence[Tag]) -> None:
        """Detach one or more tags.

        Args:
            tags: Tags for this kind of object.

        Raises:
            BadRequestError: If a tag is for another kind of object.
        """
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
    """Return handles for records of tags."""
    return [Tag(session, record) for record in records]


def tag_clause(field: str, tags: Tag | str | Sequence[Tag | str] | None, every: bool) -> str | None:
    """Return the ``q`` clause for objects with any of these tags, or with every one of them."""
    if not tags:
        return None
    names = tag_names(tags)
    return all_of(field, names) if every else any_of(field, names)


def tag_names(tags: Tag | str | Sequence[Tag | str]) -> list[str]:
    """Return the names of tags given as names or handles."""
    many: Iterable[Tag | str] = (
        tags if isinstance(tags, Sequence) and not isinstance(tags, str) else [tags]
    )
    return [tag if isinstance(tag, str) else tag.name for tag in many]
