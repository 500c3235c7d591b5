"""Annotation campaigns and the steps of their workflow."""

from __future__ import annotations

from types import NoneType
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from headrace.model.enums import CampaignStepType
from headrace.model.records import (
    AssigneeRecord,
    CampaignRecord,
    CampaignStepRecord,
    Items,
)
from headrace.protocol.operation import Operation

DONE = "DONE"
"""Stands for a step: the task is done, in the last step."""


class CreateCampaign(Struct, kw_only=True):
    """``end_date`` is a day, ``YYYY-MM-DD``. The object with the instructions must be uploaded before."""

    version_id: UUID
    description: str | None = None
    instructions_text: str | None = None
    instructions_object_name: str | None | UnsetType = UNSET
    end_date: str | None = None
    auto_add_new_assets: bool | None = False
    auto_close_on_completion: bool | None = False


class ListCampaigns(Struct, kw_only=True):
    organization_id: UUID
    is_closed: bool | None = None


class CampaignId(Struct, kw_only=True):
    campaign_id: UUID


class UpdateCampaign(Struct, kw_only=True):
    """Absent fields do not change. ``annotated_entry_step_id`` is the id of a step, or ``DONE``."""

    campaign_id: UUID
    description: str | None = None
    instructions_object_name: str | None = None
    instructions_text: str | None = None
    end_date: str | None = None
    auto_add_new_assets: bool | None = None
    auto_close_on_completion: bool | None = None
    default_entry_step_id: UUID | None = None
    annotated_entry_step_id: str | None = None


class AddStep(Struct, kw_only=True):
    """``order`` is the index in the workflow, null for the end. ``sample_rate`` is the share of tasks, 0 to 1."""

    campaign_id: UUID
    name: str
    type: CampaignStepType
    description: str | None = None
    order: int | None = None
    sample_rate: float | None = None
    assignees: list[AssigneeRecord] | None | UnsetType = UNSET


class StepId(Struct, kw_only=True):
    step_id: UUID


class UpdateStep(Struct, kw_only=True):
    """Absent fields do not change. ``assignees`` are replaced as a whole."""

    step_id: UUID
    name: str | None = None
    sample_rate: float | None = None
    assignees: list[AssigneeRecord] | None = None


class DeleteStep(Struct, kw_only=True):
    step_id: UUID
    destination_step_id_for_pending_assignments: UUID


_CAMPAIGN = "/api/campaigns/annotation/{campaign_id}"
_STEP = "/api/campaigns/annotation/steps/{step_id}"

CREATE_CAMPAIGN = Operation(
    name="create_campaign",
    method="POST",
    path="/api/dataset/version/{version_id}/campaigns",
    request=CreateCampaign,
    result=CampaignRecord,
    doc="Create the annotation campaign of a version, without steps and tasks.",
    send_null=True,
    errors=(404, 400, 409, 423),
)
LIST_CAMPAIGNS = Operation(
    name="list_campaigns",
    method="GET",
    path="/api/organization/{organization_id}/annotationcampaigns",
    request=ListCampaigns,
    result=Items[CampaignRecord],
    doc="List the annotation campaigns of an organization, newest first: all, the closed or the open ones.",
    errors=(404,),
)
GET_CAMPAIGN = Operation(
    name="get_campaign",
    method="GET",
    path=_CAMPAIGN,
    request=CampaignId,
    result=CampaignRecord,
    doc="Get a campaign.",
    errors=(404,),
)
UPDATE_CAMPAIGN = Operation(
    name="update_campaign",
    method="PATCH",
    path=_CAMPAIGN,
    request=UpdateCampaign,
    result=CampaignRecord,
    doc="Change the description, settings and entry steps of a campaign.",
    repeatable=True,
    errors=(404, 400, 409, 423),
)
CLOSE_CAMPAIGN = Operation(
    name="close_campaign",
    method="POST",
    path=_CAMPAIGN + "/close",
    request=CampaignId,
    result=NoneType,
    doc="Close a campaign permanently: it can no longer be changed.",
    repeatable=True,
    errors=(404, 423),
)
DELETE_CAMPAIGN = Operation(
    name="delete_campaign",
    method="DELETE",
    path=_CAMPAIGN,
    request=CampaignId,
    result=NoneType,
    doc="Delete a campaign with its steps and tasks; annotations and assets remain.",
    repeatable=True,
    errors=(404, 423),
)
ADD_STEP = Operation(
    name="add_step",
    method="POST",
    path=_CAMPAIGN + "/steps",
    request=AddStep,
    result=CampaignStepRecord,
    doc="Add a step to the workflow of a campaign.",
    send_null=True,
    errors=(404, 400, 409, 423),
)
LIST_STEPS = Operation(
    name="list_steps",
    method="GET",
    path=_CAMPAIGN + "/steps",
    request=CampaignId,
    result=Items[CampaignStepRecord],
    doc="List the steps of a campaign, in the order of the workflow.",
    errors=(404,),
)
GET_STEP = Operation(
    name="get_step",
    method="GET",
    path=_STEP,
    request=StepId,
    result=CampaignStepRecord,
    doc="Get a step.",
    errors=(404,),
)
UPDATE_STEP = Operation(
    name="update_step",
    method="PATCH",
    path=_STEP,
    request=UpdateStep,
    result=CampaignStepRecord,
    doc="Change the name, sample rate or assignees of a step.",
    repeatable=True,
    errors=(404, 400, 409, 423),
)
DELETE_STEP = Operation(
    name="delete_step",
    method="DELETE",
    path=_STEP,
    request=DeleteStep,
    result=NoneType,
    doc="Delete a step and move its tasks to another one.",
    body=("destination_step_id_for_pending_assignments",),
    repeatable=True,
    errors=(404, 400, 409, 423),
)
REDISTRIBUTE = Operation(
    name="redistribute_assignments",
    method="POST",
    path=_STEP + "/assignments/redistribute",
    request=StepId,
    result=NoneType,
    doc="Distribute the open tasks of a step among its assignees again.",
    repeatable=True,
    errors=(404, 409, 423),
)
