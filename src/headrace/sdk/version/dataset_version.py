"""The dataset version: the main handle of the SDK."""

from __future__ import annotations

from uuid import UUID

import msgspec
from msgspec import UNSET

from headrace.engine.undo.remove import undo_choice
from headrace.model.enums import InferenceType, TagTarget
from headrace.model.records import DatasetVersionRecord, LockRecord
from headrace.protocol.operation import Operation
from headrace.protocol.operations import datasets as operations
from headrace.sdk.base.resource import describe
from headrace.sdk.base.session import Session
from headrace.sdk.tag import Tag, Taggable, tag_handles
from headrace.sdk.version.annotations import VersionAnnotations
from headrace.sdk.version.build import VersionBuilding
from headrace.sdk.version.campaigns import VersionCampaigns
from headrace.sdk.version.copies import VersionCopies
from headrace.sdk.version.digests import VersionDigests
from headrace.sdk.version.downloads import VersionDownloads
from headrace.sdk.version.exports import VersionExports
from headrace.sdk.version.imports import VersionImports
from headrace.sdk.version.processings import VersionProcessings
from headrace.sdk.version.splits import VersionSplits


class DatasetVersion(
    VersionSplits,
    VersionDownloads,
    VersionAnnotations,
    VersionImports,
    VersionExports,
    VersionBuilding,
    VersionCopies,
    VersionDigests,
    VersionCampaigns,
    VersionProcessings,
    Taggable,
):
    """A dataset version: the main handle of the SDK. It holds assets, labels and annotations.

    Example:
        ```python
        version = await client.version("bccd/v1")
        await version.import_annotations("instances.json")
        await version.export("bccd-yolo", format="yolo")
        await version.download("images/")
        ```
    """

    __slots__ = ("_counts",)
    target_type = TagTarget.DATASET_VERSION

    def __init__(self, session: Session, record: DatasetVersionRecord) -> None:
        super().__init__(session, record)
        # What this handle has counted last, for its repr.
        self._counts: dict[str, int] = {}

    @property
    def ids(self) -> list[UUID]:
        """The id, as a list of one."""
        return [self.id]

    @property
    def origin_id(self) -> UUID:
        """The id of the dataset."""
        return self.record.origin_id

    @property
    def name(self) -> str:
        """The name of the dataset."""
        return self.record.origin_name

    @property
    def version(self) -> str:
        """The name of the version."""
        return self.record.version

    @property
    def type(self) -> InferenceType:
        """What the version is annotated for; it decides which geometry an import keeps."""
        return self.record.type

    @property
    def is_locked(self) -> bool | None:
        """Whether the version was locked when it was last read; None if the platform does not tell."""
        return None if self.record.is_locked is UNSET else self.record.is_locked

    async def sync(self) -> None:
        """Read the version again and replace ``record``."""
        request = operations.VersionId(version_id=self.id)
        self.record = await self.session.call(operations.GET_VERSION, request)

    async def get_tags(self) -> list[Tag]:
        """Return the tags of the version."""
        await self.sync()
        return tag_handles(self.session, self.record.tags or [])

    async def set_type(self, type: str | InferenceType) -> None:
        """Change the type of the version.

        Args:
            type: The new type.
        """
        await self.update(type=type)

    async def update(
        self,
        version: str | None = None,
        description: str | None = None,
        type: str | InferenceType | None = None,
    ) -> None:
        """Change name, description or type. Arguments that are None leave their part unchanged.

        Args:
            version: The new name.
            description: The new description.
            type: The new type.

        Raises:
            ConflictError: If another version of the dataset has the name.
        """
        request = operations.UpdateVersion(
            version_id=self.id,
            version=version,
            description=description,
            type=InferenceType.parse(type) if type else None,
        )
        self.record = await self.session.call(operations.UPDATE_VERSION, request)

    async def lock(self) -> None:
        """Lock the version: until it is unlocked, every write below it raises ``LockedError``.

        That covers assets, asset tags, labels, annotations, the campaign, imports and undos, and changing or deleting the
        version. Reading, forking and exporting stay possible. A version that is locked already stays so.

        Raises:
            LockedError: If a fork is still filling the version.
        """
        await self._set_lock(operations.LOCK_VERSION, locked=True)

    async def unlock(self) -> None:
        """Unlock the version. A version that is not locked stays so.

        Raises:
            LockedError: If a fork is still filling the version.
        """
        await self._set_lock(operations.UNLOCK_VERSION, locked=False)

    async def _set_lock(
        self, operation: Operation[operations.VersionId, LockRecord], *, locked: bool
    ) -> None:
        await self.session.call(operation, operations.VersionId(version_id=self.id))
        self.record = msgspec.structs.replace(self.record, is_locked=locked)

    async def delete(self, undo: bool = True) -> None:
        """Delete the version with its assets and annotations. The data remain in the datalake.

        On headrace lakes and servers, ``client.list_removals`` finds the deletion, which can be undone for some days.

        Args:
            undo: False purges the version at once, so that it cannot be brought back.
        """
        request = operations.DeleteVersion(
            version_id=self.id, undo=undo_choice(self.session.backend, undo)
        )
        await self.session.call(operations.DELETE_VERSION, request)

    def __repr__(self) -> str:
        counts = [_counted(self._counts.get(what), what) for what in ("asset", "label")]
        return describe(self, f"{self.name}/{self.version}", *counts, self.type.value.lower())


def _counted(count: int | None, what: str) -> str:
    """Return a count as text; ``?`` if it is not known."""
    return f"{'?' if count is None else format(count, ',')} {what}{'' if count == 1 else 's'}"
