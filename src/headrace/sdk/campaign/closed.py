"""Whether campaigns are closed. headrace says it in their records, other platforms only by what they list."""

from __future__ import annotations

from msgspec import UNSET
from msgspec.structs import replace

from headrace.model.records import CampaignRecord
from headrace.protocol.operations.campaigns import LIST_CAMPAIGNS, ListCampaigns
from headrace.sdk.base.session import Session


async def list_campaigns(session: Session, is_closed: bool | None) -> list[CampaignRecord]:
    """Return the campaigns of the organization: the closed ones, the open ones, or all (None)."""
    asked: tuple[bool | None, ...] = (is_closed,)
    if is_closed is None and not session.backend.limits.extensions:
        asked = (False, True)
    found = []
    for closed in asked:
        request = ListCampaigns(organization_id=session.organization.id, is_closed=closed)
        for record in (await session.call(LIST_CAMPAIGNS, request)).items:
            said = closed is None or record.is_closed is not UNSET
            found.append(record if said else replace(record, is_closed=bool(closed)))
    return found


async def with_closed(session: Session, record: CampaignRecord) -> CampaignRecord:
    """Return the record of a campaign with what the platform does not say in it."""
    if record.is_closed is not UNSET:
        return record
    closed = await list_campaigns(session, is_closed=True)
    return replace(record, is_closed=any(each.id == record.id for each in closed))
