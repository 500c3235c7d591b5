"""The organization's tags: of datasets, versions and the like."""

from __future__ import annotations

from headrace.engine.paging import ItemsListing
from headrace.model.enums import TagTarget
from headrace.model.records import TagRecord
from headrace.protocol.operations import tags as operations
from headrace.sdk.base.listing import Listing
from headrace.sdk.base.resource import get_or_create
from headrace.sdk.base.session import Session
from headrace.sdk.tag import Tag, tag_handles


class ClientTags:
    """What a client does with tags. Those of data belong to a datalake, those of assets to a version."""

    __slots__ = ("session",)

    def __init__(self, session: Session) -> None:
        self.session = session

    async def create_tag(self, name: str, target_type: TagTarget | str) -> Tag:
        """A new tag for ``target_type`` (DATASET, DATASET_VERSION …); ConflictError where there is one of that name."""
        return Tag(
            self.session,
            await self.session.call(operations.CREATE_TAG, self._named(name, target_type)),
        )

    async def get_tag(self, name: str, target_type: TagTarget | str) -> Tag:
        """The tag of that name for ``target_type``; NotFoundError where there is none."""
        return Tag(
            self.session,
            await self.session.call(operations.FIND_TAG, self._named(name, target_type)),
        )

    async def get_or_create_tag(self, name: str, target_type: TagTarget | str) -> Tag:
        """The tag of that name for ``target_type``, made where there is none."""
        return await get_or_create(
            lambda: self.get_tag(name, target_type), lambda: self.create_tag(name, target_type)
        )

    def list_tags(self, target_type: TagTarget | str) -> Listing[TagRecord, Tag, list[Tag]]:
        """The organization's tags for ``target_type``."""
        query = operations.ListOrganizationTags(
            organization_id=self.session.organization.id, target_type=TagTarget.parse(target_type)
        )
        return Listing(
            ItemsListing(self.session.backend, operations.LIST_TAGS, query),
            lambda record: Tag(self.session, record),
            lambda records: tag_handles(self.session, records),
            "list_tags",
        )

    async def create_dataset_tag(self, name: str) -> Tag:
        """A new tag for datasets; ConflictError where there is one of that name."""
        return await self.create_tag(name, TagTarget.DATASET)

    async def find_dataset_tag(self, name: str) -> Tag:
        """The tag for datasets of that name; NotFoundError where there is none."""
        return await self.get_tag(name, TagTarget.DATASET)

    def list_dataset_tags(self) -> Listing[TagRecord, Tag, list[Tag]]:
        """The tags for datasets."""
        return self.list_tags(TagTarget.DATASET)

    async def create_dataset_version_tag(self, name: str) -> Tag:
        """A new tag for dataset versions; ConflictError where there is one of that name."""
        return await self.create_tag(name, TagTarget.DATASET_VERSION)

    async def find_dataset_version_tag(self, name: str) -> Tag:
        """The tag for dataset versions of that name; NotFoundError where there is none."""
        return await self.get_tag(name, TagTarget.DATASET_VERSION)

    def list_dataset_version_tags(self) -> Listing[TagRecord, Tag, list[Tag]]:
        """The tags for dataset versions."""
        return self.list_tags(TagTarget.DATASET_VERSION)

    def _named(self, name: str, target_type: TagTarget | str) -> operations.OrganizationTagName:
        return operations.OrganizationTagName(
            organization_id=self.session.organization.id,
            name=name,
            target_type=TagTarget.parse(target_type),
        )
