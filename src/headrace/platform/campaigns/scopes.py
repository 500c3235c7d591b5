"""The campaign or step of an id, checked to belong to the caller."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import Struct

from headrace.errors import BadRequestError, ConflictError
from headrace.model.enums import CampaignStepType
from headrace.model.ids import IdScope, Kind, encode
from headrace.model.records import AssigneeRecord, CampaignRecord, CampaignStepRecord
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import check_id, key_of, missing
from headrace.platform.core.scopes import VersionScope, check_unlocked, version_from_row
from headrace.protocol.operations.campaigns import DONE
from headrace.storage.database.base import Row, Statements

ENDED = 0
"""Stands for a step's key: the task counts as done at once, in the last step."""

_WIDTH = 11


class Assignee(Struct, frozen=True):
    """A user who gets tasks of a step; ``dealt`` counts the tasks so far."""

    account: int
    weight: float
    dealt: int
    created: int

    @property
    def record(self) -> AssigneeRecord:
        """The assignee's record."""
        return AssigneeRecord(user_id=user_id(self.account, self.created), weight=self.weight)


class Step(Struct, frozen=True):
    """A step of a campaign; ``position`` counts from 0."""

    key: int
    position: int
    name: str
    type: CampaignStepType
    description: str | None
    sample_rate: float | None
    assignees: list[Assignee]

    def takes(self, asset: int) -> bool:
        """Whether the step's sample includes the asset. The sample is spread evenly and always the same."""
        rate = self.sample_rate
        return rate is None or int(asset * rate) > int((asset - 1) * rate)


class Campaign(Struct, frozen=True):
    """A campaign of a version of the caller's organization; ``entry`` and ``annotated`` are step keys."""

    no: int
    created: int
    version: VersionScope
    closed: bool
    description: str | None
    instructions_text: str | None
    instructions_object_name: str | None
    end_date: str | None
    auto_add: bool
    auto_close: bool
    entry: int | None
    annotated: int | None

    @property
    def id(self) -> UUID:
        """The campaign's id."""
        return encode(Kind.CAMPAIGN, self.created, self.version.bucket, self.no)

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of statements about the campaign's tasks."""
        return {"bucket": self.version.bucket, "campaign": self.no}

    def ids(self, kind: Kind) -> IdScope:
        """Encodes and decodes ids of the campaign's steps or assignments."""
        return IdScope(kind, self.created, self.version.bucket, self.no)

    @property
    def record(self) -> CampaignRecord:
        """The campaign's record."""
        steps = self.ids(Kind.STEP)
        annotated = None if self.annotated is None else steps.text(self.annotated)
        return CampaignRecord(
            id=self.id,
            dataset_version_id=self.version.id,
            description=self.description,
            instructions_text=self.instructions_text,
            instructions_object_name=self.instructions_object_name,
            end_date=self.end_date,
            auto_add_new_assets=self.auto_add,
            auto_close_on_completion=self.auto_close,
            default_entry_step_id=None if self.entry is None else steps.id(self.entry),
            annotated_entry_step_id=DONE if self.annotated == ENDED else annotated,
            is_closed=self.closed,
        )

    def step_record(self, step: Step) -> CampaignStepRecord:
        """Build the record of one of the campaign's steps."""
        return CampaignStepRecord(
            id=self.ids(Kind.STEP).id(step.key),
            name=step.name,
            order=step.position,
            type=step.type,
            description=step.description,
            sample_rate=step.sample_rate,
            assignees=[assignee.record for assignee in step.assignees],
        )


async def campaign_scope(
    statements: Statements, access: Access, id: UUID, *, change: bool = False
) -> Campaign:
    """Find a campaign by id; 404 if the caller's organization has none of this id.

    A ``change`` raises a 423 if the version is locked, a 409 if the campaign is closed.
    """
    key = key_of(id, Kind.CAMPAIGN)
    campaign = await campaign_of(statements, access.organization, key.number)
    if campaign is None:
        raise missing(Kind.CAMPAIGN, id)
    check_id(id, Kind.CAMPAIGN, campaign.created, campaign.version.bucket, campaign.no)
    return check_open(campaign) if change else campaign


async def campaign_of_part(
    statements: Statements, access: Access, id: UUID, kind: Kind, *, change: bool = False
) -> tuple[Campaign, int]:
    """Find the campaign of a step or assignment; returns it with the part's number. 404 names the part."""
    key = key_of(id, kind)
    campaign = await campaign_of(statements, access.organization, key.scope)
    if campaign is None or campaign.ids(kind).seq(id) is None:
        raise missing(kind, id)
    return (check_open(campaign) if change else campaign), key.seq


async def campaign_of(statements: Statements, organization: int, no: int) -> Campaign | None:
    """Find a campaign of an organization by number."""
    row = await statements.fetch_one("campaigns.by_no", no=no, organization=organization)
    return None if row is None else campaign_from_row(row)


def campaign_from_row(row: Row) -> Campaign:
    """Build a campaign from a row of ``campaigns.by_no``, which ends with the columns of its version."""
    no, created, state, description, text, object_name, end_date, *flags = row[:_WIDTH]
    auto_add, auto_close, entry, annotated = flags
    return Campaign(
        no=no,
        created=created,
        version=version_from_row(row[_WIDTH:]),
        closed=state == "CLOSED",
        description=description,
        instructions_text=text,
        instructions_object_name=object_name,
        end_date=end_date,
        auto_add=bool(auto_add),
        auto_close=bool(auto_close),
        entry=entry,
        annotated=annotated,
    )


def check_open(campaign: Campaign) -> Campaign:
    """Return the campaign; 423 if its version is locked, 409 if it is closed."""
    check_unlocked(campaign.version)
    if campaign.closed:
        raise ConflictError(
            f"the campaign of {campaign.version.full_name} is closed",
            hint="fork the version and create a new campaign there",
        )
    return campaign


async def steps_of(statements: Statements, campaign: int) -> list[Step]:
    """Read the steps of a campaign in the order of its workflow."""
    rows = await statements.fetch("campaigns.steps", campaign=campaign)
    assignees: dict[int, list[Assignee]] = {}
    for step, *assignee in await statements.fetch("campaigns.assignees", campaign=campaign):
        assignees.setdefault(step, []).append(Assignee(*assignee))
    return [
        Step(
            key=key,
            position=position,
            name=name,
            type=CampaignStepType(kind),
            description=description,
            sample_rate=rate,
            assignees=assignees.get(key, []),
        )
        for key, position, name, kind, description, rate in rows
    ]


async def step_scope(
    statements: Statements, access: Access, id: UUID, *, change: bool = False
) -> tuple[Campaign, Step, list[Step]]:
    """Find a step by id; returns its campaign, the step and all steps. 404 if the organization has none of this id."""
    campaign, key = await campaign_of_part(statements, access, id, Kind.STEP, change=change)
    steps = await steps_of(statements, campaign.no)
    for step in steps:
        if step.key == key:
            return campaign, step, steps
    raise missing(Kind.STEP, id)


def step_key(campaign: Campaign, steps: list[Step], id: UUID | str) -> int:
    """Return the key of a step, :data:`ENDED` for ``DONE``; 404 if the campaign has no such step."""
    if id == DONE:
        return ENDED
    try:
        wanted = UUID(str(id))
    except ValueError:
        raise BadRequestError(
            f"{id!r} is not a step", hint=f"give the id of a step, or {DONE}"
        ) from None
    key = campaign.ids(Kind.STEP).seq(wanted)
    if key is None or key not in {step.key for step in steps}:
        raise missing(Kind.STEP, id)
    return key


def user_id(account: int, created: int) -> UUID:
    """Encode the id of a user."""
    return encode(Kind.USER, created, 0, account)
