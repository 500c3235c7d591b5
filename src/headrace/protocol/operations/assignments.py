"""The tasks of annotation campaigns: one for each asset that is in."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from headrace.model.enums import AnnotationStatus, AssignmentStatus
from headrace.model.records import (
    AssignmentRecord,
    IssueCountRecord,
    Items,
    Page,
    ProcessedAnswer,
    ProgressRecord,
    SyncAnswer,
    SyncRecord,
)
from headrace.protocol.operation import Operation
from headrace.protocol.operations.campaigns import CampaignId
from headrace.protocol.operations.listing import DataQuery

UNASSIGNED = "unassigned"
"""In the place of a user: tasks that nobody has."""


class SyncAssets(Struct, kw_only=True):
    """``existing_annotations_step_id``: where annotated assets begin this time; a step, or ``DONE``."""

    campaign_id: UUID
    existing_annotations_step_id: str | None = None


class ListAssignments(DataQuery, kw_only=True):
    """``q`` is about the assets; ``user_id`` is a user, or ``unassigned``."""

    campaign_id: UUID
    status: AssignmentStatus | None = None
    step_id: UUID | None = None
    user_id: str | None = None


class AssignmentId(Struct, kw_only=True):
    assignment_id: UUID


class Reassign(Struct, kw_only=True):
    """At most 10,000 ids; nobody gets the tasks where ``user_id`` is null."""

    campaign_id: UUID
    assignment_ids: list[UUID]
    user_id: UUID | None = None


class SubmitAssignment(Struct, kw_only=True):
    """ACCEPTED: to the next step; REFUSED, in a review: back to the step before; SKIPPED: it ends here."""

    assignment_id: UUID
    status: AnnotationStatus = AnnotationStatus.ACCEPTED


class IssueCounts(Struct, kw_only=True):
    """Of all users and steps unless some are named."""

    campaign_id: UUID
    user_ids: list[UUID] | None = None
    step_ids: list[UUID] | None = None


_CAMPAIGN = "/api/campaigns/annotation/{campaign_id}"
_ONE = "/api/campaigns/annotation/assignments/{assignment_id}"

SYNC_AVAILABLE = Operation(
    name="sync_available",
    method="GET",
    path=_CAMPAIGN + "/assignments/sync/available",
    request=CampaignId,
    result=SyncRecord,
    doc="Whether there are assets that are not in a campaign yet, and whether they can be taken in.",
    errors=(404,),
)
SYNC_ASSETS = Operation(
    name="sync_assets",
    method="POST",
    path=_CAMPAIGN + "/assignments/sync",
    request=SyncAssets,
    result=SyncAnswer,
    doc="Make a task of every asset that has none in the campaign: a job of the second kind.",
    repeatable=True,
    errors=(404, 400, 409, 423),
)
LIST_ASSIGNMENTS = Operation(
    name="list_assignments",
    method="GET",
    path=_CAMPAIGN + "/assignments",
    request=ListAssignments,
    result=Page[AssignmentRecord],
    doc="The tasks of a campaign, newest asset first.",
    errors=(404, 400),
)
GET_ASSIGNMENT = Operation(
    name="get_assignment",
    method="GET",
    path=_ONE,
    request=AssignmentId,
    result=AssignmentRecord,
    doc="A task by id.",
    errors=(404,),
)
REASSIGN = Operation(
    name="reassign_assignments",
    method="POST",
    path=_CAMPAIGN + "/assignments/reassign",
    request=Reassign,
    result=ProcessedAnswer,
    doc="Give tasks that are still to do to a user, or to nobody.",
    repeatable=True,
    errors=(404, 400, 409, 423),
)
SUBMIT_ASSIGNMENT = Operation(
    name="submit_assignment",
    method="POST",
    path=_ONE + "/submit",
    request=SubmitAssignment,
    result=AssignmentRecord,
    doc="Say that the work of a task's step is done: it moves on, back, or ends.",
    extension=True,
    errors=(404, 400, 409, 423),
)
ISSUE_COUNTS = Operation(
    name="campaign_issue_counts",
    method="GET",
    path="/api/campaigns/annotation/analytics/{campaign_id}/issues/counts/users",
    request=IssueCounts,
    result=list[IssueCountRecord],
    doc="How often the work of users was refused in reviews: still to be reworked, and reworked.",
    errors=(404,),
)
CAMPAIGN_PROGRESS = Operation(
    name="campaign_progress",
    method="GET",
    path=_CAMPAIGN + "/progress",
    request=CampaignId,
    result=Items[ProgressRecord],
    doc="How many tasks are in which step and status, and whose they are.",
    extension=True,
    errors=(404,),
)
