"""Annotation campaigns: the assets of a version as tasks in a workflow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from headrace.engine.paging import CursorListing, batched
from headrace.errors import NotFoundError
from headrace.model.enums import AssignmentStatus, CampaignStepType
from headrace.model.records import (
    AssignmentRecord,
    CampaignRecord,
    CampaignStepRecord,
    ProgressRecord,
)
from headrace.protocol.operations import assignments as operations
from headrace.protocol.operations import campaigns
from headrace.protocol.operations.listing import ALL_TYPES, ALL_UPLOAD_STATUSES, IDS_PER_CALL
from headrace.sdk.base.arguments import check_limits
from headrace.sdk.base.listing import Listing
from headrace.sdk.base.resource import Resource, describe
from headrace.sdk.campaign.assignment import AnnotationCampaignAssignment
from headrace.sdk.campaign.instructions import download_instructions, upload_instructions
from headrace.sdk.campaign.step import (
    AnnotationCampaignStep,
    as_assignees,
    as_entry,
    as_step_id,
)
from headrace.sdk.job import Job
from headrace.sdk.user import User, Worker, as_user_id


class AnnotationCampaign(Resource[CampaignRecord]):
    """The annotation campaign of a dataset version."""

    __slots__ = ()

    @property
    def dataset_version_id(self) -> UUID:
        """The id of the version whose assets are annotated."""
        return self.record.dataset_version_id

    @property
    def closed(self) -> bool:
        """Whether the campaign was closed when it was last read."""
        return self.record.is_closed is True

    async def sync(self) -> None:
        """Read the campaign again."""
        self.record = await self.session.call(campaigns.GET_CAMPAIGN, self._named())

    async def update(
        self,
        name: str | None = None,
        description: str | None = None,
        instructions_object_name: str | None = None,
        instructions_text: str | None = None,
        end_date: date | None = None,
        auto_add_new_assets: bool | None = None,
        auto_close_on_completion: bool | None = None,
        default_entry_step: AnnotationCampaignStep | UUID | str | None = None,
        annotated_entry_step: AnnotationCampaignStep | UUID | str | None = None,
    ) -> None:
        """Change what is given. ``name`` has no effect: campaigns have none.

        Tasks of assets without annotation begin in ``default_entry_step``, those of annotated ones in
        ``annotated_entry_step``, or are done at once where that is ``"DONE"``.
        """
        request = campaigns.UpdateCampaign(
            campaign_id=self.id,
            description=description,
            instructions_object_name=instructions_object_name,
            instructions_text=instructions_text,
            end_date=end_date.isoformat() if end_date else None,
            auto_add_new_assets=auto_add_new_assets,
            auto_close_on_completion=auto_close_on_completion,
            default_entry_step_id=as_step_id(default_entry_step) if default_entry_step else None,
            annotated_entry_step_id=as_entry(annotated_entry_step)
            if annotated_entry_step
            else None,
        )
        self.record = await self.session.call(campaigns.UPDATE_CAMPAIGN, request)

    async def upload_instructions_file(self, path: str | Path) -> None:
        """Give the campaign a file of instructions."""
        name = await upload_instructions(self.session, self.dataset_version_id, path)
        await self.update(instructions_object_name=name)

    async def download_instructions_file(self, target_path: str | Path = "./") -> str:
        """Download the file of instructions into a folder; its path. NotFoundError where there is none."""
        await self.sync()
        name = self.record.instructions_object_name
        if not isinstance(name, str):
            raise NotFoundError(f"campaign {self.id} has no file of instructions")
        return str(await download_instructions(self.session, self.id, name, target_path))

    # --- the workflow ---------------------------------------------------------------------------------

    async def add_step(
        self,
        name: str,
        type: CampaignStepType | str,
        description: str | None = None,
        assignees: Sequence[tuple[Worker | User | UUID | str, float]] | None = None,
        order: int | None = None,
        sample_rate: float | None = None,
    ) -> AnnotationCampaignStep:
        """A new step, ANNOTATION or REVIEW, at the end of the workflow or at the place ``order``, from 0.

        ``assignees`` are users, workers or ids of users with their weights: with 1.0 and 2.0 the first gets one task in three.
        Tasks of a step without assignees are whoever's takes them. ``sample_rate`` is the share of all tasks, 0 to 1,
        that pass through the step.
        """
        request = campaigns.AddStep(
            campaign_id=self.id,
            name=name,
            type=CampaignStepType.parse(type),
            description=description,
            order=order,
            sample_rate=sample_rate,
            assignees=as_assignees(assignees) if assignees else None,
        )
        return self._step(await self.session.call(campaigns.ADD_STEP, request))

    async def list_steps(self) -> list[AnnotationCampaignStep]:
        """The steps in the order of the workflow."""
        answer = await self.session.call(campaigns.LIST_STEPS, self._named())
        return [self._step(record) for record in answer.items]

    async def sync_assets(
        self, existing_annotations_step_id: AnnotationCampaignStep | UUID | str | None = None
    ) -> Job:
        """Make a task of every asset that has none yet; the job that does it.

        Annotated assets begin in ``existing_annotations_step_id`` this time, or are done at once where that is
        ``"DONE"``. Raises ConflictError where the campaign is closed, has no step, or has all assets already.
        """
        wanted = existing_annotations_step_id
        request = operations.SyncAssets(
            campaign_id=self.id,
            existing_annotations_step_id=as_entry(wanted) if wanted else None,
        )
        answer = await self.session.call(operations.SYNC_ASSETS, request)
        self.record = answer.campaign
        return Job(self.session, answer.job)

    async def launch(
        self, existing_annotations_step_id: AnnotationCampaignStep | UUID | str | None = None
    ) -> Job:
        """The older name of :meth:`sync_assets`."""
        return await self.sync_assets(existing_annotations_step_id)

    # --- tasks ----------------------------------------------------------------------------------------

    def list_assignments(
        self,
        step_id: AnnotationCampaignStep | UUID | str | None = None,
        status: AssignmentStatus | str | None = None,
        user: Worker | User | UUID | str | None = None,
        custom_metadata: dict[str, Any] | None = None,
        query: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        order_by: list[str] | None = None,
    ) -> Listing[
        AssignmentRecord, AnnotationCampaignAssignment, list[AnnotationCampaignAssignment]
    ]:
        """The tasks, newest asset first unless ``order_by`` names fields (``-`` for descending).

        ``user`` is a user, a worker, the id of a user, or ``"unassigned"``. ``query`` is a condition on the assets in the query
        language.
        """
        check_limits(limit, offset)
        query_of = operations.ListAssignments(
            campaign_id=self.id,
            limit=limit,
            offset=offset,
            order_by=order_by,
            step_id=as_step_id(step_id) if step_id else None,
            status=AssignmentStatus.parse(status) if status else None,
            user_id=_as_user(user) if user else None,
            custom_metadata=custom_metadata,
            q=query,
            upload_statuses=ALL_UPLOAD_STATUSES,
            types=ALL_TYPES,
        )
        return Listing(
            CursorListing(self.session.backend, operations.LIST_ASSIGNMENTS, query_of),
            self._assignment,
            lambda records: [self._assignment(record) for record in records],
            "list_assignments",
        )

    async def reassign(
        self,
        assignments: Sequence[AnnotationCampaignAssignment],
        user: Worker | User | UUID | str | None = None,
    ) -> list[UUID]:
        """Give tasks that are still to do to a user, or to nobody; the ids of those that were still to do."""
        processed: list[UUID] = []
        for piece in batched([assignment.id for assignment in assignments], IDS_PER_CALL):
            request = operations.Reassign(
                campaign_id=self.id,
                assignment_ids=piece,
                user_id=as_user_id(user) if user else None,
            )
            processed += (await self.session.call(operations.REASSIGN, request)).processed_ids
        return processed

    async def get_progress(self) -> list[ProgressRecord]:
        """How many tasks are in which step and status, and whose they are, in the order of the workflow."""
        answer = await self.session.call(operations.CAMPAIGN_PROGRESS, self._named())
        return answer.items

    async def get_campaign_issue_counts(
        self,
        users: Sequence[Worker | User | UUID | str] | None = None,
        steps: Sequence[AnnotationCampaignStep | UUID | str] | None = None,
    ) -> list[dict[str, Any]]:
        """Refusals in reviews by whose work it was: ``user_id``, ``opened`` (to be reworked) and ``closed``."""
        request = operations.IssueCounts(
            campaign_id=self.id,
            user_ids=[as_user_id(user) for user in users] if users else None,
            step_ids=[as_step_id(step) for step in steps] if steps else None,
        )
        answer = await self.session.call(operations.ISSUE_COUNTS, request)
        return [
            {"user_id": one.user_id, "opened": one.opened, "closed": one.closed} for one in answer
        ]

    # --- the end --------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Close the campaign for good: neither its tasks nor the annotations of its assets change any more."""
        await self.session.call(campaigns.CLOSE_CAMPAIGN, self._named())
        await self.sync()

    async def delete(self) -> None:
        """Delete the campaign with its steps and tasks; annotations and assets stay."""
        await self.session.call(campaigns.DELETE_CAMPAIGN, self._named())

    def _named(self) -> campaigns.CampaignId:
        return campaigns.CampaignId(campaign_id=self.id)

    def _step(self, record: CampaignStepRecord) -> AnnotationCampaignStep:
        return AnnotationCampaignStep(self.session, record, self.id)

    def _assignment(self, record: AssignmentRecord) -> AnnotationCampaignAssignment:
        return AnnotationCampaignAssignment(self.session, record, self.id, self.dataset_version_id)

    def __repr__(self) -> str:
        return describe(self, str(self.id), "closed" if self.closed else "open")


def _as_user(user: Worker | User | UUID | str) -> str:
    if user == operations.UNASSIGNED:
        return operations.UNASSIGNED
    return str(as_user_id(user))
