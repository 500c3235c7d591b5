"""Datasets: a name for a series of versions."""

from __future__ import annotations

from uuid import UUID

from headrace.engine.undo.remove import undo_choice
from headrace.errors import NotFoundError
from headrace.model.enums import InferenceType, TagTarget
from headrace.model.records import DatasetRecord, DatasetVersionRecord
from headrace.protocol.operations import datasets as operations
from headrace.protocol.operations import users
from headrace.sdk.base.arguments import as_id, check_limits
from headrace.sdk.base.listing import Listing, iterating, list_items
from headrace.sdk.base.names import COMPARED, find_named
from headrace.sdk.base.resource import Resource, describe
from headrace.sdk.tag import Tag, Taggable, tag_handles
from headrace.sdk.user import User, Worker
from headrace.sdk.version.dataset_version import DatasetVersion


class Dataset(Resource[DatasetRecord], Taggable):
    """A dataset: a name and its versions.

    Example:
        ```python
        dataset = await client.create_dataset("bccd")
        version = await dataset.create_version("v1", type="OBJECT_DETECTION")
        ```
    """

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
        """Read the dataset again and replace ``record``."""
        request = operations.DatasetId(dataset_id=self.id)
        self.record = await self.session.call(operations.GET_DATASET, request)

    async def list_users(self) -> list[User]:
        """Return the users who may use the dataset."""
        request = operations.DatasetId(dataset_id=self.id)
        answer = await self.session.call(users.LIST_DATASET_USERS, request)
        return [User(self.session, user) for user in answer.users]

    async def add_user(self, user: User, role: str | None = None) -> None:
        """Allow a user of the organization to use the dataset.

        On headrace all users of an organization may use all of its datasets, whatever their role.

        Args:
            user: A user of the organization.
            role: The role of the user in the dataset.

        Raises:
            NotFoundError: If the user does not belong to the organization.
        """
        request = users.AddDatasetUser(dataset_id=self.id, user_id=user.id, role=role)
        await self.session.call(users.ADD_DATASET_USER, request)

    async def list_workers(self) -> list[Worker]:
        """Return the users who may annotate the dataset."""
        request = operations.DatasetId(dataset_id=self.id)
        answer = await self.session.call(users.LIST_DATASET_USERS, request)
        return [Worker(self.session, user) for user in answer.users]

    async def find_worker(self, username: str) -> Worker:
        """Find a worker by user name.

        Args:
            username: The user name.

        Returns:
            The worker.

        Raises:
            NotFoundError: If the dataset has no worker of that name.
        """
        for worker in await self.list_workers():
            if worker.username == username:
                return worker
        raise NotFoundError(f"dataset {self.name!r} has no worker {username!r}")

    async def get_tags(self) -> list[Tag]:
        """Return the tags of the dataset."""
        await self.sync()
        return tag_handles(self.session, self.record.tags or [])

    async def update(
        self,
        name: str | None = None,
        private: bool | None = None,
        description: str | None = None,
    ) -> None:
        """Change name or description. Arguments that are None leave their part unchanged.

        Args:
            name: The new name.
            private: Has no effect: a dataset belongs to its organization.
            description: The new description.

        Raises:
            ConflictError: If another dataset has the name.
        """
        request = operations.UpdateDataset(dataset_id=self.id, name=name, description=description)
        self.record = await self.session.call(operations.UPDATE_DATASET, request)

    async def delete(self, undo: bool = True) -> None:
        """Delete the dataset with its versions, assets and annotations. The data remain in the datalake.

        On headrace lakes and servers, ``client.list_removals`` finds the deletion, which can be undone for some days.

        Args:
            undo: False purges the dataset at once, so that it cannot be brought back.
        """
        request = operations.DeleteDataset(
            dataset_id=self.id, undo=undo_choice(self.session.backend, undo)
        )
        await self.session.call(operations.DELETE_DATASET, request)

    # --- versions -------------------------------------------------------------------------------------

    async def create_version(
        self,
        version: str,
        description: str = "",
        type: InferenceType | str = InferenceType.NOT_CONFIGURED,
    ) -> DatasetVersion:
        """Create an empty version.

        Args:
            version: The name of the version.
            description: A description.
            type: What the version is annotated for; it decides which geometry an import keeps.

        Returns:
            The new version.

        Raises:
            ConflictError: If the dataset has a version of that name.
        """
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
        """Find a version by name.

        Args:
            version: The name of the version.

        Returns:
            The version.

        Raises:
            NotFoundError: If the dataset has no version of that name; the hint names those that exist.
        """
        request = operations.FindVersion(dataset_id=self.id, version=version)
        record = await find_named(
            self.session.call(operations.FIND_VERSION, request),
            "version",
            version,
            lambda: self.list_versions(limit=COMPARED),
            inside=self.name,
            attribute="version",
            none="none exists yet; push creates them",
        )
        return DatasetVersion(self.session, record)

    async def get_version_by_id(self, id: str | UUID) -> DatasetVersion:
        """Find a version by id.

        Args:
            id: The id of the version.

        Returns:
            The version.

        Raises:
            NotFoundError: If the dataset has no version with that id.
        """
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
        """List the versions of the dataset.

        Args:
            limit: Maximum number of versions.
            offset: Number of versions to skip.
            order_by: Fields to sort by, with ``-`` in front for descending order. Default: newest first.

        Returns:
            A listing of versions.

        Raises:
            BadRequestError: If ``limit`` or ``offset`` is negative.
        """
        check_limits(limit, offset)
        query = operations.ListVersions(
            dataset_id=self.id, limit=limit, offset=offset, order_by=order_by
        )
        return list_items(
            self.session, operations.LIST_VERSIONS, query, DatasetVersion, "list_versions"
        )

    iter_versions = iterating(list_versions)
    """Iterate over the items of ``list_versions``, with the same arguments; holds one page in memory."""

    def __repr__(self) -> str:
        return describe(self, self.name)
