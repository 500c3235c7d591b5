"""The campaigns and steps that ids name, with what their rooms need to know of them."""

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
"""In the place of a step's key: the task is done at once, in the last step."""

_WIDTH = 11


class Assignee(Struct, frozen=True):
    """Somebody who gets tasks of a step, and how many that were so far."""

    account: int
    weight: float
    dealt: int
    created: int

    @property
    def record(self) -> AssigneeRecord:
        """The assignee as the API shows it."""
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
        """Whether the asset is in this step's share of all: spread evenly, the same at every asking."""
        rate = self.sample_rate
        return rate is None or int(asset * rate) > int((asset - 1) * rate)


class Campaign(Struct, frozen=True):
    """A campaign of a version of the caller's organization; ``entry`` and ``annotated`` are keys of steps."""

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
        """Where the campaign's tasks lie."""
        return {"bucket": self.version.bucket, "campaign": self.no}

    def ids(self, kind: Kind) -> IdScope:
        """Ids of steps or assignments of this campaign."""
        return IdScope(kind, self.created, self.version.bucket, self.no)

    @property
    def record(self) -> CampaignRecord:
        """The campaign as the API shows it."""
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
        """A step of it as the API shows it."""
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
    """The campaign of an id; 404 where it is not there for this caller.

    A ``change`` is refused with 423 where the version is locked, with 409 where the campaign is closed.
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
    """The campaign of a step or assignment, and its number there; 404 as for the part itself."""
    key = key_of(id, kind)
    campaign = await campaign_of(statements, access.organization, key.scope)
    if campaign is None or campaign.ids(kind).seq(id) is None:
        raise missing(kind, id)
    return (check_open(campaign) if change else campaign), key.seq


async def campaign_of(statements: Statements, organization: int, no: int) -> Campaign | None:
    """A campaign of an organization by number."""
    row = await statements.fetch_one("campaigns.by_no", no=no, organization=organization)
    return None if row is None else campaign_from_row(row)


def campaign_from_row(row: Row) -> Campaign:
    """A row of the statements of campaigns; the columns of its version follow."""
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
    """The campaign itself; 423 where its version is locked, 409 where it is closed."""
    check_unlocked(campaign.version)
    if campaign.closed:
        raise ConflictError(
            f"the campaign of {campaign.version.full_name} is closed",
            hint="fork the version and make a new campaign there",
        )
    return campaign


async def steps_of(statements: Statements, campaign: int) -> list[Step]:
    """The steps of a campaign in the order of its workflow."""
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
    """The step of an id with its campaign and all of its steps; 404 where it is not there for this caller."""
    campaign, key = await campaign_of_part(statements, access, id, Kind.STEP, change=change)
    steps = await steps_of(statements, campaign.no)
    for step in steps:
        if step.key == key:
            return campaign, step, steps
    raise missing(Kind.STEP, id)


def step_key(campaign: Campaign, steps: list[Step], id: UUID | str) -> int:
    """The key of a step of the campaign, :data:`ENDED` for ``DONE``; 404 for the id of any other."""
    if id == DONE:
        return ENDED
    try:
        wanted = UUID(str(id))
    except ValueError:
        raise BadRequestError(f"{id!r} is no step", hint=f"give the id of one, or {DONE}") from None
    key = campaign.ids(Kind.STEP).seq(wanted)
    if key is None or key not in {step.key for step in steps}:
        raise missing(Kind.STEP, id)
    return key


def user_id(account: int, created: int) -> UUID:
    """The id of a user."""
    return encode(Kind.USER, created, 0, account)
