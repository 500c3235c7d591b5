"""The way in: a client of one organization."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from headrace.engine.paging import ItemsListing
from headrace.engine.sync.plan import Direction, Side, SyncOptions
from headrace.engine.sync.run import SyncReport, synchronize
from headrace.engine.upload.push import PushReport, push
from headrace.errors import BadRequestError, NotFoundError
from headrace.model.enums import InferenceType
from headrace.model.records import (
    DatalakeRecord,
    DatasetRecord,
    JobRecord,
    JobRunRecord,
    SourceRecord,
)
from headrace.protocol.operations import datalake as lake_operations
from headrace.protocol.operations import datasets as operations
from headrace.protocol.operations import jobs as job_operations
from headrace.protocol.operations import session as session_operations
from headrace.protocol.operations import users as user_operations
from headrace.protocol.operations.campaigns import LIST_CAMPAIGNS, ListCampaigns
from headrace.sdk.base.arguments import as_id, as_path, check_limits
from headrace.sdk.base.listing import Listing, iterating
from headrace.sdk.campaign.campaign import AnnotationCampaign
from headrace.sdk.client.processings import ClientProcessings
from headrace.sdk.client.raw_call import as_request, named_operation
from headrace.sdk.client.tags import ClientTags
from headrace.sdk.datalake import Datalake
from headrace.sdk.dataset import Dataset
from headrace.sdk.datasource import DataSource, create_source, get_or_create_source, get_source
from headrace.sdk.job import Job
from headrace.sdk.user import User
from headrace.sdk.version.dataset_version import DatasetVersion
from headrace.settings import load_settings
from headrace.transfer.progress import OnProgress


class Client(ClientTags, ClientProcessings):
    """An organization's datalakes and datasets, in a lake or on a server.

    Get one from :func:`headrace.connect`, and close it, or use it as an async context manager.
    """

    __slots__ = ()

    @property
    def id(self) -> UUID:
        """The id of the organization."""
        return self.session.organization.id

    @property
    def name(self) -> str:
        """The name of the organization."""
        return self.session.organization.name

    @property
    def username(self) -> str:
        """Who the calls are made for."""
        return self.session.username

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close connections; the client cannot be used afterwards."""
        await self.session.aclose()

    async def sync(self) -> None:
        """Read the organization again."""
        request = session_operations.GetOrganization(organization_id=self.id)
        self.session.organization = await self.session.call(
            session_operations.GET_ORGANIZATION, request
        )

    async def list_users(self, username: str | None = None) -> list[User]:
        """The users of the organization, or the one of a name."""
        request = user_operations.ListOrganizationUsers(organization_id=self.id, username=username)
        answer = await self.session.call(user_operations.LIST_ORGANIZATION_USERS, request)
        return [User(self.session, user) for user in answer.users]

    # --- datalakes and sources ------------------------------------------------------------------------

    async def get_datalake(self, id: str | UUID | None = None, name: str | None = None) -> Datalake:
        """The datalake of that id or name, the default one where neither is given; NotFoundError where there is none."""
        request = lake_operations.FindDatalake(
            organization_id=self.id, id=None if id is None else as_id(id), name=name
        )
        return Datalake(
            self.session, await self.session.call(lake_operations.FIND_DATALAKE, request)
        )

    def list_datalakes(self) -> Listing[DatalakeRecord, Datalake, list[Datalake]]:
        """All datalakes of the organization."""
        query = lake_operations.ListDatalakes(organization_id=self.id)
        return Listing(
            ItemsListing(self.session.backend, lake_operations.LIST_DATALAKES, query),
            lambda record: Datalake(self.session, record),
            lambda records: [Datalake(self.session, record) for record in records],
            "list_datalakes",
        )

    async def create_datasource(self, name: str) -> DataSource:
        """A new data source; ConflictError where there is one of that name."""
        return await create_source(self.session, name)

    async def get_datasource(self, name: str) -> DataSource:
        """The data source of that name; NotFoundError where there is none."""
        return await get_source(self.session, name)

    async def get_or_create_datasource(self, name: str) -> DataSource:
        """The data source of that name, made where there is none."""
        return await get_or_create_source(self.session, name)

    def list_datasources(
        self,
        limit: int | None = None,
        offset: int | None = None,
        order_by: list[str] | None = None,
    ) -> Listing[SourceRecord, DataSource, list[DataSource]]:
        """The data sources of the organization."""
        check_limits(limit, offset)
        query = lake_operations.ListSources(
            organization_id=self.id, limit=limit, offset=offset, order_by=order_by
        )
        return Listing(
            ItemsListing(self.session.backend, lake_operations.LIST_SOURCES, query),
            lambda record: DataSource(self.session, record),
            lambda records: [DataSource(self.session, record) for record in records],
            "list_datasources",
        )

    # --- datasets and versions ------------------------------------------------------------------------

    async def create_dataset(
        self, name: str, description: str = "", private: bool | None = None
    ) -> Dataset:
        """A new dataset; ConflictError where the organization has one of that name.

        ``private`` is accepted and has no effect: a dataset is its organization's.
        """
        request = operations.CreateDataset(
            organization_id=self.id, name=name, description=description
        )
        return Dataset(self.session, await self.session.call(operations.CREATE_DATASET, request))

    async def get_dataset(self, name: str) -> Dataset:
        """The dataset of that name; NotFoundError where there is none."""
        request = operations.FindDataset(organization_id=self.id, name=name)
        return Dataset(self.session, await self.session.call(operations.FIND_DATASET, request))

    async def get_dataset_by_id(self, id: str | UUID) -> Dataset:
        """The dataset of that id; NotFoundError where there is none."""
        request = operations.FindDataset(organization_id=self.id, id=as_id(id))
        return Dataset(self.session, await self.session.call(operations.FIND_DATASET, request))

    def list_datasets(
        self,
        limit: int | None = None,
        offset: int | None = None,
        order_by: list[str] | None = None,
    ) -> Listing[DatasetRecord, Dataset, list[Dataset]]:
        """The datasets, newest first unless ``order_by`` names fields (``-`` for descending)."""
        check_limits(limit, offset)
        query = operations.ListDatasets(
            organization_id=self.id, limit=limit, offset=offset, order_by=order_by
        )
        return Listing(
            ItemsListing(self.session.backend, operations.LIST_DATASETS, query),
            lambda record: Dataset(self.session, record),
            self._datasets,
            "list_datasets",
        )

    iter_datasets = iterating(list_datasets)
    """Iterate over the items of ``list_datasets``, with the same arguments; holds one page in memory."""

    async def get_dataset_version_by_id(self, id: str | UUID) -> DatasetVersion:
        """The version of that id; NotFoundError where there is none."""
        request = operations.FindVersionById(organization_id=self.id, id=as_id(id))
        record = await self.session.call(operations.FIND_VERSION_BY_ID, request)
        return DatasetVersion(self.session, record)

    async def version(self, name: str) -> DatasetVersion:
        """The version ``"dataset/version"``; NotFoundError where there is none."""
        dataset, version = split_version_name(name)
        return await (await self.get_dataset(dataset)).get_version(version)

    async def push(
        self,
        name: str,
        paths: str | Path | Iterable[str | Path],
        *,
        type: InferenceType | str = InferenceType.NOT_CONFIGURED,
        tags: Iterable[str] = (),
        max_workers: int | None = None,
        retry_failed: bool = False,
        progress: OnProgress | None = None,
    ) -> PushReport:
        """Bring files, or whole folders of images and videos, into the version ``"dataset/version"``.

        The dataset and the version are made where they are missing (with ``type``). A file of the same name and
        content that the default datalake has already is not uploaded again, so a push that was interrupted goes on
        when it is called again. ``tags`` are data tags for what is uploaded. With ``retry_failed`` only
        those of the files are taken up that failed in the last push into the version.

        Raises PartialTransferError where some files failed; its report names them, the others are in the version.
        """
        dataset, version = split_version_name(name)
        lake = await self.get_datalake()
        given = [paths] if isinstance(paths, str | Path) else list(paths)
        return await push(
            self.session.backend,
            self.id,
            lake.record,
            dataset,
            version,
            [as_path(path) for path in given],
            type=InferenceType.parse(type),
            tag_ids=[(await lake.get_or_create_data_tag(tag)).id for tag in tags],
            max_workers=max_workers,
            state=load_settings().state_folder(),
            retry_failed=retry_failed,
            progress=progress,
        )

    async def sync_folder(
        self,
        name: str,
        folder: str | Path,
        *,
        direction: Direction | str = Direction.BOTH,
        delete: bool = False,
        prefer: Side | str | None = None,
        dry_run: bool = False,
        max_workers: int | None = None,
        progress: OnProgress | None = None,
    ) -> SyncReport:
        """Make a folder and the version ``"dataset/version"`` hold the same files; the report tells of each step.

        What one side changed since the last time goes to the other one: ``"both"`` ways, only ``"down"`` into the folder,
        or only ``"up"`` into the version. What both changed is in ``report.conflicts`` and stays as it is on both sides,
        unless ``prefer`` says which wins, ``"local"`` or ``"remote"``. Deletions follow only with ``delete``. Nothing is
        done with ``dry_run``.

        A changed picture is a new asset in the place of the old one, which leaves the version; one whose annotations would
        go with it is a conflict. Of the folder's files images and videos count, hidden ones do not.

        Raises NotADirectoryError where there is no such folder, and PartialTransferError where files could not be
        moved; the rest is done, and the same call goes on.
        """
        version = await self.version(name)
        lake = await self.get_datalake()
        return await synchronize(
            self.session.backend,
            self.id,
            lake.record,
            version.id,
            as_path(folder),
            SyncOptions.of(direction, delete=delete, prefer=prefer),
            dry_run=dry_run,
            max_workers=max_workers,
            progress=progress,
        )

    async def list_annotation_campaigns(
        self, is_closed: bool | None = None
    ) -> list[AnnotationCampaign]:
        """The annotation campaigns of all versions, newest first: all, or only the closed or the open ones."""
        request = ListCampaigns(organization_id=self.id, is_closed=is_closed)
        answer = await self.session.call(LIST_CAMPAIGNS, request)
        return [AnnotationCampaign(self.session, record) for record in answer.items]

    # --- jobs -----------------------------------------------------------------------------------------

    async def get_job_by_id(self, id: str | UUID) -> Job:
        """The job of that id, of either kind; NotFoundError where there is none."""
        job_id = as_id(id)
        record: JobRecord | JobRunRecord
        try:
            found = job_operations.FindJob(organization_id=self.id, id=job_id)
            record = await self.session.backend.call(job_operations.FIND_JOB_RUN, found)
        except NotFoundError:
            request = job_operations.JobId(job_id=job_id)
            record = await self.session.backend.call(job_operations.GET_JOB, request)
        return Job(self.session, record)

    # --- anything else --------------------------------------------------------------------------------

    async def request(self, operation: str, /, **fields: Any) -> Any:
        """Answer any operation of the table by its name; the record of the answer.

        ``fields`` are those of the operation's request, with ids as UUIDs or text; this organization's id is filled
        in. Raises BadRequestError that names what is wrong, and what the operation raises.
        """
        found = named_operation(operation)
        given = {"organization_id": self.id} if "organization_id" in found.path_fields else {}
        return await self.session.call(found, as_request(found, given | fields))

    def _datasets(self, records: Iterable[DatasetRecord]) -> list[Dataset]:
        return [Dataset(self.session, record) for record in records]

    def __repr__(self) -> str:
        return f"Client({self.session.name!r} · {self.name} · {self.username})"


def split_version_name(name: str) -> tuple[str, str]:
    """``"dataset/version"`` in its two parts; BadRequestError where it is not of that form."""
    dataset, slash, version = name.rpartition("/")
    if not (slash and dataset and version):
        raise BadRequestError(f"{name!r} does not name a version", hint="write dataset/version")
    return dataset, version
