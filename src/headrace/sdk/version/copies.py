"""Forks of a version, and copies of its assets in other versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from headrace.engine.versions.jobs import copy_assets, fork_version
from headrace.errors import BadRequestError
from headrace.model.enums import InferenceType
from headrace.model.records import DatasetVersionRecord
from headrace.protocol.operations.assets import CopyAssets
from headrace.protocol.operations.datasets import Fork
from headrace.sdk.asset import Asset, MultiAsset
from headrace.sdk.base.resource import Resource
from headrace.sdk.job import Job
from headrace.sdk.version.assets import asset_ids


class VersionCopies(Resource[DatasetVersionRecord]):
    """The methods of a version that copy it into other versions of its dataset."""

    __slots__ = ()

    async def fork(
        self,
        version: str,
        description: str | None = None,
        assets: Asset | Sequence[Asset] | MultiAsset | None = None,
        type: InferenceType | str = InferenceType.NOT_CONFIGURED,
        with_tags: bool = False,
        with_labels: bool = False,
        with_annotations: bool = False,
        wait: bool = True,
    ) -> tuple[Self, Job]:
        """Create a version of the same dataset with the assets of this one.

        No file is copied. The new version can be read but not changed until the job has ended.

        Args:
            version: The name of the new version.
            description: A description. Default: ``"Fork from <version>"``.
            assets: Only these assets. Default: all.
            type: The type of the new version; it is not inherited.
            with_tags: Copy the asset tags.
            with_labels: Copy the labels.
            with_annotations: Copy the annotations of all users, and the labels.
            wait: Wait until the work is done.

        Returns:
            The new version, and the job that fills it.

        Raises:
            ConflictError: If the dataset has a version of that name.
            JobFailedError: With ``wait``, if the work failed.
        """
        request = Fork(
            dataset_id=self.record.origin_id,
            parent_id=self.id,
            version=version,
            description=description or f"Fork from {self.record.version}",
            type=InferenceType.parse(type),
            with_tags=with_tags,
            with_labels=with_labels,
            with_annotations=with_annotations,
        )
        chosen = None if assets is None else asset_ids(assets)
        answer = await fork_version(self.session.backend, request, chosen, wait=wait)
        return self.__class__(self.session, answer.dataset_version), Job(self.session, answer.job)

    async def copy_assets_to(
        self,
        destination: Self,
        assets: Asset | Sequence[Asset] | MultiAsset,
        with_tags: bool = False,
        with_annotations: bool = False,
        wait: bool = True,
    ) -> Job:
        """Copy assets of this version into another version of the same dataset.

        Data that are in the destination already keep their annotations and get the tags. Labels are matched by name.

        Args:
            destination: The other version.
            assets: One asset or several.
            with_tags: Copy the asset tags.
            with_annotations: Copy the annotations.
            wait: Wait until the work is done.

        Returns:
            The job of the last call; a call carries up to 10,000 assets.

        Raises:
            BadRequestError: If there are no assets, or the destination is this version or in another dataset.
            JobFailedError: With ``wait``, if the work failed.
        """
        other = destination.record
        if other.origin_id != self.record.origin_id:
            raise BadRequestError(
                f"{other.origin_name}/{other.version} belongs to another dataset",
                hint="copy within one dataset, or use add_data",
            )
        if destination.id == self.id:
            raise BadRequestError("a version cannot be copied into itself")
        ids = asset_ids(assets)
        if not ids:
            raise BadRequestError("there are no assets to copy", hint="the list is empty")
        request = CopyAssets(
            version_id=self.id,
            destination_id=destination.id,
            asset_ids=ids,
            with_tags=with_tags,
            with_annotations=with_annotations,
        )
        return Job(self.session, await copy_assets(self.session.backend, request, wait=wait))
