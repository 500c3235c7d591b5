"""The labels of a version."""

from __future__ import annotations

from typing import Any

from headrace.engine.paging import ItemsListing
from headrace.model.records import DatasetVersionRecord, LabelGroupRecord, LabelRecord
from headrace.protocol.operations import label_details as details
from headrace.protocol.operations import labels as operations
from headrace.sdk.base.arguments import as_attributes, plain_attributes
from headrace.sdk.base.listing import Listing
from headrace.sdk.base.resource import Resource, get_or_create
from headrace.sdk.label import Label, LabelGroup


class VersionLabels(Resource[DatasetVersionRecord]):
    """What a version does with its labels."""

    __slots__ = ()

    def list_labels(self) -> Listing[LabelRecord, Label, list[Label]]:
        """The labels of this version, in order of creation."""
        query = operations.ListLabels(version_id=self.id)
        return Listing(
            ItemsListing(self.session.backend, operations.LIST_LABELS, query),
            lambda record: Label(self.session, record),
            lambda records: [Label(self.session, record) for record in records],
            "list_labels",
        )

    async def create_label(self, name: str) -> Label:
        """A new label; ConflictError where the version has one of that name."""
        request = operations.LabelName(version_id=self.id, name=name)
        return Label(self.session, await self.session.call(operations.CREATE_LABEL, request))

    async def get_label(self, name: str) -> Label:
        """The label of that name; NotFoundError where there is none."""
        request = operations.LabelName(version_id=self.id, name=name)
        return Label(self.session, await self.session.call(operations.FIND_LABEL, request))

    async def get_or_create_label(self, name: str) -> Label:
        """The label of that name, made where there is none."""
        return await get_or_create(lambda: self.get_label(name), lambda: self.create_label(name))

    def list_label_groups(self) -> Listing[LabelGroupRecord, LabelGroup, list[LabelGroup]]:
        """The label groups of this version."""
        query = operations.ListLabels(version_id=self.id)
        return Listing(
            ItemsListing(self.session.backend, operations.LIST_LABEL_GROUPS, query),
            lambda record: LabelGroup(self.session, record),
            lambda records: [LabelGroup(self.session, record) for record in records],
            "list_label_groups",
        )

    async def create_label_group(self, name: str, parent: LabelGroup | None = None) -> LabelGroup:
        """A new label group; ConflictError where the version has one of that name."""
        request = operations.CreateLabelGroup(
            version_id=self.id, name=name, parent_id=parent.id if parent else None
        )
        return LabelGroup(
            self.session, await self.session.call(operations.CREATE_LABEL_GROUP, request)
        )

    async def get_skeletons(self) -> dict[str, dict[str, Any]]:
        """The skeletons of the labels that have one, by the labels' ids."""
        query = operations.ListLabels(version_id=self.id)
        answer = await self.session.call(details.LIST_SKELETONS, query)
        return {
            label: {"vertices": one.vertices, "edges": [list(edge) for edge in one.edges]}
            for label, one in answer.items.items()
        }

    async def get_attributes(self) -> dict[str, Any] | None:
        """The kinds of attributes that the annotations have, by name; None where none are said."""
        query = operations.ListLabels(version_id=self.id)
        return plain_attributes(await self.session.call(details.GET_VERSION_ATTRIBUTES, query))

    async def set_attributes(self, attributes: dict[str, Any] | None) -> None:
        """Say which attributes the annotations have, as :meth:`headrace.Label.set_attributes` does for shapes."""
        request = details.SetVersionAttributes(
            version_id=self.id, attributes=as_attributes(attributes)
        )
        await self.session.call(details.SET_VERSION_ATTRIBUTES, request)
