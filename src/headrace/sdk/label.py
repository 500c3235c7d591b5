"""Labels of a version, and label groups."""

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
    """A label (class) of a dataset version."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name of the label."""
        return self.record.name

    @property
    def group_id(self) -> UUID | None:
        """The id of the group of the label; None if it has no group."""
        return self.record.group_id

    async def sync(self) -> None:
        """Read the label again and replace ``record``."""
        request = operations.LabelId(label_id=self.id)
        self.record = await self.session.call(operations.GET_LABEL, request)

    async def update(self, name: str | None = None, group_id: UUID | None = None) -> None:
        """Rename the label or move it into a group. Arguments that are None leave their part unchanged.

        Args:
            name: The new name.
            group_id: The id of a label group of the version.

        Raises:
            ConflictError: If another label of the version has the name.
        """
        request = operations.UpdateLabel(label_id=self.id, name=name, group_id=group_id)
        self.record = await self.session.call(operations.UPDATE_LABEL, request)

    async def get_group(self) -> LabelGroup | None:
        """Return the group of the label, or None if it has no group."""
        if self.group_id is None:
            return None
        request = operations.LabelGroupId(group_id=self.group_id)
        return LabelGroup(
            self.session, await self.session.call(operations.GET_LABEL_GROUP, request)
        )

    async def set_group(self, group: LabelGroup) -> None:
        """Move the label into a group.

        Args:
            group: A label group of the same version.
        """
        await self.update(group_id=group.id)

    async def delete(self) -> None:
        """Delete the label and all shapes that carry it. The annotations remain.

        Raises:
            ConflictError: While a job uses the labels of the version.
        """
        await self.session.call(operations.DELETE_LABEL, operations.LabelId(label_id=self.id))

    async def get_skeleton(self) -> dict[str, Any]:
        """Return the keypoint skeleton of the label.

        Returns:
            A dict with ``vertices`` (the names of the keypoints) and ``edges`` (pairs of vertex numbers, from 1).
        """
        request = operations.LabelId(label_id=self.id)
        skeleton = await self.session.call(details.GET_SKELETON, request)
        return {"vertices": skeleton.vertices, "edges": [list(edge) for edge in skeleton.edges]}

    async def set_skeleton(self, vertices: Sequence[str], edges: Sequence[Sequence[int]]) -> None:
        """Set the keypoint skeleton of the label.

        Args:
            vertices: The names of the keypoints, in order; an empty list removes the skeleton.
            edges: Pairs of vertex numbers, counted from 1.

        Raises:
            BadRequestError: If an edge is not a pair.
        """
        request = details.SetSkeleton(
            label_id=self.id, vertices=list(vertices), edges=[as_edge(edge) for edge in edges]
        )
        await self.session.call(details.SET_SKELETON, request)

    async def get_attributes(self) -> dict[str, Any] | None:
        """Return the attribute definitions for shapes with this label, by name; None if there are none."""
        request = operations.LabelId(label_id=self.id)
        return plain_attributes(await self.session.call(details.GET_LABEL_ATTRIBUTES, request))

    async def set_attributes(self, attributes: dict[str, Any] | None) -> None:
        """Define the attributes of shapes with this label.

        Args:
            attributes: The definitions by name; None removes them. A definition is a dict with ``input_type``
                (STRING, INTEGER, FLOAT or BOOLEAN) and ``required``, and optionally ``display_name``, ``archived``,
                ``choices`` with ``allow_multiple``, or ``min`` and ``max``.

        Raises:
            BadRequestError: If a definition is invalid or contradicts itself.
        """
        request = details.SetLabelAttributes(label_id=self.id, attributes=as_attributes(attributes))
        await self.session.call(details.SET_LABEL_ATTRIBUTES, request)

    def __repr__(self) -> str:
        return describe(self, self.name)


class LabelGroup(Resource[LabelGroupRecord]):
    """A group of labels. Groups can be nested."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name of the group."""
        return self.record.name

    @property
    def parent_id(self) -> UUID | None:
        """The id of the parent group; None at the top level."""
        return self.record.parent_id

    async def sync(self) -> None:
        """Read the group again and replace ``record``."""
        request = operations.LabelGroupId(group_id=self.id)
        self.record = await self.session.call(operations.GET_LABEL_GROUP, request)

    async def update(self, name: str | None = None, parent_id: UUID | None = None) -> None:
        """Rename the group or move it. Arguments that are None leave their part unchanged.

        Args:
            name: The new name.
            parent_id: The id of the new parent group.
        """
        request = operations.UpdateLabelGroup(group_id=self.id, name=name, parent_id=parent_id)
        self.record = await self.session.call(operations.UPDATE_LABEL_GROUP, request)

    async def get_parent(self) -> LabelGroup | None:
        """Return the parent group, or None at the top level."""
        if self.parent_id is None:
            return None
        request = operations.LabelGroupId(group_id=self.parent_id)
        found = await self.session.call(operations.GET_LABEL_GROUP, request)
        return LabelGroup(self.session, found)

    async def set_parent(self, parent: LabelGroup) -> None:
        """Move the group into another one.

        Args:
            parent: A label group of the same version.
        """
        await self.update(parent_id=parent.id)

    async def delete(self) -> None:
        """Delete the group. Its labels and subgroups remain, without a group."""
        request = operations.LabelGroupId(group_id=self.id)
        await self.session.call(operations.DELETE_LABEL_GROUP, request)

    def __repr__(self) -> str:
        return describe(self, self.name)
