"""The datasets and versions of an organization."""

from __future__ import annotations

from uuid import UUID

from headrace.errors import BadRequestError
from headrace.model.records import DatasetRecord
from headrace.protocol.operations import datasets as operations
from headrace.sdk.base.arguments import as_id, check_limits
from headrace.sdk.base.listing import Listing, iterating, list_items
from headrace.sdk.base.names import COMPARED, find_named
from headrace.sdk.base.session import Session
from headrace.sdk.dataset import Dataset
from headrace.sdk.version.dataset_version import DatasetVersion


class ClientDatasets:
    """The methods of a client for datasets and versions."""

    __slots__ = ()

    session: Session

    async def create_dataset(
        self, name: str, description: str = "", private: bool | None = None
    ) -> Dataset:
        """Create a dataset.

        Args:
            name: The name of the dataset.
            description: A description.
            private: Has no effect: a dataset belongs to its organization.

        Returns:
            The new dataset.

        Raises:
            ConflictError: If the organization has a dataset of that name.
        """
        request = operations.CreateDataset(
            organization_id=self.session.organization.id, name=name, description=description
        )
        return Dataset(self.session, await self.session.call(operations.CREATE_DATASET, request))

    async def get_dataset(self, name: str) -> Dataset:
        """Find a dataset by name.

        Args:
            name: The name of the dataset.

        Returns:
            The dataset.

        Raises:
            NotFoundError: If the organization has no dataset of that name; the hint names those that exist.
        """
        request = operations.FindDataset(organization_id=self.session.organization.id, name=name)
        record = await find_named(
            self.session.call(operations.FIND_DATASET, request),
            "dataset",
            name,
            lambda: self.list_datasets(limit=COMPARED),
            none="none exists yet; push creates them",
        )
        return Dataset(self.session, record)

    async def get_dataset_by_id(self, id: str | UUID) -> Dataset:
        """Find a dataset by id.

        Args:
            id: The id of the dataset.

        Returns:
            The dataset.

        Raises:
            NotFoundError: If the organization has no dataset with that id.
        """
        request = operations.FindDataset(organization_id=self.session.organization.id, id=as_id(id))
        return Dataset(self.session, await self.session.call(operations.FIND_DATASET, request))

    def list_datasets(
        self,
        limit: int | None = None,
        offset: int | None = None,
        order_by: list[str] | None = None,
    ) -> Listing[DatasetRecord, Dataset, list[Dataset]]:
        """List the datasets of the organization.

        Args:
            limit: Maximum number of datasets.
            offset: Number of datasets to skip.
            order_by: Fields to sort by, with ``-`` in front for descending order. Default: newest first.

        Returns:
            A listing of datasets.

        Raises:
            BadRequestError: If ``limit`` or ``offset`` is negative.
        """
        check_limits(limit, offset)
        query = operations.ListDatasets(
            organization_id=self.session.organization.id,
            limit=limit,
            offset=offset,
            order_by=order_by,
        )
        return list_items(self.session, operations.LIST_DATASETS, query, Dataset, "list_datasets")

    iter_datasets = iterating(list_datasets)
    """Iterate over the items of ``list_datasets``, with the same arguments; holds one page in memory."""

    async def get_dataset_version_by_id(self, id: str | UUID) -> DatasetVersion:
        """Find a dataset version by id.

        Args:
            id: The id of the version.

        Returns:
            The version.

        Raises:
            NotFoundError: If the organization has no version with that id.
        """
        request = operations.FindVersionById(
            organization_id=self.session.organization.id, id=as_id(id)
        )
        record = await self.session.call(operations.FIND_VERSION_BY_ID, request)
        return DatasetVersion(self.session, record)

    async def version(self, name: str) -> DatasetVersion:
        """Find a dataset version by its full name.

        Args:
            name: The full name, ``"dataset/version"``.

        Returns:
            The version.

        Raises:
            BadRequestError: If ``name`` is not of the form ``"dataset/version"``.
            NotFoundError: If there is no such dataset or version.
        """
        dataset, version = split_version_name(name)
        return await (await self.get_dataset(dataset)).get_version(version)


def split_version_name(name: str) -> tuple[str, str]:
    """Split ``"dataset/version"``; BadRequestError if the name is not of that form."""
    dataset, slash, version = name.rpartition("/")
    if not (slash and dataset and version):
        raise BadRequestError(f"{name!r} does not name a version", hint="write dataset/version")
    return dataset, version


def check_new_names(dataset: str, version: str) -> None:
    """Raise BadRequestError for names that nobody means: of several parts, or with blanks around them."""
    if "/" in dataset:
        raise BadRequestError(
            f"{dataset + '/' + version!r} has several slashes", hint="write dataset/version"
        )
    for name in (dataset, version):
        if name != name.strip() or not name.isprintable():
            raise BadRequestError(
                f"{name!r} has blanks around it, or characters that cannot be seen",
                hint="write dataset/version without them",
            )
