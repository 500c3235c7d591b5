"""The caller's session: ping, and the caller's organizations."""

from __future__ import annotations

from headrace._version import __version__
from headrace.model.blob.layout import VERSION
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
"""The version of the official client that this API supports; that client warns about a newer number."""


@handles(PING)
async def ping(context: Context, access: Access, request: Ping) -> PingRecord:
    """Tell callers their user name and organization, and that this is headrace."""
    return PingRecord(
        username=access.username,
        default_organization=access.organization_id,
        sdk_version=SDK_VERSION,
        headrace=__version__,
        blobs=VERSION,
    )


@handles(FIND_ORGANIZATION)
async def find_organization(
    context: Context, access: Access, request: FindOrganization
) -> OrganizationRecord:
    """Find an organization of the caller by name."""
    for membership in await memberships(context, access.account):
        if membership.name == request.name:
            return _record(membership)
    raise missing(Kind.ORGANIZATION, repr(request.name))


@handles(GET_ORGANIZATION)
async def get_organization(
    context: Context, access: Access, request: GetOrganization
) -> OrganizationRecord:
    """Get an organization of the caller by id."""
    for membership in await memberships(context, access.account):
        if membership.id == request.organization_id:
            return _record(membership)
    raise missing(Kind.ORGANIZATION, request.organization_id)


def _record(membership: Membership) -> OrganizationRecord:
    return OrganizationRecord(
        id=membership.id, name=membership.name, default_connector_id=membership.connector_id
    )
