"""The labels of a version."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from headrace.engine.versions.merge_labels import merge_label
from headrace.model.records import DatasetVersionRecord, LabelGroupRecord, LabelRecord
from headrace.protocol.operations import label_details as details
from headrace.protocol.operations import labels as operations
from headrace.sdk.base.arguments import as_attributes, plain_attributes
from headrace.sdk.base.listing import Listing, list_items
from headrace.sdk.base.names import find_named
from headrace.sdk.base.resource import Resource, get_or_create
from headrace.sdk.label import Label, LabelGroup


class VersionLabels(Resource[DatasetVersionRecord]):
    """The methods of a version for its labels."""

    __slots__ = ()

    _counts: dict[str, int]

    def list_labels(self) -> Listing[LabelRecord, Label, list[Label]]:
        """List the labels of the version, in order of creation."""
        query = operations.ListLabels(version_id=self.id)
        return list_items(
            self.session,
            operations.LIST_LABELS,
            query,
            Label,
            "list_labels",
            partial(self._counts.__setitem__, "label"),
        )

    async def create_label(self, name: str) -> Label:
        """Create a label.

        Args:
            name: The name of the label.

        Returns:
            The new label.

        Raises:
            ConflictError: If the version has a label of that name.
        """
        self._counts.pop("label", None)
        request = operations.LabelName(version_id=self.id, name=name)
        return Label(self.session, await self.session.call(operations.CREATE_LABEL, request))

    async def get_label(self, name: str) -> Label:
        """Find a label by name.

        Args:
            name: The name of the label.

        Returns:
            The label.

        Raises:
            NotFoundError: If the version has no label of that name; the hint names those that exist.
        """
        return await find_named(
            self._find_label(name),
            "label",
            name,
            self.list_labels,
            inside=f"{self.record.origin_name}/{self.record.version}",
        )

    async def get_or_create_label(self, name: str) -> Label:
        """Find a label by name, or create it.

        Args:
            name: The name of the label.

        Returns:
            The label.
        """
        return await get_or_create(lambda: self._find_label(name), lambda: self.create_label(name))

    async def _find_label(self, name: str) -> Label:
        request = operations.LabelName(version_id=self.id, name=name)
        return Label(self.session, await self.session.call(operations.FIND_LABEL, request))

    async def merge_labels(
        self, labels: Label | str | Sequence[Label | str], into: Label | str
    ) -> Label:
        """Give the shapes of labels to one label, and delete the others.

        If the call is interrupted, some shapes have the new label already, and the same call continues.

        Args:
            labels: Names or handles of the labels that go.
            into: The label that gets the shapes; a label given by name is created if missing.

        Returns:
            The label with the shapes.

        Raises:
            NotFoundError: If there is no label of a given name; nothing is changed then.
            ConflictError: While a job uses the labels of the version.
            UnsupportedError: If a shape is of a kind whose label this platform cannot change; its label stays.
        """
        self._counts.pop("label", None)
        many = [labels] if isinstance(labels, Label | str) else labels
        found = [await self.get_label(each) if isinstance(each, str) else each for each in many]
        target = await self.get_or_create_label(into) if isinstance(into, str) else into
        for label in found:
            if label.id != target.id:
                await merge_label(self.session.backend, self.id, label.record, target.id)
        return target

    def list_label_groups(self) -> Listing[LabelGroupRecord, LabelGroup, list[LabelGroup]]:
        """List the label groups of the version."""
        query = operations.ListLabels(version_id=self.id)
        return list_items(
            self.session, operations.LIST_LABEL_GROUPS, query, LabelGroup, "list_label_groups"
        )

    async def create_label_group(self, name: str, parent: LabelGroup | None = None) -> LabelGroup:
        """Create a label group.

        Args:
            name: The name of the group.
            parent: The group that the new one belongs to. Default: none.

        Returns:
            The new group.

        Raises:
            ConflictError: If the version has a label group of that name.
        """
        request = operations.CreateLabelGroup(
            version_id=self.id, name=name, parent_id=parent.id if parent else None
        )
        return LabelGroup(
            self.session, await self.session.call(operations.CREATE_LABEL_GROUP, request)
        )

    async def get_skeletons(self) -> dict[str, dict[str, Any]]:
        """Return the keypoint skeletons of the labels that have one.

        Returns:
            Dicts with ``vertices`` and ``edges``, by label id.
        """
        query = operations.ListLabels(version_id=self.id)
        answer = await self.session.call(details.LIST_SKELETONS, query)
        return {
            label: {"vertices": one.vertices, "edges": [list(edge) for edge in one.edges]}
            for label, one in answer.items.items()
        }

    async def get_attributes(self) -> dict[str, Any] | None:
        """Return the attribute definitions for annotations, by name; None if there are none."""
        query = operations.ListLabels(version_id=self.id)
        return plain_attributes(await self.session.call(details.GET_VERSION_ATTRIBUTES, query))

    async def set_attributes(self, attributes: dict[str, Any] | None) -> None:
        """Define the attributes of the annotations of this version.

        Args:
            attributes: The definitions by name, as in ``Label.set_attributes``; None removes them.

        Raises:
            BadRequestError: If a definition is invalid or contradicts itself.
        """
        request = details.SetVersionAttributes(
            version_id=self.id, attributes=as_attributes(attributes)
        )
        await self.session.call(details.SET_VERSION_ATTRIBUTES, request)
