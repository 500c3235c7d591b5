"""Assets: data as parts of a dataset version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self
from uuid import UUID

from msgspec import UNSET

from headrace.engine.paging import KeyListing
from headrace.engine.undo.remove import delete_annotations, delete_assets
from headrace.model.enums import TagTarget
from headrace.model.records import AnnotationRecord, AssetRecord, DataRecord
from headrace.protocol.operations import annotating
from headrace.protocol.operations import assets as operations
from headrace.protocol.operations import datalake as data_operations
from headrace.sdk.annotation import Annotation
from headrace.sdk.base.collection import MultiObject
from headrace.sdk.base.file import WithFile, download_all
from headrace.sdk.base.resource import Resource, describe
from headrace.sdk.base.session import Session
from headrace.sdk.data import Data, MultiData
from headrace.sdk.tag import Tag, Taggable, tag_handles
from headrace.sdk.user import Worker, worker_id, worker_ids
from headrace.transfer.progress import OnProgress
from headrace.transfer.report import TransferReport


class Asset(Resource[AssetRecord], WithFile, Taggable):
    """An asset: a data as part of a dataset version, with its annotations."""

    __slots__ = ("dataset_version_id",)
    target_type = TagTarget.ASSET

    def __init__(self, session: Session, record: AssetRecord, dataset_version_id: UUID) -> None:
        super().__init__(session, record)
        self.dataset_version_id = dataset_version_id

    @property
    def ids(self) -> list[UUID]:
        """The id, as a list of one."""
        return [self.id]

    @property
    def _file(self) -> DataRecord:
        return self.record.data

    @property
    def data_id(self) -> UUID:
        """The id of the data of the asset."""
        return self.record.data.id

    async def sync(self) -> None:
        """Read the asset again and replace ``record``."""
        request = operations.AssetId(asset_id=self.id)
        self.record = await self.session.call(operations.GET_ASSET, request)

    async def get_data(self) -> Data:
        """Return the data of the asset."""
        request = data_operations.DataId(data_id=self.data_id)
        return Data(self.session, await self.session.call(data_operations.GET_DATA, request))

    async def get_tags(self) -> list[Tag]:
        """Return the tags of the asset."""
        await self.sync()
        return tag_handles(self.session, self.record.tags or [])

    async def get_data_tags(self) -> list[Tag]:
        """Return the tags of the data of the asset."""
        return await (await self.get_data()).get_tags()

    async def create_annotation(
        self, duration: float = 0.0, worker: Worker | UUID | str | None = None
    ) -> Annotation:
        """Create an annotation without shapes.

        Args:
            duration: Seconds of work.
            worker: The author. Default: the user who makes the call.

        Returns:
            The new annotation.

        Raises:
            LockedError: If the version is locked.
        """
        request = annotating.CreateAnnotation(
            asset_id=self.id, duration=duration, worker_id=worker_id(self.session, worker)
        )
        return self._annotation(await self.session.call(annotating.CREATE_ANNOTATION, request))

    async def list_annotations(self) -> list[Annotation]:
        """Return the annotations of the asset, newest first."""
        request = operations.AssetId(asset_id=self.id)
        answer = await self.session.call(annotating.LIST_ASSET_ANNOTATIONS, request)
        return [self._annotation(record) for record in answer.items]

    async def get_annotation(self, worker: Worker | UUID | str | None = None) -> Annotation:
        """Return the newest annotation of the asset.

        Args:
            worker: Consider only the annotations of this user.

        Returns:
            The annotation, without its shapes.

        Raises:
            NotFoundError: If there is no such annotation.
        """
        request = annotating.FindAnnotation(
            asset_id=self.id, worker_id=worker_id(self.session, worker)
        )
        return self._annotation(await self.session.call(annotating.FIND_ANNOTATION, request))

    async def delete_annotations(
        self, workers: Sequence[Worker | UUID | str] | None = None, undo: bool = True
    ) -> None:
        """Delete the annotations of the asset.

        Args:
            workers: Delete only the annotations of these users. Default: all.
            undo: Record what is removed, so that it can be brought back (``client.list_removals``). False removes without recording.

        Raises:
            RemovalNotRecordedError: If it cannot be recorded; nothing is removed then.
            UnsupportedError: If ``workers`` is given and the platform does not attribute annotations to users.
        """
        await delete_annotations_of(
            self.session,
            self.dataset_version_id,
            self.ids,
            worker_ids(self.session, workers),
            undo=undo,
        )

    def _annotation(self, record: AnnotationRecord) -> Annotation:
        return Annotation(self.session, record, self.dataset_version_id, self.id)

    async def delete(self) -> None:
        """Remove the asset and its annotations from the version. The data remains in the datalake."""
        await self.session.call(operations.DELETE_ASSET, operations.AssetId(asset_id=self.id))

    def __repr__(self) -> str:
        size = f"{self.width}x{self.height}" if self.width else "?x?"
        return describe(self, self.filename, self.type.value.lower(), size)


class MultiAsset(MultiObject[AssetRecord, Asset], Taggable):
    """A list of assets of one version."""

    __slots__ = ("dataset_version_id",)
    target_type = TagTarget.ASSET

    def __init__(
        self, session: Session, dataset_version_id: UUID, records: Iterable[AssetRecord] = ()
    ) -> None:
        super().__init__(session, records)
        self.dataset_version_id = dataset_version_id

    def _handle(self, record: AssetRecord) -> Asset:
        return Asset(self.session, record, self.dataset_version_id)

    def _with(self, records: Iterable[AssetRecord]) -> Self:
        return type(self)(self.session, self.dataset_version_id, records)

    def as_list_of_data(self) -> list[Data]:
        """Return the data of the assets, as last read."""
        return [Data(self.session, record.data) for record in self.records]

    async def as_multidata(self, force_refresh: bool = True) -> MultiData:
        """Return the data of the assets.

        Args:
            force_refresh: Read the data again instead of returning them as last read.
        """
        records = [record.data for record in self.records]
        if force_refresh and records:
            first = data_operations.DataId(data_id=records[0].id)
            lake = (await self.session.call(data_operations.GET_DATA, first)).datalake_id
            if lake is UNSET:
                return MultiData(self.session, records)
            listed = KeyListing(
                self.session.backend,
                data_operations.LIST_DATA_BY_KEY,
                data_operations.ListDataByKey(datalake_id=lake),
                "ids",
                [record.id for record in records],
            )
            fresh = {data.id: data async for page in listed.pages() for data in page}
            records = [fresh.get(record.id, record) for record in records]
        return MultiData(self.session, records)

    async def download(
        self,
        target_path: str | Path = "./",
        force_replace: bool = False,
        max_workers: int | None = None,
        use_id: bool = False,
        *,
        progress: OnProgress | None = None,
    ) -> TransferReport:
        """Download the files into a folder. Complete files there are not downloaded again.

        A file that headrace did not write, or that was changed since, is kept and counted in the report.

        Args:
            target_path: The folder; created if missing.
            force_replace: Download all files, even if complete ones are there, and replace other files that have their
                names.
            max_workers: Maximum number of concurrent downloads.
            use_id: Name the local files ``<asset id>.<extension>`` instead of by their file names.
            progress: Called with progress events; ``"auto"`` shows a line on a terminal, ``"none"`` nothing. Default:
                as the client.

        Returns:
            What was downloaded and what was skipped.

        Raises:
            PartialTransferError: If some files could not be downloaded; its report names them. All others are
                complete.
        """
        return await download_all(
            self.session,
            [(record.id, record.data) for record in self.records],
            target_path,
            force_replace=force_replace,
            max_workers=max_workers,
            use_id=use_id,
            progress=progress or self.session.progress,
        )

    async def delete_annotations(
        self, workers: Sequence[Worker | UUID | str] | None = None, undo: bool = True
    ) -> None:
        """Delete the annotations of these assets.

        Args:
            workers: Delete only the annotations of these users. Default: all.
            undo: Record what is removed, so that it can be brought back (``client.list_removals``). False removes without recording.

        Raises:
            RemovalNotRecordedError: If it cannot be recorded; nothing is removed then.
            UnsupportedError: If ``workers`` is given and the platform does not attribute annotations to users.
        """
        await delete_annotations_of(
            self.session,
            self.dataset_version_id,
            self.ids,
            worker_ids(self.session, workers),
            undo=undo,
        )

    async def delete(self, undo: bool = True) -> None:
        """Remove the assets and their annotations from the version. The data remain in the datalake.

        Args:
            undo: Record what is removed, so that it can be brought back (``client.list_removals``). False removes without recording.

        Raises:
            RemovalNotRecordedError: If it cannot be recorded; nothing is removed then.
        """
        await delete_assets(self.session.backend, self.dataset_version_id, self.ids, undo=undo)


async def delete_annotations_of(
    session: Session,
    dataset_version_id: UUID,
    asset_ids: list[UUID],
    workers: list[UUID] | None = None,
    *,
    undo: bool,
) -> None:
    """Delete the annotations of some assets of one version: all, or those of some users."""
    request = annotating.DeleteAnnotations(
        version_id=dataset_version_id,
        asset_ids=[str(each) for each in asset_ids],
        worker_ids=workers,
    )
    await delete_annotations(session.backend, request, undo=undo)
