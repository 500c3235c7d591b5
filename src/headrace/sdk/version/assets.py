"""The assets of a version."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from headrace.engine.download.names import Layout, as_layout, name_pages
from headrace.engine.download.pull import failed_before, pull, pull_files
from headrace.engine.paging import CursorListing, KeyListing, PageSource, batched, call_all
from headrace.engine.sync.compare import compare
from headrace.engine.versions.jobs import add_data
from headrace.errors import BadRequestError
from headrace.model.enums import AssignmentStatus
from headrace.model.names import repaired
from headrace.model.records import AssetRecord
from headrace.protocol.operations import assets as operations
from headrace.protocol.operations.listing import ALL_TYPES, ALL_UPLOAD_STATUSES, IDS_PER_CALL
from headrace.protocol.query import combine
from headrace.sdk.asset import Asset, MultiAsset
from headrace.sdk.base.arguments import as_id, as_ids, as_path, check_limits, only_key_list
from headrace.sdk.base.listing import Listing, iterating
from headrace.sdk.data import Data, MultiData
from headrace.sdk.job import Job
from headrace.sdk.tag import Tag, tag_clause
from headrace.sdk.version.tags import VersionTags
from headrace.transfer.progress import OnProgress
from headrace.transfer.report import TransferReport

log = logging.getLogger("headrace.sdk")


class VersionAssets(VersionTags):
    """What a version does with its assets."""

    __slots__ = ()

    async def add_data(
        self,
        data: Data | Sequence[Data] | MultiData,
        tags: Sequence[str | Tag] | None = None,
        wait: bool = True,
    ) -> Job:
        """Make data of a datalake assets of this version.

        A data that is in already is not added twice but gains the ``tags``, which are asset tags, created where
        missing. With ``wait``, the end of the work is waited for: JobFailedError where it failed.

        Returns the job of the last of the calls, each of which carries up to 10,000 data.
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
        return handles[-1]

    async def find_asset(
        self,
        data: Data | None = None,
        filename: str | None = None,
        object_name: str | None = None,
        id: str | UUID | None = None,
    ) -> Asset:
        """The one asset that matches all that is given.

        Raises NotFoundError where there is none, ConflictError that names the candidates where there are several.
        """
        request = operations.FindAsset(
            version_id=self.id,
            data_id=data.id if data else None,
            filename=filename,
            object_name=object_name,
            id=None if id is None else as_id(id),
        )
        return self._asset(await self.session.call(operations.FIND_ASSET, request))

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
        """The assets, newest first unless ``order_by`` names fields (``-`` for descending).

        ``tags``: those that carry one of these asset tags, every one with ``intersect_tags``; ``data_tags`` the same
        for tags of the data behind them. At most one of ``filenames``, ``object_names``, ``ids``,
        ``filenames_startswith`` and ``data_ids`` may be given. ``q`` is a condition in the query language.
        ``page_size`` is accepted and has no effect. An empty answer is an empty MultiAsset.
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
        return Listing(listed, self._asset, self._assets, "list_assets")

    iter_assets = iterating(list_assets)
    """Iterate over the items of ``list_assets``, with the same arguments; holds one page in memory."""

    async def delete_assets(self, assets: Asset | Sequence[Asset] | MultiAsset) -> None:
        """Take assets out of this version, with their annotations; the data stay in the lake."""
        requests = [
            operations.DeleteAssets(version_id=self.id, ids=piece)
            for piece in batched(asset_ids(assets), IDS_PER_CALL)
        ]
        await call_all(self.session.backend, operations.DELETE_ASSETS, requests)

    async def download(
        self,
        target_path: str | Path | None = None,
        force_replace: bool = False,
        max_workers: int | None = None,
        use_id: bool = False,
        *,
        layout: Layout | str = Layout.NAMES,
        durable: bool = False,
        retry_failed: bool = False,
        progress: OnProgress | None = None,
    ) -> TransferReport:
        """Download the files of all assets into a folder, by default ``./<dataset>/<version>``.

        Files that are there already and complete are not fetched again, unless ``force_replace``; a good file gives
        way only to a verified one. At most ``max_workers`` files are under way at a time. With ``use_id`` files are
        called ``<asset id>.<extension>``, with ``layout="tree"`` as the storage calls them, in its folders. What is
        done is noted in the folder's ``.headrace``; with ``durable`` each file is on the disk before it is seen.
        With ``retry_failed`` only what the last run into the folder could not fetch is taken up.

        Raises PartialTransferError that names what could not be fetched; the rest is complete, and the same call
        goes on from there.
        """
        if target_path is None:
            target_path = Path(repaired(self.record.origin_name)) / repaired(self.record.version)
        backend, folder = self.session.backend, as_path(target_path)
        listing = operations.ListAssets(version_id=self.id)
        listed = CursorListing(backend, operations.LIST_ASSETS, listing)
        named = name_pages(backend, self.id, listed, use_id=use_id, layout=as_layout(layout))
        return await pull(
            backend,
            failed_before(backend, self.id, folder) if retry_failed else named,
            folder,
            force_replace=force_replace,
            durable=durable,
            max_workers=max_workers,
            total=None if retry_failed else await listed.count(),
            progress=progress,
        )

    async def synchronize(self, target_dir: str | Path, do_download: bool = False) -> MultiAsset:
        """Compare the version with a folder: the assets whose file is not there, or is not complete.

        With ``do_download`` they are downloaded into it. Files of the folder that no asset has are named in the log.
        Raises NotADirectoryError where there is no such folder, PartialTransferError as :meth:`download` does.
        """
        folder = as_path(target_dir)
        found = await compare(self.session.backend, self.id, folder)
        if found.unknown:
            shown = ", ".join(found.unknown[:5]) + (" …" if len(found.unknown) > 5 else "")
            log.info("%d files are not in the version: %s", len(found.unknown), shown)
        if do_download and found.missing:
            await pull_files(self.session.backend, found.missing, folder)
        return self._assets([AssetRecord(id=one.id, data=one.data) for one in found.missing])

    async def _asset_tag(self, tag: str | Tag) -> Tag:
        return await self.get_or_create_asset_tag(tag) if isinstance(tag, str) else tag

    def _asset(self, record: AssetRecord) -> Asset:
        return Asset(self.session, record, self.id)

    def _assets(self, records: Iterable[AssetRecord]) -> MultiAsset:
        return MultiAsset(self.session, self.id, records)


def asset_ids(assets: Asset | Sequence[Asset] | MultiAsset) -> list[UUID]:
    """The ids of one asset or many."""
    return assets.ids if isinstance(assets, Asset | MultiAsset) else [asset.id for asset in assets]
