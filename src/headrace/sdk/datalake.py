"""Datalakes: stores of files, from which datasets are built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, overload
from uuid import UUID

from msgspec import UNSET
from msgspec.structs import replace

from headrace.engine.paging import CursorListing, KeyListing, PageSource
from headrace.engine.upload.file import UploadFile
from headrace.engine.upload.run import upload_files
from headrace.model.records import DatalakeRecord, DataRecord, TagRecord
from headrace.protocol.operations import datalake as operations
from headrace.protocol.operations import processings as processing_operations
from headrace.protocol.operations import tags as tag_operations
from headrace.protocol.operations.listing import ALL_TYPES, ALL_UPLOAD_STATUSES
from headrace.protocol.query import combine
from headrace.sdk.base.arguments import Paths, as_id, as_ids, as_path, check_limits, only_key_list
from headrace.sdk.base.listing import Listing, iterating, list_items
from headrace.sdk.base.names import COMPARED, find_named
from headrace.sdk.base.resource import Resource, describe, get_or_create
from headrace.sdk.data import Data, MultiData
from headrace.sdk.datasource import DataSource, get_or_create_source
from headrace.sdk.job import Job
from headrace.sdk.processing import Processing
from headrace.sdk.tag import Tag, tag_clause
from headrace.transfer.progress import OnProgress
from headrace.transfer.report import TransferReport


class Datalake(Resource[DatalakeRecord]):
    """A datalake: a store of files, from which datasets are built.

    Example:
        ```python
        lake = await client.get_datalake()
        data = await lake.upload_data(["1.jpg", "2.jpg"], tags=["night"])
        ```
    """

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name of the datalake."""
        return self.record.name

    @property
    def connector_id(self) -> UUID | None:
        """The id of the object store of the datalake."""
        return self.record.connector_id

    async def sync(self) -> None:
        """Read the datalake again and replace ``record``."""
        request = operations.GetDatalake(datalake_id=self.id)
        self.record = await self.session.call(operations.GET_DATALAKE, request)

    # --- upload ---------------------------------------------------------------------------------------

    @overload
    async def upload_data(
        self,
        filepaths: str | Path,
        tags: Sequence[str | Tag] | None = None,
        source: str | DataSource | None = None,
        max_workers: int | None = None,
        *,
        metadata: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
        custom_metadata: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
        upload_dir: str | None = None,
        progress: OnProgress | None = None,
    ) -> Data: ...
    @overload
    async def upload_data(
        self,
        filepaths: Paths,
        tags: Sequence[str | Tag] | None = None,
        source: str | DataSource | None = None,
        max_workers: int | None = None,
        *,
        metadata: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
        custom_metadata: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
        upload_dir: str | None = None,
        progress: OnProgress | None = None,
    ) -> MultiData: ...
    async def upload_data(
        self,
        filepaths: str | Path | Paths,
        tags: Sequence[str | Tag] | None = None,
        source: str | DataSource | None = None,
        max_workers: int | None = None,
        *,
        metadata: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
        custom_metadata: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
        upload_dir: str | None = None,
        progress: OnProgress | None = None,
    ) -> Data | MultiData:
        """Upload files.

        A file that the datalake has already, with the same name, content and metadata, is not uploaded again but gets
        the tags; with ``source``, or where neither the platform nor its storage reports digests, every file is uploaded.
        An interrupted upload of a large file is continued.

        Args:
            filepaths: One path, or several.
            tags: Data tags for the files; tags given by name are created if missing.
            source: The data source of the files; created if missing.
            max_workers: Maximum number of concurrent uploads.
            metadata: The metadata of all files, or a list with those of each file.
            custom_metadata: The custom metadata of all files, or a list with those of each file.
            upload_dir: The folder of the files in the object store.
            progress: Called with progress events; ``"auto"`` shows a line on a terminal, ``"none"`` nothing. Default:
                as the client.

        Returns:
            A ``Data`` for one path, a ``MultiData`` in the order of the paths for several.

        Raises:
            FileNotFoundError: Before anything is uploaded, if a path is not a file.
            PartialTransferError: If some files failed; its report names them. All others are in the datalake.
        """
        given = [filepaths] if isinstance(filepaths, str | Path) else filepaths
        files = UploadFile.each([as_path(path) for path in given], metadata, custom_metadata)
        many, report = await self._upload_each(
            files, tags, source, upload_dir=upload_dir, max_workers=max_workers, progress=progress
        )
        report.check("uploaded")
        return many[0] if isinstance(filepaths, str | Path) else many

    async def _upload_each(
        self,
        files: list[UploadFile],
        tags: Sequence[str | Tag] | None,
        source: str | DataSource | None,
        *,
        upload_dir: str | None,
        max_workers: int | None,
        progress: OnProgress | None,
    ) -> tuple[MultiData, TransferReport]:
        """Upload files; the report names those that failed."""
        tag_ids = [tag.id for tag in [await self._tag(tag) for tag in tags or ()]]
        if isinstance(source, str):
            source = await get_or_create_source(self.session, source)
        uploaded = await upload_files(
            self.session.backend,
            self.session.organization.id,
            self.record,
            files,
            tag_ids=tag_ids,
            source_id=source.id if source else None,
            upload_dir=upload_dir,
            max_workers=max_workers,
            progress=progress or self.session.progress,
        )
        many = MultiData(self.session, self._mine(uploaded.records), uploaded.report)
        return many, uploaded.report

    # --- listing --------------------------------------------------------------------------------------

    def list_data(
        self,
        limit: int | None = None,
        offset: int | None = None,
        page_size: int | None = None,
        order_by: list[str] | None = None,
        tags: str | Tag | Sequence[str | Tag] | None = None,
        filenames: Sequence[str] | None = None,
        intersect_tags: bool = False,
        object_names: Sequence[str] | None = None,
        q: str | None = None,
        ids: Sequence[str | UUID] | None = None,
        custom_metadata: dict[str, Any] | None = None,
    ) -> Listing[DataRecord, Data, MultiData]:
        """List the data. A data is listed if it matches all arguments.

        At most one of ``filenames``, ``object_names`` and ``ids`` may be given.

        Args:
            limit: Maximum number of data.
            offset: Number of data to skip.
            page_size: Has no effect.
            order_by: Fields to sort by, with ``-`` in front for descending order. Default: newest first.
            tags: Data with any of these tags.
            filenames: Data with these file names.
            intersect_tags: Require every one of ``tags``.
            object_names: Data with these names in the object store.
            q: A condition in the query language.
            ids: Data with these ids.
            custom_metadata: Data with these custom metadata.

        Returns:
            A listing of data; read at once it is a ``MultiData``, which may be empty.

        Raises:
            BadRequestError: If ``limit`` or ``offset`` is negative, or two lists of keys are given.
        """
        check_limits(limit, offset)
        keys = only_key_list(
            filenames=filenames, object_names=object_names, ids=None if ids is None else as_ids(ids)
        )
        query: dict[str, Any] = {
            "datalake_id": self.id,
            "limit": limit,
            "offset": offset,
            "order_by": order_by,
            "q": combine(q, tag_clause("tags.name", tags, intersect_tags)),
            "custom_metadata": custom_metadata,
            "upload_statuses": ALL_UPLOAD_STATUSES,
            "types": ALL_TYPES,
        }
        backend = self.session.backend
        listed: PageSource[DataRecord]
        if keys is None:
            listed = CursorListing(backend, operations.LIST_DATA, operations.ListData(**query))
        else:
            request = operations.ListDataByKey(**query)
            listed = KeyListing(backend, operations.LIST_DATA_BY_KEY, request, *keys)
        return Listing(
            listed,
            lambda record: Data(self.session, next(self._mine([record]))),
            lambda records: MultiData(self.session, self._mine(records)),
            "list_data",
        )

    iter_data = iterating(list_data)
    """Iterate over the items of ``list_data``, with the same arguments; holds one page in memory."""

    async def find_data(
        self,
        filename: str | None = None,
        object_name: str | None = None,
        id: str | UUID | None = None,
    ) -> Data:
        """Find the one data that matches all arguments.

        Args:
            filename: The file name.
            object_name: The name in the object store.
            id: The id of the data.

        Returns:
            The data.

        Raises:
            NotFoundError: If no data matches; the hint has near names.
            ConflictError: If several data match; the message names them.
        """
        request = operations.FindData(
            datalake_id=self.id,
            filename=filename,
            object_name=object_name,
            id=None if id is None else as_id(id),
            upload_statuses=ALL_UPLOAD_STATUSES,
            types=ALL_TYPES,
        )
        found = self.session.call(operations.FIND_DATA, request)
        if filename is None or object_name is not None or id is not None:
            return Data(self.session, await found)
        return Data(
            self.session,
            await find_named(
                found,
                "data",
                filename,
                self.list_data,
                inside=self.name,
                attribute="filename",
                none="the datalake is empty",
            ),
        )

    # --- tags -----------------------------------------------------------------------------------------

    def list_data_tags(
        self,
        limit: int | None = None,
        offset: int | None = None,
        order_by: list[str] | None = None,
    ) -> Listing[TagRecord, Tag, list[Tag]]:
        """List the data tags of the datalake.

        Args:
            limit: Maximum number of tags.
            offset: Number of tags to skip.
            order_by: Fields to sort by, with ``-`` in front for descending order.

        Returns:
            A listing of tags.

        Raises:
            BadRequestError: If ``limit`` or ``offset`` is negative.
        """
        check_limits(limit, offset)
        query = tag_operations.ListDataTags(
            datalake_id=self.id, limit=limit, offset=offset, order_by=order_by
        )
        return list_items(self.session, tag_operations.LIST_DATA_TAGS, query, Tag, "list_data_tags")

    async def create_data_tag(self, name: str) -> Tag:
        """Create a data tag.

        Args:
            name: The name of the tag.

        Returns:
            The new tag.

        Raises:
            ConflictError: If the datalake has a data tag of that name.
        """
        request = tag_operations.DataTagName(datalake_id=self.id, name=name)
        return Tag(self.session, await self.session.call(tag_operations.CREATE_DATA_TAG, request))

    async def get_data_tag(self, name: str) -> Tag:
        """Find a data tag by name.

        Args:
            name: The name of the tag.

        Returns:
            The tag.

        Raises:
            NotFoundError: If the datalake has no data tag of that name; the hint names those that exist.
        """
        return await find_named(
            self._find_data_tag(name),
            "data tag",
            name,
            lambda: self.list_data_tags(limit=COMPARED),
            inside=self.name,
        )

    async def get_or_create_data_tag(self, name: str) -> Tag:
        """Find a data tag by name, or create it.

        Args:
            name: The name of the tag.

        Returns:
            The tag.
        """
        return await get_or_create(
            lambda: self._find_data_tag(name), lambda: self.create_data_tag(name)
        )

    async def _find_data_tag(self, name: str) -> Tag:
        request = tag_operations.DataTagName(datalake_id=self.id, name=name)
        return Tag(self.session, await self.session.call(tag_operations.FIND_DATA_TAG, request))

    # --- work -----------------------------------------------------------------------------------------

    async def launch_processing(
        self,
        processing: Processing,
        data: MultiData | Iterable[Data],
        *,
        parameters: dict[str, Any] | None = None,
        cpu: int | None = None,
        gpu: int | None = None,
        inputs: dict[str, Any] | None = None,
    ) -> Job:
        """Run a processing on data of the datalake, as a job in a separate process.

        See ``DatasetVersion.launch_processing`` for where the program runs and how long it lives.

        Args:
            processing: The processing.
            data: The data.
            parameters: Values of parameters, by name. Default: the defaults of the processing.
            cpu: Number of processors. Default: that of the processing.
            gpu: Number of GPUs. Default: that of the processing.
            inputs: Values of inputs, by name.

        Returns:
            The job.

        Raises:
            BadRequestError: Before the start, if a parameter is unknown or wrong, or the processing is not for data.
            InsufficientResourcesError: Before the start, if there are fewer processors than requested.
        """
        request = processing_operations.LaunchOnDatalake(
            datalake_id=self.id,
            processing_id=processing.id,
            parameters=parameters,
            cpu=cpu,
            gpu=gpu,
            inputs=inputs or {},
            data_ids=list({each.id: None for each in data}),
        )
        record = await self.session.call(processing_operations.LAUNCH_ON_DATALAKE, request)
        return Job(self.session, record)

    async def _tag(self, tag: str | Tag) -> Tag:
        return await self.get_or_create_data_tag(tag) if isinstance(tag, str) else tag

    def _mine(self, records: Iterable[DataRecord]) -> Iterator[DataRecord]:
        """Add the id of this datalake to records; listings leave it out."""
        for record in records:
            yield (replace(record, datalake_id=self.id) if record.datalake_id is UNSET else record)

    def __repr__(self) -> str:
        return describe(self, self.name)
