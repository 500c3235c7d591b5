"""Annotation campaigns: the assets of a version as assignments in a workflow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec import UNSET
from msgspec.structs import replace

from headrace.backend.extensions import unsupported
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
from headrace.sdk.campaign.closed import with_closed
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
    """The annotation campaign of a dataset version: steps, assignments and progress.

    ``DatasetVersion.create_campaign`` creates a campaign.
    """

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
        """Read the campaign again and replace ``record``."""
        record = await self.session.call(campaigns.GET_CAMPAIGN, self._named())
        self.record = await with_closed(self.session, record)

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
        """Change the campaign. Arguments that are None leave their part unchanged.

        Args:
            name: Has no effect: campaigns have no names.
            description: The description.
            instructions_object_name: The object name of an uploaded file of instructions.
            instructions_text: Instructions as text.
            end_date: The planned end.
            auto_add_new_assets: Create an assignment for every asset that is added later.
            auto_close_on_completion: Close the campaign when its last assignment is done.
            default_entry_step: The first step of assets without annotation.
            annotated_entry_step: The first step of annotated assets, or ``"DONE"`` to skip them.
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
        record = await self.session.call(campaigns.UPDATE_CAMPAIGN, request)
        if record.is_closed is UNSET:
            record = replace(record, is_closed=self.record.is_closed)
        self.record = record

    async def upload_instructions_file(self, path: str | Path) -> None:
        """Upload a file with instructions for the annotators.

        Args:
            path: The file.
        """
        name = await upload_instructions(self.session, self.dataset_version_id, path)
        await self.update(instructions_object_name=name)

    async def download_instructions_file(self, target_path: str | Path = "./") -> str:
        """Download the file with instructions into a folder.

        Args:
            target_path: The folder; created if missing.

        Returns:
            The path of the file.

        Raises:
            NotFoundError: If the campaign has no file of instructions.
            UnsupportedError: If the platform does not say where the file is.
        """
        await self.sync()
        name = self.record.instructions_object_name
        if name is UNSET:
            raise unsupported("the file of instructions", "download it on the page of the campaign")
        if name is None:
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
        """Add a step to the workflow.

        Args:
            name: The name of the step.
            type: ANNOTATION or REVIEW.
            description: A description.
            assignees: Pairs of a user (a user, a worker or an id) and a weight. With weights 1.0 and 2.0 the first user
                gets one assignment in three. Without assignees, anyone may take an assignment.
            order: Position in the workflow, from 0. Default: the end.
            sample_rate: Share of all assignments that pass through the step, 0 to 1.

        Returns:
            The new step.

        Example:
            ```python
            await campaign.add_step("draw", "ANNOTATION", assignees=[(ann, 1.0), (bob, 2.0)])
            ```
        """
        request = campaigns.AddStep(
            campaign_id=self.id,
            name=name,
            type=CampaignStepType.parse(type),
            description=description,
            order=order,
            sample_rate=sample_rate,
            assignees=as_assignees(assignees) if assignees else UNSET,
        )
        return self._step(await self.session.call(campaigns.ADD_STEP, request))

    async def list_steps(self) -> list[AnnotationCampaignStep]:
        """Return the steps in the order of the workflow."""
        answer = await self.session.call(campaigns.LIST_STEPS, self._named())
        return [self._step(record) for record in answer.items]

    async def sync_assets(
        self, existing_annotations_step_id: AnnotationCampaignStep | UUID | str | None = None
    ) -> Job:
        """Create an assignment for every asset that has none.

        Args:
            existing_annotations_step_id: The first step of annotated assets in this call, or ``"DONE"`` to skip them.

        Returns:
            The job that creates the assignments.

        Raises:
            ConflictError: If the campaign is closed, has no step, or has assignments for all assets already.
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
        """Create an assignment for every asset that has none; the older name of ``sync_assets``.

        Args:
            existing_annotations_step_id: As in ``sync_assets``.

        Returns:
            The job that creates the assignments.

        Raises:
            ConflictError: As in ``sync_assets``.
        """
        return await self.sync_assets(existing_annotations_step_id)

    # --- assignments ----------------------------------------------------------------------------------

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
        """List the assignments of the campaign.

        Args:
            step_id: Only assignments in this step.
            status: Only assignments with this status.
            user: Only assignments of this user (a user, a worker or an id), or ``"unassigned"``.
            custom_metadata: Only assets whose data have these custom metadata.
            query: A condition on the assets in the query language.
            limit: Maximum number of assignments.
            offset: Number of assignments to skip.
            order_by: Fields to sort by, with ``-`` in front for descending order. Default: newest asset first.

        Returns:
            A listing of assignments.

        Raises:
            BadRequestError: If ``limit`` or ``offset`` is negative.
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
        """Assign pending assignments to another user.

        Args:
            assignments: The assignments; those that are not pending are left unchanged.
            user: The user, or None to unassign them.

        Returns:
            The ids of the assignments that were changed.
        """
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
        """Return the number of assignments by step, status and user, in the order of the workflow.

        Other platforms than headrace do not count them, so there this lists all assignments.
        """
        if not self.session.backend.limits.extensions:
            return await self._count_assignments()
        answer = await self.session.call(operations.CAMPAIGN_PROGRESS, self._named())
        return answer.items

    async def _count_assignments(self) -> list[ProgressRecord]:
        places = {step.id: step.order for step in await self.list_steps()}
        found: Counter[tuple[UUID, AssignmentStatus, UUID | None]] = Counter()
        async for each in self.list_assignments():
            found[each.step_id, each.status, each.user_id] += 1
        ordered = sorted(
            found.items(), key=lambda entry: (places.get(entry[0][0], 0), *map(str, entry[0]))
        )
        return [
            ProgressRecord(step_id=step, status=status, user_id=user, count=count)
            for (step, status, user), count in ordered
        ]

    async def get_campaign_issue_counts(
        self,
        users: Sequence[Worker | User | UUID | str] | None = None,
        steps: Sequence[AnnotationCampaignStep | UUID | str] | None = None,
    ) -> list[dict[str, Any]]:
        """Return the number of refusals in reviews, by the user whose work was refused.

        Args:
            users: Only these users. Default: all.
            steps: Only these steps. Default: all.

        Returns:
            Dicts with ``user_id``, ``opened`` (still to be reworked) and ``closed``.
        """
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
        """Close the campaign. Its assignments, and the annotations of its assets, cannot be changed afterwards."""
        await self.session.call(campaigns.CLOSE_CAMPAIGN, self._named())
        await self.sync()
        self.record = replace(self.record, is_closed=True)

    async def delete(self) -> None:
        """Delete the campaign with its steps and assignments. Assets and annotations remain."""
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
