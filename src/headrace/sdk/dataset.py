"""Datasets: versions under one name."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from headrace.engine.paging import ItemsListing
from headrace.errors import NotFoundError
from headrace.model.enums import InferenceType, TagTarget
from headrace.model.records import DatasetRecord, DatasetVersionRecord
from headrace.protocol.operations import datasets as operations
from headrace.protocol.operations import users
from headrace.sdk.base.arguments import as_id, check_limits
from headrace.sdk.base.listing import Listing, iterating
from headrace.sdk.base.resource import Resource, describe
from headrace.sdk.tag import Tag, Taggable, tag_handles
from headrace.sdk.user import User, Worker
from headrace.sdk.version.dataset_version import DatasetVersion


class Dataset(Resource[DatasetRecord], Taggable):
    """A dataset, of which there may be many versions."""

    __slots__ = ()
    target_type = TagTarget.DATASET

    @property
    def ids(self) -> list[UUID]:
        """The id, as a list of one."""
        return [self.id]

    @property
    def name(self) -> str:
        """The name of the dataset."""
        return self.record.name

    async def sync(self) -> None:
        """Read the dataset again."""
        request = operations.DatasetId(dataset_id=self.id)
        self.record = await self.session.call(operations.GET_DATASET, request)

    async def list_users(self) -> list[User]:
        """Those who may use the dataset."""
        request = operations.DatasetId(dataset_id=self.id)
        answer = await self.session.call(users.LIST_DATASET_USERS, request)
        return [User(self.session, user) for user in answer.users]

    async def add_user(self, user: User, role: str | None = None) -> None:
        """Let a user of the organization use the dataset; NotFoundError for somebody else.

        On headrace whoever is in the organization may use all of its datasets, with whatever ``role``.
        """
        request = users.AddDatasetUser(dataset_id=self.id, user_id=user.id, role=role)
        await self.session.call(users.ADD_DATASET_USER, request)

    async def list_workers(self) -> list[Worker]:
        """Those who may work on the dataset."""
        request = operations.DatasetId(dataset_id=self.id)
        answer = await self.session.call(users.LIST_DATASET_USERS, request)
        return [Worker(self.session, user) for user in answer.users]

    async def find_worker(self, username: str) -> Worker:
        """The worker of that name; NotFoundError where there is none."""
        for worker in await self.list_workers():
            if worker.username == username:
                return worker
        raise NotFoundError(f"nobody called {username!r} works on dataset {self.name!r}")

    async def get_tags(self) -> list[Tag]:
        """The tags of the dataset."""
        await self.sync()
        return tag_handles(self.session, self.record.tags or [])

    async def update(
        self,
        name: str | None = None,
        private: bool | None = None,
        description: str | None = None,
    ) -> None:
        """Rename or describe the dataset; ConflictError where the name is taken.

        ``private`` is accepted and has no effect: a dataset is its organization's.
        """
        request = operations.UpdateDataset(dataset_id=self.id, name=name, description=description)
        self.record = await self.session.call(operations.UPDATE_DATASET, request)

    async def delete(self) -> None:
        """Delete the dataset with all its versions, their assets and annotations; the data stay in the lake."""
        request = operations.DatasetId(dataset_id=self.id)
        await self.session.call(operations.DELETE_DATASET, request)

    # --- versions -------------------------------------------------------------------------------------

    async def create_version(
        self,
        version: str,
        description: str = "",
        type: InferenceType | str = InferenceType.NOT_CONFIGURED,
    ) -> DatasetVersion:
        """A new, empty version; ConflictError where the dataset has one of that name."""
        request = operations.CreateVersion(
            dataset_id=self.id,
            version=version,
            description=description,
            type=InferenceType.parse(type),
        )
        return DatasetVersion(
            self.session, await self.session.call(operations.CREATE_VERSION, request)
        )

    async def get_version(self, version: str) -> DatasetVersion:
        """The version of that name; NotFoundError where there is none."""
        request = operations.FindVersion(dataset_id=self.id, version=version)
        return DatasetVersion(
            self.session, await self.session.call(operations.FIND_VERSION, request)
        )

    async def get_version_by_id(self, id: str | UUID) -> DatasetVersion:
        """The version of that id; NotFoundError where this dataset has none such."""
        request = operations.FindVersion(dataset_id=self.id, id=as_id(id))
        return DatasetVersion(
            self.session, await self.session.call(operations.FIND_VERSION, request)
        )

    def list_versions(
        self,
        limit: int | None = None,
        offset: int | None = None,
        order_by: list[str] | None = None,
    ) -> Listing[DatasetVersionRecord, DatasetVersion, list[DatasetVersion]]:
        """The versions, newest first unless ``order_by`` names fields (``-`` for descending)."""
        check_limits(limit, offset)
        query = operations.ListVersions(
            dataset_id=self.id, limit=limit, offset=offset, order_by=order_by
        )
        return Listing(
            ItemsListing(self.session.backend, operations.LIST_VERSIONS, query),
            lambda record: DatasetVersion(self.session, record),
            self._versions,
            "list_versions",
        )

    iter_versions = iterating(list_versions)
    """Iterate over the items of ``list_versions``, with the same arguments; holds one page in memory."""

    def _versions(self, records: Iterable[DatasetVersionRecord]) -> list[DatasetVersion]:
        return [DatasetVersion(self.session, record) for record in records]

    def __repr__(self) -> str:
        return describe(self, self.name)
