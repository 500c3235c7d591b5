"""Create, list, get, update, close and delete annotation campaigns."""

from __future__ import annotations

from datetime import date

from headrace.errors import BadRequestError, ConflictError, UniqueViolationError
from headrace.model.ids import Kind
from headrace.model.records import CampaignRecord, Items
from headrace.platform.campaigns.scopes import (
    campaign_from_row,
    campaign_of,
    campaign_scope,
    step_key,
    steps_of,
)
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import check_organization, missing
from headrace.platform.core.locking import version_locks
from headrace.platform.core.released import release_instructions
from headrace.platform.core.scopes import check_unlocked, version_scope
from headrace.platform.datalake.object_names import belongs
from headrace.platform.dispatch import handles
from headrace.platform.jobs.maintenance import purge
from headrace.protocol.operations.campaigns import (
    CLOSE_CAMPAIGN,
    CREATE_CAMPAIGN,
    DELETE_CAMPAIGN,
    GET_CAMPAIGN,
    LIST_CAMPAIGNS,
    UPDATE_CAMPAIGN,
    CampaignId,
    CreateCampaign,
    ListCampaigns,
    UpdateCampaign,
)

MAX_TEXT = 64 * 1024


@handles(CREATE_CAMPAIGN)
async def create_campaign(
    context: Context, access: Access, request: CreateCampaign
) -> CampaignRecord:
    """Create the campaign of a version; 409 if it has one."""
    await _check(context, access, request)
    locks = await version_locks(context, request.version_id)
    async with context.database.transaction(*locks) as tx:
        scope = await version_scope(tx, access, request.version_id, change=True)
        no = await context.database.reserve("campaign")
        try:
            await tx.execute(
                "campaigns.add",
                no=no,
                bucket=scope.bucket,
                version=scope.no,
                description=request.description,
                instructions_text=request.instructions_text,
                instructions_object_name=request.instructions_object_name or None,
                end_date=request.end_date,
                auto_add=bool(request.auto_add_new_assets),
                auto_close=bool(request.auto_close_on_completion),
                created=context.clock(),
            )
        except UniqueViolationError:
            raise ConflictError(
                f"version {scope.full_name} has an annotation campaign already",
                hint="get_campaign() returns it; delete it to create another one",
            ) from None
        campaign = await campaign_of(tx, access.organization, no)
    assert campaign is not None
    return campaign.record


@handles(LIST_CAMPAIGNS)
async def list_campaigns(
    context: Context, access: Access, request: ListCampaigns
) -> Items[CampaignRecord]:
    """List the campaigns of the organization, newest first."""
    check_organization(access, request.organization_id)
    state = None
    if request.is_closed is not None:
        state = "CLOSED" if request.is_closed else "ACTIVE"
    rows = await context.database.fetch(
        "campaigns.of_organization", organization=access.organization, state=state
    )
    return Items(items=[campaign_from_row(row).record for row in rows])


@handles(GET_CAMPAIGN)
async def get_campaign(context: Context, access: Access, request: CampaignId) -> CampaignRecord:
    """Get a campaign by id."""
    return (await campaign_scope(context.database, access, request.campaign_id)).record


@handles(UPDATE_CAMPAIGN)
async def update_campaign(
    context: Context, access: Access, request: UpdateCampaign
) -> CampaignRecord:
    """Change the fields that are given."""
    await _check(context, access, request)
    locks = await version_locks(context, request.campaign_id, Kind.CAMPAIGN)
    async with context.database.transaction(*locks) as tx:
        campaign = await campaign_scope(tx, access, request.campaign_id, change=True)
        steps = await steps_of(tx, campaign.no)
        entry, annotated = request.default_entry_step_id, request.annotated_entry_step_id
        if request.instructions_object_name is not None:
            await release_instructions(context, tx, campaign.no)
        await tx.execute(
            "campaigns.update",
            no=campaign.no,
            description=request.description,
            instructions_text=request.instructions_text,
            instructions_object_name=request.instructions_object_name,
            end_date=request.end_date,
            auto_add=request.auto_add_new_assets,
            auto_close=request.auto_close_on_completion,
            default_entry=None if entry is None else step_key(campaign, steps, entry),
            annotated_entry=None if annotated is None else step_key(campaign, steps, annotated),
        )
        changed = await campaign_of(tx, access.organization, campaign.no)
    assert changed is not None
    return changed.record


@handles(CLOSE_CAMPAIGN)
async def close_campaign(context: Context, access: Access, request: CampaignId) -> None:
    """Close a campaign for good. Closing it again changes nothing."""
    locks = await version_locks(context, request.campaign_id, Kind.CAMPAIGN)
    async with context.database.transaction(*locks) as tx:
        campaign = await campaign_scope(tx, access, request.campaign_id)
        check_unlocked(campaign.version)
        await tx.execute("campaigns.close", no=campaign.no)


@handles(DELETE_CAMPAIGN)
async def delete_campaign(context: Context, access: Access, request: CampaignId) -> None:
    """Delete a campaign at once; its tasks are purged in the background. Annotations and assets stay."""
    locks = await version_locks(context, request.campaign_id, Kind.CAMPAIGN)
    async with context.database.transaction(*locks) as tx:
        campaign = await campaign_scope(tx, access, request.campaign_id)
        check_unlocked(campaign.version)
        await tx.execute("campaigns.doom", no=campaign.no)
    context.background.start(purge, context)


async def _check(
    context: Context, access: Access, request: CreateCampaign | UpdateCampaign
) -> None:
    """Raise a 400 for a text that is too long or an invalid date, a 404 for instructions that do not exist."""
    for text in (request.description, request.instructions_text):
        if text is not None and len(text) > MAX_TEXT:
            raise BadRequestError(f"a text is longer than {MAX_TEXT} characters")
    if request.end_date is not None:
        try:
            date.fromisoformat(request.end_date)
        except ValueError:
            raise BadRequestError(
                f"end_date {request.end_date!r} is not a date", hint="write YYYY-MM-DD"
            ) from None
    name = request.instructions_object_name or None
    if name is not None and (
        not belongs(name, access.organization) or await context.objects.receive([name]) == [None]
    ):
        raise missing(Kind.DATA, ascii(name))
