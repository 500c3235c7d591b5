"""The caller and its organization."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from headrace.model.records import OrganizationRecord, PingRecord
from headrace.protocol.operation import Operation


class Ping(Struct, kw_only=True):
    pass


class FindOrganization(Struct, kw_only=True):
    name: str


class GetOrganization(Struct, kw_only=True):
    organization_id: UUID


PING = Operation(
    name="ping",
    method="GET",
    path="/api/home/ping",
    request=Ping,
    result=PingRecord,
    doc="Return the user of the token and the default organization.",
    errors=(401,),
)
FIND_ORGANIZATION = Operation(
    name="find_organization",
    method="GET",
    path="/api/organizations/find",
    request=FindOrganization,
    result=OrganizationRecord,
    doc="Find an organization of the caller by name.",
    errors=(404,),
)
GET_ORGANIZATION = Operation(
    name="get_organization",
    method="GET",
    path="/api/organization/{organization_id}",
    request=GetOrganization,
    result=OrganizationRecord,
    doc="Get an organization of the caller.",
    errors=(404,),
)
