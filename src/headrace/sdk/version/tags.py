"""The tags of a version's assets."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.engine.versions.jobs import wait_for
from headrace.model.enums import TagTarget
from headrace.model.records import DatasetVersionRecord, TagRecord
from headrace.protocol.operations import tags as operations
from headrace.sdk.base.listing import Listing, list_items
from headrace.sdk.base.names import find_named
from headrace.sdk.base.resource import Resource, get_or_create
from headrace.sdk.job import Job
from headrace.sdk.tag import Tag


class VersionTags(Resource[DatasetVersionRecord]):
    """The methods of a version for its asset tags."""

    __slots__ = ()

    def list_asset_tags(self) -> Listing[TagRecord, Tag, list[Tag]]:
        """List the asset tags of the version."""
        query = operations.ListAssetTags(version_id=self.id)
        return list_items(self.session, operations.LIST_ASSET_TAGS, query, Tag, "list_asset_tags")

    async def create_asset_tag(self, name: str) -> Tag:
        """Create an asset tag.

        Args:
            name: The name of the tag.

        Returns:
            The new tag.

        Raises:
            ConflictError: If the version has an asset tag of that name.
        """
        request = operations.AssetTagName(version_id=self.id, name=name)
        return Tag(self.session, await self.session.call(operations.CREATE_ASSET_TAG, request))

    async def get_asset_tag(self, name: str) -> Tag:
        """Find an asset tag by name.

        Args:
            name: The name of the tag.

        Returns:
            The tag.

        Raises:
            NotFoundError: If the version has no asset tag of that name; the hint names those that exist.
        """
        return await find_named(
            self._find_asset_tag(name),
            "asset tag",
            name,
            self.list_asset_tags,
            inside=f"{self.record.origin_name}/{self.record.version}",
        )

    async def convert_tags_to_classification(
        self, tag_type: TagTarget | str, tags: Sequence[Tag], wait: bool = True
    ) -> Job:
        """Classify the assets that carry tags, with labels of the same names as the tags.

        Assets that have the classification already are left unchanged.

        Args:
            tag_type: ASSET for tags of the assets, DATA for tags of their data.
            tags: The tags.
            wait: Wait until the work is done.

        Returns:
            The job.

        Raises:
            BadRequestError: If the type of the version is neither CLASSIFICATION nor MULTI.
            JobFailedError: With ``wait``, if the work failed.
        """
        request = operations.ConvertTags(
            version_id=self.id,
            tag_ids=[tag.id for tag in tags],
            tag_type=TagTarget.parse(tag_type),
        )
        job = await self.session.call(operations.CONVERT_TAGS, request)
        return Job(self.session, await wait_for(self.session.backend, job) if wait else job)

    async def get_or_create_asset_tag(self, name: str) -> Tag:
        """Find an asset tag by name, or create it.

        Args:
            name: The name of the tag.

        Returns:
            The tag.
        """
        return await get_or_create(
            lambda: self._find_asset_tag(name), lambda: self.create_asset_tag(name)
        )

    async def _find_asset_tag(self, name: str) -> Tag:
        request = operations.AssetTagName(version_id=self.id, name=name)
        return Tag(self.session, await self.session.call(operations.FIND_ASSET_TAG, request))
