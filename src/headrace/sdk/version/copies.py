"""What comes of a version: forks, and copies of its assets in other versions."""

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
    """What a version passes on to others of its dataset."""

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
        """Make a new version of this dataset with the assets of this one, or with some of them.

        ``with_annotations`` brings the annotations of all accounts, and the labels. No file is copied. The type is
        not inherited. Until its job has ended the new version can be read but not changed.

        Raises ConflictError where the name is taken; with ``wait``, JobFailedError where the work failed.

        Returns the new version and the job that fills it.
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
        """Copy assets of this version into another one of the same dataset.

        Data that are there already keep their annotations and gain the tags. Labels are matched by name.

        Raises BadRequestError where the destination is of another dataset or this very version; with ``wait``,
        JobFailedError where the work failed.

        Returns the job of the last of the calls, each of which carries up to 10,000 assets.
        """
        other = destination.record
        if other.origin_id != self.record.origin_id:
            raise BadRequestError(
                f"{other.origin_name}/{other.version} is of another dataset",
                hint="copy inside one dataset, or add the data instead",
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
