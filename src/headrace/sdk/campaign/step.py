"""The steps of annotation campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from headrace.model.enums import CampaignStepType
from headrace.model.records import AssigneeRecord, CampaignStepRecord
from headrace.protocol.operations import campaigns as operations
from headrace.sdk.base.arguments import as_id
from headrace.sdk.base.resource import Resource, describe
from headrace.sdk.base.session import Session
from headrace.sdk.user import User, Worker, as_user_id

Assignees = Sequence[tuple[Worker | User | UUID | str, float]]


class AnnotationCampaignStep(Resource[CampaignStepRecord]):
    """A step in the workflow of a campaign."""

    __slots__ = ("campaign_id",)

    def __init__(self, session: Session, record: CampaignStepRecord, campaign_id: UUID) -> None:
        super().__init__(session, record)
        self.campaign_id = campaign_id

    @property
    def name(self) -> str:
        """The name of the step."""
        return self.record.name

    @property
    def order(self) -> int:
        """The position of the step in the workflow, from 0."""
        return self.record.order

    @property
    def type(self) -> CampaignStepType:
        """Whether assets are annotated or reviewed in the step."""
        return self.record.type

    async def sync(self) -> None:
        """Read the step again and replace ``record``."""
        request = operations.StepId(step_id=self.id)
        self.record = await self.session.call(operations.GET_STEP, request)

    async def update(
        self,
        name: str | None = None,
        assignees: Sequence[tuple[Worker | User | UUID | str, float]] | None = None,
        sample_rate: float | None = None,
    ) -> None:
        """Change the step. Arguments that are None leave their part unchanged.

        Args:
            name: The new name.
            assignees: Who gets assignments from now on: pairs of a user (a user, a worker or an id) and a weight. With
                weights 1.0 and 2.0 the first user gets one assignment in three.
            sample_rate: Share of all assignments that pass through the step, 0 to 1.
        """
        request = operations.UpdateStep(
            step_id=self.id,
            name=name,
            sample_rate=sample_rate,
            assignees=as_assignees(assignees) if assignees else None,
        )
        self.record = await self.session.call(operations.UPDATE_STEP, request)

    async def redistribute_assignments(self) -> None:
        """Distribute the pending assignments of the step among its assignees again, by their weights."""
        request = operations.StepId(step_id=self.id)
        await self.session.call(operations.REDISTRIBUTE, request)

    async def delete(
        self, pending_assignments_destination_step_id: AnnotationCampaignStep | UUID | str
    ) -> None:
        """Delete the step and move its assignments to another one.

        Args:
            pending_assignments_destination_step_id: The other step; pending assignments are distributed among its
                assignees.
        """
        request = operations.DeleteStep(
            step_id=self.id,
            destination_step_id_for_pending_assignments=as_step_id(
                pending_assignments_destination_step_id
            ),
        )
        await self.session.call(operations.DELETE_STEP, request)

    def __repr__(self) -> str:
        return describe(self, self.name, self.type.value.lower(), f"step {self.order}")


def as_assignees(assignees: Assignees) -> list[AssigneeRecord]:
    """Convert assignees to what the platform takes."""
    return [AssigneeRecord(user_id=as_user_id(user), weight=weight) for user, weight in assignees]


def as_step_id(step: AnnotationCampaignStep | UUID | str) -> UUID:
    """Return the id of a step, given as a handle or an id."""
    return step.id if isinstance(step, AnnotationCampaignStep) else as_id(step)


def as_entry(step: AnnotationCampaignStep | UUID | str) -> str:
    """Convert an entry step to what the platform takes: its id, or ``DONE``."""
    return operations.DONE if step == operations.DONE else str(as_step_id(step))
