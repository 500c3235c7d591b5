"""Labels of a version, and their groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from headrace.model.records import LabelGroupRecord, LabelRecord
from headrace.protocol.operations import label_details as details
from headrace.protocol.operations import labels as operations
from headrace.sdk.base.arguments import as_attributes, as_edge, plain_attributes
from headrace.sdk.base.resource import Resource, describe


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

    async def delete(self) -> None:
        """Delete the label and all shapes that carry it; the annotations stay.

        Raises ConflictError while a job is using the labels of the version.
        """
        await self.session.call(operations.DELETE_LABEL, operations.LabelId(label_id=self.id))

    async def get_skeleton(self) -> dict[str, Any]:
        """The skeleton of its keypoints: ``vertices`` names them, ``edges`` joins them by numbers from 1."""
        request = operations.LabelId(label_id=self.id)
        skeleton = await self.session.call(details.GET_SKELETON, request)
        return {"vertices": skeleton.vertices, "edges": [list(edge) for edge in skeleton.edges]}

    async def set_skeleton(self, vertices: Sequence[str], edges: Sequence[Sequence[int]]) -> None:
        """Name its keypoints, and join them by pairs of numbers counted from 1; no vertices for no skeleton."""
        request = details.SetSkeleton(
            label_id=self.id, vertices=list(vertices), edges=[as_edge(edge) for edge in edges]
        )
        await self.session.call(details.SET_SKELETON, request)

    async def get_attributes(self) -> dict[str, Any] | None:
        """The kinds of attributes that its shapes have, by name; None where none are said."""
        request = operations.LabelId(label_id=self.id)
        return plain_attributes(await self.session.call(details.GET_LABEL_ATTRIBUTES, request))

    async def set_attributes(self, attributes: dict[str, Any] | None) -> None:
        """Say which attributes its shapes have; None for none.

        By name: ``input_type`` (STRING, INTEGER, FLOAT or BOOLEAN), ``required``, and where wanted ``display_name``,
        ``archived``, ``choices`` with ``allow_multiple``, or ``min`` and ``max``. BadRequestError names what
        contradicts itself.
        """
        request = details.SetLabelAttributes(label_id=self.id, attributes=as_attributes(attributes))
        await self.session.call(details.SET_LABEL_ATTRIBUTES, request)

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

    async def get_parent(self) -> LabelGroup | None:
        """The group around this one, None where it has none."""
        if self.parent_id is None:
            return None
        request = operations.LabelGroupId(group_id=self.parent_id)
        found = await self.session.call(operations.GET_LABEL_GROUP, request)
        return LabelGroup(self.session, found)

    async def set_parent(self, parent: LabelGroup) -> None:
        """Put the group into another one."""
        await self.update(parent_id=parent.id)

    async def delete(self) -> None:
        """Delete the group; its labels and the groups in it are in none afterwards."""
        request = operations.LabelGroupId(group_id=self.id)
        await self.session.call(operations.DELETE_LABEL_GROUP, request)

    def __repr__(self) -> str:
        return describe(self, self.name)
