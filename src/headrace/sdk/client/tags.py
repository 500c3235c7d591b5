"""The tags of an organization: those of datasets and versions."""

from __future__ import annotations

from headrace.model.enums import TagTarget
from headrace.model.records import TagRecord
from headrace.protocol.operations import tags as operations
from headrace.sdk.base.listing import Listing, list_items
from headrace.sdk.base.resource import get_or_create
from headrace.sdk.base.session import Session
from headrace.sdk.tag import Tag


class ClientTags:
    """The methods of a client for tags. Data tags belong to a datalake, asset tags to a version."""

    __slots__ = ("session",)

    def __init__(self, session: Session) -> None:
        self.session = session

    async def create_tag(self, name: str, target_type: TagTarget | str) -> Tag:
        """Create a tag.

        Args:
            name: The name of the tag.
            target_type: The kind of object for the tag, such as DATASET or DATASET_VERSION.

        Returns:
            The new tag.

        Raises:
            ConflictError: If there is a tag of that name for that kind of object.
        """
        return Tag(
            self.session,
            await self.session.call(operations.CREATE_TAG, self._named(name, target_type)),
        )

    async def get_tag(self, name: str, target_type: TagTarget | str) -> Tag:
        """Find a tag by name.

        Args:
            name: The name of the tag.
            target_type: The kind of object that the tag is for.

        Returns:
            The tag.

        Raises:
            NotFoundError: If there is no such tag.
        """
        return Tag(
            self.session,
            await self.session.call(operations.FIND_TAG, self._named(name, target_type)),
        )

    async def get_or_create_tag(self, name: str, target_type: TagTarget | str) -> Tag:
        """Find a tag by name, or create it.

        Args:
            name: The name of the tag.
            target_type: The kind of object that the tag is for.

        Returns:
            The tag.
        """
        return await get_or_create(
            lambda: self.get_tag(name, target_type), lambda: self.create_tag(name, target_type)
        )

    def list_tags(self, target_type: TagTarget | str) -> Listing[TagRecord, Tag, list[Tag]]:
        """List the tags for one kind of object.

        Args:
            target_type: The kind of object.

        Returns:
            A listing of tags.
        """
        query = operations.ListOrganizationTags(
            organization_id=self.session.organization.id, target_type=TagTarget.parse(target_type)
        )
        return list_items(self.session, operations.LIST_TAGS, query, Tag, "list_tags")

    async def create_dataset_tag(self, name: str) -> Tag:
        """Create a tag for datasets.

        Args:
            name: The name of the tag.

        Returns:
            The new tag.

        Raises:
            ConflictError: If there is a dataset tag of that name.
        """
        return await self.create_tag(name, TagTarget.DATASET)

    async def find_dataset_tag(self, name: str) -> Tag:
        """Find a tag for datasets by name.

        Args:
            name: The name of the tag.

        Returns:
            The tag.

        Raises:
            NotFoundError: If there is no such tag.
        """
        return await self.get_tag(name, TagTarget.DATASET)

    def list_dataset_tags(self) -> Listing[TagRecord, Tag, list[Tag]]:
        """List the tags for datasets."""
        return self.list_tags(TagTarget.DATASET)

    async def create_dataset_version_tag(self, name: str) -> Tag:
        """Create a tag for dataset versions.

        Args:
            name: The name of the tag.

        Returns:
            The new tag.

        Raises:
            ConflictError: If there is a version tag of that name.
        """
        return await self.create_tag(name, TagTarget.DATASET_VERSION)

    async def find_dataset_version_tag(self, name: str) -> Tag:
        """Find a tag for dataset versions by name.

        Args:
            name: The name of the tag.

        Returns:
            The tag.

        Raises:
            NotFoundError: If there is no such tag.
        """
        return await self.get_tag(name, TagTarget.DATASET_VERSION)

    def list_dataset_version_tags(self) -> Listing[TagRecord, Tag, list[Tag]]:
        """List the tags for dataset versions."""
        return self.list_tags(TagTarget.DATASET_VERSION)

    def _named(self, name: str, target_type: TagTarget | str) -> operations.OrganizationTagName:
        return operations.OrganizationTagName(
            organization_id=self.session.organization.id,
            name=name,
            target_type=TagTarget.parse(target_type),
        )
