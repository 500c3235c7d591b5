"""Removals: what was removed from a version, or deleted, and can be brought back."""

from __future__ import annotations

from datetime import UTC, datetime

from headrace.engine.undo.run import show_removal, undo_removal
from headrace.model.records import RemovalDetails, RemovalRecord, UndoRecord
from headrace.sdk.base.resource import Resource, describe


class Removal(Resource[RemovalRecord]):
    """What one action removed: assets, annotations, what an import replaced, a version or a dataset.

    Example:
        ```python
        for removal in await client.list_removals("bccd/v1"):
            print(removal.created_at, removal.kind, removal.record.annotations)
        report = await removal.undo()
        ```
    """

    __slots__ = ()

    @property
    def kind(self) -> str:
        """What was removed: ``assets``, ``annotations``, ``import``, ``undo``, ``version`` or ``dataset``."""
        return self.record.kind

    @property
    def version(self) -> str:
        """The version, as ``dataset/version``, or the name of the dataset."""
        return self.record.version

    @property
    def created_at(self) -> datetime:
        """When it was removed, in UTC."""
        return datetime.fromtimestamp(self.record.created_at, UTC)

    @property
    def expires_at(self) -> datetime:
        """Until when it can be undone, in UTC."""
        return datetime.fromtimestamp(self.record.expires_at, UTC)

    async def details(self) -> RemovalDetails:
        """Read the removal again, with its shapes by label and the first of its files."""
        return await show_removal(self.session.backend, self.id)

    async def undo(self, dry_run: bool = False, undo: bool = True) -> UndoRecord:
        """Put back what was removed. What was written since stays; conflicts are listed.

        An undo can be run again, also after it was interrupted: what came back is not brought back twice.

        Args:
            dry_run: Only report what would be done.
            undo: Record the annotations of an import that give way, so that the undo can be undone. False removes without recording.

        Returns:
            What came back, what was there already, and the conflicts.

        Raises:
            ConflictError: If the version was deleted.
            LockedError: If the version is locked.
            RemovalNotRecordedError: With ``undo``, if what gives way cannot be recorded.
        """
        return await undo_removal(self.session.backend, self.id, dry_run=dry_run, undo=undo)

    def __repr__(self) -> str:
        return describe(self, str(self.id), self.kind, self.version)
