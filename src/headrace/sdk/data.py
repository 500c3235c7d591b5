"""Data: the files of a datalake."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import anyio
from msgspec import UNSET
from msgspec.structs import replace

from headrace.engine.paging import batched, call_all
from headrace.errors import NotFoundError, UnprocessableEntityError, WaitTimeoutError
from headrace.model.enums import DataUploadStatus, TagTarget
from headrace.model.records import DataRecord
from headrace.protocol.operations import datalake as operations
from headrace.protocol.operations.listing import IDS_PER_CALL
from headrace.sdk.base.collection import MultiObject
from headrace.sdk.base.file import WithFile, download_all
from headrace.sdk.base.resource import Resource, describe
from headrace.sdk.base.session import Session
from headrace.sdk.datasource import DataSource
from headrace.sdk.tag import Tag, Taggable, tag_handles
from headrace.transfer.progress import OnProgress
from headrace.transfer.report import TransferReport


class Data(Resource[DataRecord], WithFile, Taggable):
    """A file (image or video) of a datalake.

    Example:
        ```python
        data = await lake.upload_data("cat.jpg", tags=["pets"])
        await version.add_data(data)
        ```
    """

    __slots__ = ()
    target_type = TagTarget.DATA

    @property
    def ids(self) -> list[UUID]:
        """The id, as a list of one."""
        return [self.id]

    @property
    def _file(self) -> DataRecord:
        return self.record

    @property
    def upload_status(self) -> DataUploadStatus:
        """How far the platform is with reading the file, as last read."""
        return self.record.upload_status

    @property
    def datalake_id(self) -> UUID | None:
        """The id of the datalake; None until ``sync`` is called if the data came from a listing."""
        return self.record.datalake_id or None

    def is_ready(self) -> bool:
        """Return whether the platform had read the file when the data was last read."""
        return self.upload_status == DataUploadStatus.DONE

    async def sync(self) -> None:
        """Read the data again and replace ``record``."""
        request = operations.DataId(data_id=self.id)
        self.record = await self.session.call(operations.GET_DATA, request)

    async def get_tags(self) -> list[Tag]:
        """Return the tags of the data."""
        await self.sync()
        return tag_handles(self.session, self.record.tags or [])

    async def get_datasource(self) -> DataSource | None:
        """Return the data source of the file, or None if it has none."""
        await self.sync()
        source = self.record.data_source
        return DataSource(self.session, source) if source else None

    async def update_metadata(self, metadata: dict[str, Any] | None) -> None:
        """Replace the metadata.

        Args:
            metadata: The new metadata, by key; None removes all.
        """
        request = operations.UpdateData(data_id=self.id, metadata=metadata)
        self.record = await self.session.call(operations.UPDATE_DATA, request)

    async def update_custom_metadata(self, custom_metadata: dict[str, Any] | None) -> None:
        """Replace the custom metadata.

        Args:
            custom_metadata: The new keys and values; None removes all.
        """
        request = operations.UpdateCustomMetadata(data_id=self.id, custom_metadata=custom_metadata)
        answer = await self.session.call(operations.UPDATE_CUSTOM_METADATA, request)
        self.record = replace(self.record, custom_metadata=answer.custom_metadata)

    async def wait_for_upload_done(
        self, blocking_time_increment: float = 1.0, attempts: int = 20
    ) -> None:
        """Wait until the platform has read the file.

        Args:
            blocking_time_increment: Seconds between two reads of the status.
            attempts: Maximum number of reads.

        Raises:
            UnprocessableEntityError: If the platform cannot read the file.
            WaitTimeoutError: If the platform has not read it after the last attempt.
        """
        for attempt in range(attempts):
            if not self.is_ready():
                await self.sync()
            if self.upload_status == DataUploadStatus.ERROR:
                raise UnprocessableEntityError(f"the platform cannot read {self.filename!r}")
            if self.is_ready():
                return
            if attempt + 1 < attempts:
                await anyio.sleep(blocking_time_increment)
        raise WaitTimeoutError(
            f"{self.filename!r} is {self.upload_status}", hint="wait again later"
        )

    async def delete(self) -> None:
        """Delete the data, and its assets in every version."""
        await self.session.call(operations.DELETE_DATA, operations.DataId(data_id=self.id))

    def __repr__(self) -> str:
        size = f"{self.width}x{self.height}" if self.width else "?x?"
        return describe(self, self.filename, self.type.value.lower(), size)


class MultiData(MultiObject[DataRecord, Data], Taggable):
    """A list of data; ``report`` is that of the upload if the data come from one."""

    __slots__ = ("report",)
    target_type = TagTarget.DATA

    def __init__(
        self,
        session: Session,
        records: Iterable[DataRecord] = (),
        report: TransferReport | None = None,
    ) -> None:
        super().__init__(session, records)
        self.report = report

    def _handle(self, record: DataRecord) -> Data:
        return Data(self.session, record)

    def _with(self, records: Iterable[DataRecord]) -> Self:
        return type(self)(self.session, records)

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
            use_id: Name the local files ``<id>.<extension>`` instead of by their file names.
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
            [(record.id, record) for record in self.records],
            target_path,
            force_replace=force_replace,
            max_workers=max_workers,
            use_id=use_id,
            progress=progress or self.session.progress,
        )

    async def wait_for_upload_done(
        self, blocking_time_increment: float = 1.0, attempts: int = 20
    ) -> None:
        """Wait until the platform has read every file.

        Args:
            blocking_time_increment: Seconds between two reads of a status.
            attempts: Maximum number of reads for each file.

        Raises:
            UnprocessableEntityError: If the platform cannot read a file.
            WaitTimeoutError: If the platform has not read a file after the last attempt.
        """
        for index, data in enumerate(self):
            await data.wait_for_upload_done(blocking_time_increment, attempts)
            self.records[index] = data.record

    async def delete(self) -> None:
        """Delete the data, and their assets in every version."""
        by_lake: dict[UUID, list[UUID]] = {}
        for record in self.records:
            lake = record.datalake_id
            if lake is UNSET:
                request = operations.DataId(data_id=record.id)
                lake = (await self.session.call(operations.GET_DATA, request)).datalake_id
            if lake is UNSET:
                raise NotFoundError(f"the datalake of {record.filename!r} is unknown")
            by_lake.setdefault(lake, []).append(record.id)
        requests = [
            operations.DeleteManyData(datalake_id=lake, ids=piece)
            for lake, ids in by_lake.items()
            for piece in batched(ids, IDS_PER_CALL)
        ]
        await call_all(self.session.backend, operations.DELETE_MANY_DATA, requests)
