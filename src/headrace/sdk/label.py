"""Labels of a version, and their groups."""

from __future__ import annotations

from uuid import UUID

from headrace.model.records import LabelGroupRecord, LabelRecord
from headrace.protocol.operations import labels as operations
from headrace.sdk.resource import Resource, describe


class Label(Resource[LabelRecord]):
    """A word for what is seen on an asset."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The word."""
        return self.record.name

    @property
    def group_id(self) -> UUID | None:
        """The id of the label's group, None where it has none."""
        return self.record.group_id

    async def sync(self) -> None:
        """Read the label again."""
        request = operations.LabelId(label_id=self.id)
        self.record = await self.session.call(operations.GET_LABEL, request)

    async def update(self, name: str | None = None, group_id: UUID | None = None) -> None:
        """Rename the label or put it into a group; ConflictError where the name is taken."""
        request = operations.UpdateLabel(label_id=self.id, name=name, group_id=group_id)
        self.record = await self.session.call(operations.UPDATE_LABEL, request)

    async def get_group(self) -> LabelGroup | None:
        """The group of the label, None where it has none."""
        if self.group_id is None:
            return None
        request = operations.LabelGroupId(group_id=self.group_id)
        return LabelGroup(
            self.session, await self.session.call(operations.GET_LABEL_GROUP, request)
        )

    async def set_group(self, group: LabelGroup) -> None:
        """Put the label into a group."""
        await self.update(group_id=group.id)

    def __repr__(self) -> str:
        return describe(self, self.name)


class LabelGroup(Resource[LabelGroupRecord]):
    """A group of labels; groups may stand in groups."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name of the group."""
        return self.record.name

    @property
    def parent_id(self) -> UUID | None:
        """The id of the group around this one, None where it has none."""
        return self.record.parent_id

    async def sync(self) -> None:
        """Read the group again."""
        request = operations.LabelGroupId(group_id=self.id)
        self.record = await self.session.call(operations.GET_LABEL_GROUP, request)

    async def update(self, name: str | None = None, parent_id: UUID | None = None) -> None:
        """Rename the group or put it into another one."""
        request = operations.UpdateLabelGroup(group_id=self.id, name=name, parent_id=parent_id)
        self.record = await self.session.call(operations.UPDATE_LABEL_GROUP, request)

    def __repr__(self) -> str:
        return describe(self, self.name)
