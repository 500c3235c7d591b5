"""Organizations and members: made by the owner of the folder; an organization always has an owner."""

from __future__ import annotations

import pytest

from headrace.errors import (
    AuthenticationError,
    BadRequestError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
)
from headrace.platform.accounts.members import (
    create_organization,
    list_organizations,
    remove_user,
    rename_organization,
    set_member,
)
from headrace.platform.accounts.tokens import authenticate, create_token, list_tokens
from headrace.platform.core.access import local_access
from headrace.protocol.operations import datalake
from tests.support.lakes.lake import Lake


async def members(lake: Lake) -> dict[str, dict[str, str]]:
    return {each.name: each.members for each in await list_organizations(lake.platform.context)}


async def test_an_organization_is_made_with_a_datalake(lake: Lake) -> None:
    context = lake.platform.context
    assert await create_organization(context, "vision", owner="ann") == "ann"
    assert await members(lake) == {"local": {"local": "owner"}, "vision": {"ann": "owner"}}
    access = await local_access(context, organization_name="vision", username="ann")
    assert access.is_owner
    made = await lake.platform.call(
        access,
        datalake.FIND_DATALAKE,
        datalake.FindDatalake(organization_id=access.organization_id),
    )
    assert made.name == "default"
    assert made.id != lake.id
    assert made.connector_id != lake.connector
    token, info = await create_token(context, username="ann", organization_name="vision")
    assert info.organization == "vision"
    assert (await authenticate(context, token)).membership.name == "vision"


async def test_the_lakes_own_account_owns_what_names_no_owner(lake: Lake) -> None:
    assert await create_organization(lake.platform.context, "vision") == "local"
    token, _ = await create_token(lake.platform.context, organization_name="vision")
    assert (await authenticate(lake.platform.context, token)).username == "local"


async def test_names_are_unique_and_valid(lake: Lake) -> None:
    context = lake.platform.context
    await create_organization(context, "vision")
    for name in ("vision", "local"):
        with pytest.raises(ConflictError, match="already"):
            await create_organization(context, name)
    for name in ("", "a\nb"):
        with pytest.raises(BadRequestError):
            await create_organization(context, name)
    with pytest.raises(ConflictError, match="already"):
        await rename_organization(context, "vision", "local")
    with pytest.raises(NotFoundError, match="the lake has: local, vision"):
        await rename_organization(context, "nowhere", "x")
    token, _ = await create_token(context, organization_name="vision")
    await rename_organization(context, "vision", "sight")
    assert set(await members(lake)) == {"local", "sight"}
    assert (await authenticate(context, token)).membership.name == "sight"


async def test_roles_are_given_and_changed(lake: Lake) -> None:
    context = lake.platform.context
    assert await set_member(context, "local", "ann", "member") is None
    assert await set_member(context, "local", "ann", "owner") == "member"
    assert await members(lake) == {"local": {"local": "owner", "ann": "owner"}}
    token, _ = await create_token(context, username="ann")
    assert (await authenticate(context, token)).membership.is_owner
    assert await set_member(context, "local", "local", "member") == "owner"
    with pytest.raises(ConflictError, match="ann is the last owner of organization 'local'"):
        await set_member(context, "local", "ann", "member")
    # Another token for a member leaves the role as it is.
    await create_token(context, username="ann")
    assert (await members(lake))["local"] == {"local": "member", "ann": "owner"}
    # Without a name, the owner acts.
    assert (await local_access(context)).username == "ann"


async def test_a_removed_user_has_no_way_in(lake: Lake) -> None:
    context = lake.platform.context
    await create_organization(context, "vision")
    here, _ = await create_token(context, username="ann")
    there, _ = await create_token(context, username="ann", organization_name="vision")
    other, _ = await create_token(context, username="bob")
    assert await remove_user(context, "ann", organization="vision") == (["vision"], 1)
    with pytest.raises(AuthenticationError, match="revoked"):
        await authenticate(context, there)
    await authenticate(context, here)
    assert await remove_user(context, "ann") == (["local"], 1)
    with pytest.raises(AuthenticationError, match="revoked"):
        await authenticate(context, here)
    with pytest.raises(PermissionDeniedError, match="belongs to no organization"):
        await local_access(context, username="ann")
    await authenticate(context, other)
    with pytest.raises(NotFoundError, match="the lake has no user 'ann'"):
        await remove_user(context, "ann")
    # Who comes back starts without the old tokens.
    again, _ = await create_token(context, username="ann")
    assert (await authenticate(context, again)).username == "ann"
    with pytest.raises(AuthenticationError):
        await authenticate(context, here)


async def test_the_last_owner_stays(lake: Lake) -> None:
    context = lake.platform.context
    await create_token(context, username="ann")
    with pytest.raises(ConflictError, match="last owner"):
        await remove_user(context, "local")
    assert all(token.revoked is None for token in await list_tokens(context))
    await set_member(context, "local", "ann", "owner")
    await remove_user(context, "local")
    assert await members(lake) == {"local": {"ann": "owner"}}
    assert (await local_access(context)).username == "ann"


async def test_of_two_organizations_none_is_left_where_one_would_lose_its_owner(
    lake: Lake,
) -> None:
    context = lake.platform.context
    await create_organization(context, "vision", owner="ann")
    await set_member(context, "local", "ann", "member")
    with pytest.raises(ConflictError, match="'vision'"):
        await remove_user(context, "ann")
    assert (await members(lake))["local"] == {"local": "owner", "ann": "member"}


async def test_a_dry_run_changes_nothing(lake: Lake) -> None:
    context = lake.platform.context
    await create_token(context, username="ann")
    before = await members(lake)
    assert await create_organization(context, "vision", owner="eve", dry_run=True) == "eve"
    await rename_organization(context, "local", "other", dry_run=True)
    assert await set_member(context, "local", "ann", "owner", dry_run=True) == "member"
    assert await remove_user(context, "ann", dry_run=True) == (["local"], 1)
    assert await members(lake) == before
    assert [token.revoked for token in await list_tokens(context)] == [None]


async def test_a_token_names_only_organizations_and_members_that_exist(lake: Lake) -> None:
    context = lake.platform.context
    await create_organization(context, "vision", owner="ann")
    with pytest.raises(NotFoundError, match="the lake has: local, vision"):
        await create_token(context, organization_name="acme")
    with pytest.raises(NotFoundError, match="local is no member of organization 'vision'"):
        await create_token(context, organization_name="vision")
