"""The assets of a version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from headrace.engine.paging import CursorListing, KeyListing, PageSource
from headrace.engine.undo.remove import delete_assets
from headrace.engine.versions.jobs import add_data
from headrace.errors import BadRequestError
from headrace.model.enums import AssignmentStatus
from headrace.model.records import AssetRecord
from headrace.protocol.operations import assets as operations
from headrace.protocol.operations.listing import ALL_TYPES, ALL_UPLOAD_STATUSES
from headrace.protocol.query import combine
from headrace.sdk.asset import Asset, MultiAsset
from headrace.sdk.base.arguments import as_id, as_ids, check_limits, only_key_list
from headrace.sdk.base.listing import Listing, iterating
from headrace.sdk.base.names import find_named
from headrace.sdk.data import Data, MultiData
from headrace.sdk.job import Job
from headrace.sdk.tag import Tag, tag_clause
from headrace.sdk.version.tags import VersionTags

_NO_CHOICE = {"version_id", "upload_statuses", "types", "order_by"}
"""Fields of a listing that leave no asset out."""


class VersionAssets(VersionTags):
    """The methods of a version for its assets."""

    __slots__ = ()

    _counts: dict[str, int]

    async def add_data(
        self,
        data: Data | Sequence[Data] | MultiData,
        tags: Sequence[str | Tag] | None = None,
        wait: bool = True,
    ) -> Job:
        """Add data of a datalake as assets of this version.

        Data that are in the version already are not added twice, but get the tags.

        Args:
            data: One data or several.
            tags: Asset tags for the assets; tags given by name are created if missing.
            wait: Wait until the work is done.

        Returns:
            The job of the last call; a call carries up to 10,000 data.

        Raises:
            BadRequestError: If there are no data.
            JobFailedError: With ``wait``, if the work failed.

        Example:
            ```python
            await version.add_data(await lake.list_data(tags="night"))
            ```
        """
        ids = data.ids if isinstance(data, Data | MultiData) else [one.id for one in data]
        if not ids:
            raise BadRequestError("there are no data to add", hint="the list is empty")
        tag_ids = [(await self._asset_tag(tag)).id for tag in tags or ()]
        jobs = await add_data(self.session.backend, self.id, ids, tag_ids=tag_ids)
        handles = [Job(self.session, job) for job in jobs]
        if wait:
            for job in handles:
                await job.wait_for_done(attempts=600)
        self._counts.pop("asset", None)
        return handles[-1]

    async def find_asset(
        self,
        data: Data | None = None,
        filename: str | None = None,
        object_name: str | None = None,
        id: str | UUID | None = None,
    ) -> Asset:
        """Find the one asset that matches all arguments.

        Args:
            data: The data of the asset.
            filename: The file name.
            object_name: The name in the object store.
            id: The id of the asset.

        Returns:
            The asset.

        Raises:
            NotFoundError: If no asset matches; the hint has near names.
            ConflictError: If several assets match; the message names them.
        """
        request = operations.FindAsset(
            version_id=self.id,
            data_id=data.id if data else None,
            filename=filename,
            object_name=object_name,
            id=None if id is None else as_id(id),
        )
        found = self.session.call(operations.FIND_ASSET, request)
        if filename is None or any(each is not None for each in (data, object_name, id)):
            return self._asset(await found)
        name = f"{self.record.origin_name}/{self.record.version}"
        return self._asset(
            await find_named(
                found,
                "asset",
                filename,
                self.list_assets,
                inside=name,
                attribute="filename",
                none="the version is empty",
            )
        )

    def list_assets(
        self,
        limit: int | None = None,
        offset: int | None = None,
        page_size: int | None = None,
        order_by: list[str] | None = None,
        tags: Tag | str | Sequence[Tag | str] | None = None,
        data_tags: Tag | str | Sequence[Tag | str] | None = None,
        intersect_tags: bool = False,
        intersect_data_tags: bool = False,
        filenames: Sequence[str] | None = None,
        object_names: Sequence[str] | None = None,
        ids: Sequence[str | UUID] | None = None,
        filenames_startswith: Sequence[str] | None = None,
        q: str | None = None,
        data_ids: Sequence[str | UUID] | None = None,
        assignment_status: AssignmentStatus | str | None = None,
        assignment_step_id: str | UUID | None = None,
        assignment_user_id: str | UUID | None = None,
        custom_metadata: dict[str, Any] | None = None,
    ) -> Listing[AssetRecord, Asset, MultiAsset]:
        """List the assets. An asset is listed if it matches all arguments.

        At most one of ``filenames``, ``object_names``, ``ids``, ``filenames_startswith`` and ``data_ids`` may be given.

        Args:
            limit: Maximum number of assets.
            offset: Number of assets to skip.
            page_size: Has no effect.
            order_by: Fields to sort by, with ``-`` in front for descending order. Default: newest first.
            tags: Assets with any of these asset tags.
            data_tags: Assets whose data have any of these data tags.
            intersect_tags: Require every one of ``tags``.
            intersect_data_tags: Require every one of ``data_tags``.
            filenames: Assets with these file names.
            object_names: Assets with these names in the object store.
            ids: Assets with these ids.
            filenames_startswith: Assets whose file names start with one of these texts.
            q: A condition in the query language.
            data_ids: Assets of the data with these ids.
            assignment_status: Assets whose campaign assignment has this status.
            assignment_step_id: Assets whose campaign assignment is in this step.
            assignment_user_id: Assets whose campaign assignment belongs to this user.
            custom_metadata: Assets whose data have these custom metadata.

        Returns:
            A listing of assets; read at once it is a ``MultiAsset``, which may be empty.

        Raises:
            BadRequestError: If ``limit`` or ``offset`` is negative, or two lists of keys are given.

        Example:
            ```python
            wide = await version.list_assets(q="data.width >= 1920", tags="night")
            ```
        """
        check_limits(limit, offset)
        keys = only_key_list(
            filenames=filenames,
            object_names=object_names,
            ids=None if ids is None else as_ids(ids),
            filename_startswith=filenames_startswith,
            data_ids=None if data_ids is None else as_ids(data_ids),
        )
        query: dict[str, Any] = {
            "version_id": self.id,
            "limit": limit,
            "offset": offset,
            "order_by": order_by,
            "q": combine(
                tag_clause("tags.name", tags, intersect_tags),
                q,
                tag_clause("data.tags.name", data_tags, intersect_data_tags),
            ),
            "custom_metadata": custom_metadata,
            "upload_statuses": ALL_UPLOAD_STATUSES,
            "types": ALL_TYPES,
            "assignment_status": AssignmentStatus.parse(assignment_status)
            if assignment_status
            else None,
            "assignment_step_id": as_id(assignment_step_id) if assignment_step_id else None,
            "assignment_user_id": as_id(assignment_user_id) if assignment_user_id else None,
        }
        backend = self.session.backend
        listed: PageSource[AssetRecord]
        if keys is None:
            listed = CursorListing(backend, operations.LIST_ASSETS, operations.ListAssets(**query))
        else:
            request = operations.ListAssetsByKey(**query)
            listed = KeyListing(backend, operations.LIST_ASSETS_BY_KEY, request, *keys)
        chosen = [name for name, value in query.items() if value is not None]
        is_whole = keys is None and set(chosen) <= _NO_CHOICE
        return Listing(
            listed,
            self._asset,
            self._assets,
            "list_assets",
            on_count=partial(self._counts.__setitem__, "asset") if is_whole else None,
        )

    iter_assets = iterating(list_assets)
    """Iterate over the items of ``list_assets``, with the same arguments; holds one page in memory."""

    async def delete_assets(
        self, assets: Asset | Sequence[Asset] | MultiAsset, undo: bool = True
    ) -> None:
        """Remove assets and their annotations from the version. The data remain in the datalake.

        Args:
            assets: One asset or several.
            undo: Record what is removed, so that it can be brought back (``client.list_removals``). False removes without recording.

        Raises:
            RemovalNotRecordedError: If it cannot be recorded; nothing is removed then.
        """
        self._counts.pop("asset", None)
        await delete_assets(self.session.backend, self.id, asset_ids(assets), undo=undo)

    async def _asset_tag(self, tag: str | Tag) -> Tag:
        return await self.get_or_create_asset_tag(tag) if isinstance(tag, str) else tag

    def _asset(self, record: AssetRecord) -> Asset:
        return Asset(self.session, record, self.id)

    def _assets(self, records: Iterable[AssetRecord]) -> MultiAsset:
        return MultiAsset(self.session, self.id, records)


def asset_ids(assets: Asset | Sequence[Asset] | MultiAsset) -> list[UUID]:
    """Return the ids of one asset or several."""
    return assets.ids if isinstance(assets, Asset | MultiAsset) else [asset.id for asset in assets]
