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
    """A step of a campaign's workflow."""

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
        """The place of the step in the workflow, from 0."""
        return self.record.order

    @property
    def type(self) -> CampaignStepType:
        """Whether the step annotates or reviews."""
        return self.record.type

    async def sync(self) -> None:
        """Read the step again."""
        request = operations.StepId(step_id=self.id)
        self.record = await self.session.call(operations.GET_STEP, request)

    async def update(
        self,
        name: str | None = None,
        assignees: Sequence[tuple[Worker | User | UUID | str, float]] | None = None,
        sample_rate: float | None = None,
    ) -> None:
        """Rename the step, or say who gets its tasks from now on and which share of all it takes (0 to 1).

        ``assignees`` are users, workers or ids of users with their weights: with 1.0 and 2.0 the first gets one task in three.
        """
        request = operations.UpdateStep(
            step_id=self.id,
            name=name,
            sample_rate=sample_rate,
            assignees=as_assignees(assignees) if assignees else None,
        )
        self.record = await self.session.call(operations.UPDATE_STEP, request)

    async def redistribute_assignments(self) -> None:
        """Deal the tasks that are still to do in this step among its assignees again, by their weights."""
        request = operations.StepId(step_id=self.id)
        await self.session.call(operations.REDISTRIBUTE, request)

    async def delete(
        self, pending_assignments_destination_step_id: AnnotationCampaignStep | UUID | str
    ) -> None:
        """Delete the step; its tasks go to another one, those that are still to do are dealt among its assignees."""
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
    """Who gets tasks, as the wire has it."""
    return [AssigneeRecord(user_id=as_user_id(user), weight=weight) for user, weight in assignees]


def as_step_id(step: AnnotationCampaignStep | UUID | str) -> UUID:
    """The id of a step given as its handle or as an id."""
    return step.id if isinstance(step, AnnotationCampaignStep) else as_id(step)


def as_entry(step: AnnotationCampaignStep | UUID | str) -> str:
    """Where tasks begin, as the wire has it: the id of a step, or ``DONE``."""
    return operations.DONE if step == operations.DONE else str(as_step_id(step))
