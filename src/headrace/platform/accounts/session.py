"""Who is calling, and for which organization."""

from __future__ import annotations

from headrace._version import __version__
from headrace.model.ids import Kind
from headrace.model.records import OrganizationRecord, PingRecord
from headrace.platform.context import Context
from headrace.platform.core.access import Access, Membership, memberships
from headrace.platform.core.identifiers import missing
from headrace.platform.dispatch import handles
from headrace.protocol.operations.session import (
    FIND_ORGANIZATION,
    GET_ORGANIZATION,
    PING,
    FindOrganization,
    GetOrganization,
    Ping,
)

SDK_VERSION = "6.37.0"
"""The official client up to which the API is spoken; a newer number would make that client warn."""


@handles(PING)
async def ping(context: Context, access: Access, request: Ping) -> PingRecord:
    """Who the caller is, and that this is a headrace server."""
    return PingRecord(
        username=access.username,
        default_organization=access.organization_id,
        sdk_version=SDK_VERSION,
        headrace=__version__,
    )


@handles(FIND_ORGANIZATION)
async def find_organization(
    context: Context, access: Access, request: FindOrganization
) -> OrganizationRecord:
    """An organization of the caller by name."""
    for membership in await memberships(context, access.account):
        if membership.name == request.name:
            return _record(membership)
    raise missing(Kind.ORGANIZATION, repr(request.name))


@handles(GET_ORGANIZATION)
async def get_organization(
    context: Context, access: Access, request: GetOrganization
) -> OrganizationRecord:
    """An organization of the caller by id."""
    for membership in await memberships(context, access.account):
        if membership.id == request.organization_id:
            return _record(membership)
    raise missing(Kind.ORGANIZATION, request.organization_id)


def _record(membership: Membership) -> OrganizationRecord:
    return OrganizationRecord(
        id=membership.id, name=membership.name, default_connector_id=membership.connector_id
    )
