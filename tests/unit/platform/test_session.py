"""Who is calling, and for which organization."""

from __future__ import annotations

from importlib.metadata import version
from uuid import uuid4

import pytest

import headrace
from headrace.errors import NotFoundError
from headrace.protocol.operations.session import (
    FIND_ORGANIZATION,
    GET_ORGANIZATION,
    PING,
    FindOrganization,
    GetOrganization,
    Ping,
)
from tests.support.lakes.lake import Lake


async def test_ping_tells_who_and_does_not_make_the_official_client_warn(lake: Lake) -> None:
    answer = await lake.call(PING, Ping())
    assert answer.username == "local"
    assert answer.default_organization == lake.organization
    assert answer.headrace == headrace.__version__
    assert answer.sdk_version == version("picsellia")


async def test_the_own_organization_is_found_by_name_and_id(lake: Lake) -> None:
    by_name = await lake.call(FIND_ORGANIZATION, FindOrganization(name="local"))
    by_id = await lake.call(GET_ORGANIZATION, GetOrganization(organization_id=lake.organization))
    assert by_name == by_id
    assert by_id.id == lake.organization
    assert by_id.default_connector_id == lake.connector


async def test_organizations_of_others_are_not_found(lake: Lake, stranger: Lake) -> None:
    with pytest.raises(NotFoundError, match="'other'"):
        await lake.call(FIND_ORGANIZATION, FindOrganization(name="other"))
    for wanted in (stranger.organization, uuid4(), lake.id):
        with pytest.raises(NotFoundError, match=str(wanted)):
            await lake.call(GET_ORGANIZATION, GetOrganization(organization_id=wanted))
