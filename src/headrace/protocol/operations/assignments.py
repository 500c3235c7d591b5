"""The tasks of annotation campaigns, one for each asset in a campaign."""

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
"""Stands for a user: tasks without an assignee."""


class SyncAssets(Struct, kw_only=True):
    """``existing_annotations_step_id`` is the entry step of annotated assets in this synchronisation; a step, or ``DONE``."""

    campaign_id: UUID
    existing_annotations_step_id: str | None = None


class ListAssignments(DataQuery, kw_only=True):
    """``q`` selects by assets. ``user_id`` is the id of a user, or ``unassigned``."""

    campaign_id: UUID
    status: AssignmentStatus | None = None
    step_id: UUID | None = None
    user_id: str | None = None


class AssignmentId(Struct, kw_only=True):
    assignment_id: UUID


class Reassign(Struct, kw_only=True):
    """At most 10,000 ids. A null ``user_id`` removes the assignee."""

    campaign_id: UUID
    assignment_ids: list[UUID]
    user_id: UUID | None = None


class SubmitAssignment(Struct, kw_only=True):
    """ACCEPTED moves the task to the next step, REFUSED (in a review) to the step before; SKIPPED ends it."""

    assignment_id: UUID
    status: AnnotationStatus = AnnotationStatus.ACCEPTED


class IssueCounts(Struct, kw_only=True):
    """None means all users, or all steps."""

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
    doc="Count the assets without a task in a campaign, and tell whether they can be synchronised.",
    errors=(404,),
)
SYNC_ASSETS = Operation(
    name="sync_assets",
    method="POST",
    path=_CAMPAIGN + "/assignments/sync",
    request=SyncAssets,
    result=SyncAnswer,
    doc="Create a task for every asset without one in the campaign, in a job (v2).",
    errors=(404, 400, 409, 423),
)
LIST_ASSIGNMENTS = Operation(
    name="list_assignments",
    method="GET",
    path=_CAMPAIGN + "/assignments",
    request=ListAssignments,
    result=Page[AssignmentRecord],
    doc="List the tasks of a campaign, newest asset first.",
    errors=(404, 400),
)
GET_ASSIGNMENT = Operation(
    name="get_assignment",
    method="GET",
    path=_ONE,
    request=AssignmentId,
    result=AssignmentRecord,
    doc="Get a task.",
    errors=(404,),
)
REASSIGN = Operation(
    name="reassign_assignments",
    method="POST",
    path=_CAMPAIGN + "/assignments/reassign",
    request=Reassign,
    result=ProcessedAnswer,
    doc="Assign open tasks to a user, or remove their assignee.",
    send_null=True,
    repeatable=True,
    errors=(404, 400, 409, 423),
)
SUBMIT_ASSIGNMENT = Operation(
    name="submit_assignment",
    method="POST",
    path=_ONE + "/submit",
    request=SubmitAssignment,
    result=AssignmentRecord,
    doc="Submit a task: it moves to the next step or the step before, or it ends.",
    extension=True,
    instead="submit it on the pages of the platform; Annotation.update(status=) sets the status of the annotation",
    errors=(404, 400, 409, 423),
)
ISSUE_COUNTS = Operation(
    name="campaign_issue_counts",
    method="GET",
    path="/api/campaigns/annotation/analytics/{campaign_id}/issues/counts/users",
    request=IssueCounts,
    result=list[IssueCountRecord],
    doc="Count the refusals of users' work in reviews, open and reworked ones.",
    errors=(404,),
)
CAMPAIGN_PROGRESS = Operation(
    name="campaign_progress",
    method="GET",
    path=_CAMPAIGN + "/progress",
    request=CampaignId,
    result=Items[ProgressRecord],
    doc="Count the tasks of a campaign by step, status and user.",
    extension=True,
    instead="count the assignments of AnnotationCampaign.list_assignments()",
    errors=(404,),
)
