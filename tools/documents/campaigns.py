"""The JSON objects of the commands for campaigns."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from tools.documents.base import Change, Document, Part


class CampaignBody(Part):
    """A campaign."""

    version: str
    id: str
    state: str


class CampaignListDocument(Document):
    """headrace campaign list."""

    campaigns: list[CampaignBody]


class StepBody(Part):
    """A step of a campaign."""

    name: str
    type: str
    id: str


class CampaignShowDocument(CampaignBody):
    """headrace campaign show; ``progress`` has the number of assignments by step and status."""

    schema: str
    steps: list[StepBody]
    progress: dict[str, dict[str, int]]
    issues: list[dict[str, Any]]
    instructions: str | None | UnsetType = UNSET


class CampaignDocument(Change):
    """headrace campaign create, and headrace campaign edit."""

    version: str
    id: str | None


class CampaignAddStepDocument(Change):
    """headrace campaign add-step."""

    version: str
    step: str
    added: bool


class CampaignRemoveStepDocument(Change):
    """headrace campaign remove-step."""

    version: str
    step: str
    moved: int
    to: str


class CampaignSyncDocument(Change):
    """headrace campaign sync."""

    version: str
    missing: int
    assignments: int


class AssignmentBody(Part):
    """An assignment."""

    file: str
    step: str | None
    status: str
    user: str | None
    id: str


class CampaignAssignmentsDocument(Document):
    """headrace campaign assignments."""

    version: str
    count: int
    assignments: list[AssignmentBody]


class CampaignAssignDocument(Change):
    """headrace campaign assign."""

    version: str
    user: str
    count: int


class CampaignSubmitDocument(Change):
    """headrace campaign submit."""

    version: str
    file: str
    status: str


class CampaignEndDocument(Change):
    """headrace campaign close, and headrace campaign delete."""

    version: str
    assignments: int


CAMPAIGNS: dict[str, type[Struct]] = {
    "headrace.campaign.list/1": CampaignListDocument,
    "headrace.campaign.show/1": CampaignShowDocument,
    "headrace.campaign.create/1": CampaignDocument,
    "headrace.campaign.edit/1": CampaignDocument,
    "headrace.campaign.add-step/1": CampaignAddStepDocument,
    "headrace.campaign.remove-step/1": CampaignRemoveStepDocument,
    "headrace.campaign.sync/1": CampaignSyncDocument,
    "headrace.campaign.assignments/1": CampaignAssignmentsDocument,
    "headrace.campaign.assign/1": CampaignAssignDocument,
    "headrace.campaign.submit/1": CampaignSubmitDocument,
    "headrace.campaign.close/1": CampaignEndDocument,
    "headrace.campaign.delete/1": CampaignEndDocument,
}
"""The class of each form."""
