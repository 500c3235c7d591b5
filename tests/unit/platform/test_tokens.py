"""Tokens: shown once, kept as a digest, bound to an organization, ended at once."""

from __future__ import annotations

import hashlib
from uuid import uuid4

import msgspec
import pytest

from headrace.errors import (
    AuthenticationError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
)
from headrace.platform.accounts.signing_keys import signing_keys
from headrace.platform.accounts.tokens import (
    USED_EVERY_MS,
    authenticate,
    create_token,
    list_tokens,
    revoke_token,
)
from headrace.platform.context import CALLER_SECONDS
from headrace.platform.core.access import local_access
from headrace.platform.platform import Platform
from headrace.platform.remembered import MOST, Remembered
from tests.support.lakes.lake import Lake
from tests.support.processes.waiting import until


@pytest.mark.sqlite_only("reads the file of a lake")
async def test_a_token_opens_its_organization_and_is_nowhere_in_the_lake(lake: Lake) -> None:
    token, info = await create_token(lake.platform.context, name="ci")
    assert token.startswith("hr_")
    assert len(token) >= 3 + 43
    caller = await authenticate(lake.platform.context, token)
    assert (caller.account, caller.username) == (1, "local")
    assert caller.membership.id == lake.organization
    assert token not in repr(info)
    (listed,) = await list_tokens(lake.platform.context)
    assert msgspec.structs.replace(listed, last_used=None) == info
    await lake.platform.context.database.fetch("accounts.tokens")
    content = b"".join(
        path.read_bytes() for path in lake.platform.context.path.glob("headrace.db*")
    )
    assert token.encode() not in content
    assert token.removeprefix("hr_").encode() not in content
    assert hashlib.sha256(token.encode()).digest() in content


async def test_two_tokens_are_never_alike(lake: Lake) -> None:
    made = {(await create_token(lake.platform.context))[0] for _ in range(20)}
    assert len(made) == 20


@pytest.mark.parametrize(
    "token", [None, "", "hr_", "hr_" + "A" * 43, "\0", "\ud800", "x" * 100_000]
)
async def test_what_is_no_token_is_refused(lake: Lake, token: str | None) -> None:
    await create_token(lake.platform.context)
    with pytest.raises(AuthenticationError) as caught:
        await authenticate(lake.platform.context, token)
    assert caught.value.status == 401
    assert len(str(caught.value)) < 200


async def test_a_revoked_token_is_refused_at_once(lake: Lake) -> None:
    token, info = await create_token(lake.platform.context, name="ci")
    other, _ = await create_token(lake.platform.context, name="other")
    await revoke_token(lake.platform.context, info.id)
    await revoke_token(lake.platform.context, info.id)
    with pytest.raises(AuthenticationError, match="revoked"):
        await authenticate(lake.platform.context, token)
    await authenticate(lake.platform.context, other)
    first, second = await list_tokens(lake.platform.context)
    assert first.revoked is not None
    assert second.revoked is None


async def test_tokens_are_revoked_by_name_while_the_name_says_which(lake: Lake) -> None:
    for _ in range(2):
        await create_token(lake.platform.context, name="ci")
    with pytest.raises(ConflictError, match="2 tokens"):
        await revoke_token(lake.platform.context, "ci")
    first, _ = await list_tokens(lake.platform.context)
    await revoke_token(lake.platform.context, str(first.id))
    assert (await revoke_token(lake.platform.context, "ci")).id != first.id
    with pytest.raises(NotFoundError, match="nobody"):
        await revoke_token(lake.platform.context, "nobody")


async def test_an_expired_token_is_refused(lake: Lake) -> None:
    token, info = await create_token(lake.platform.context, lifetime=0)
    assert info.expires is not None
    with pytest.raises(AuthenticationError, match="expired"):
        await authenticate(lake.platform.context, token)
    long_lived, _ = await create_token(lake.platform.context, lifetime=3600)
    await authenticate(lake.platform.context, long_lived)


async def test_a_token_is_only_good_for_its_organization(lake: Lake, stranger: Lake) -> None:
    await lake.platform.context.database.execute(
        "accounts.set_membership", organization=2, account=1, role="member"
    )
    token, info = await create_token(lake.platform.context, organization_name="other")
    assert info.organization == "other"
    assert (await authenticate(lake.platform.context, token)).membership.id == stranger.organization
    await authenticate(lake.platform.context, token, stranger.organization)
    for organization in (lake.organization, uuid4()):
        with pytest.raises(PermissionDeniedError):
            await authenticate(lake.platform.context, token, organization)


async def test_an_unknown_organization_is_named_with_the_known_ones(lake: Lake) -> None:
    with pytest.raises(NotFoundError, match="the lake has: local"):
        await create_token(lake.platform.context, organization_name="acme")
    with pytest.raises(NotFoundError, match="you are a member of: local"):
        await local_access(lake.platform.context, organization_name="acme")
    with pytest.raises(PermissionDeniedError):
        await local_access(lake.platform.context, organization_id=uuid4())


async def test_signing_keys_are_kept_and_never_shown(lake: Lake) -> None:
    (key,) = await signing_keys(lake.platform.context)
    assert len(key.secret) == 32
    assert key.secret.hex() not in repr(key)
    assert repr(key.secret) not in repr(key)
    assert await signing_keys(lake.platform.context) == [key]


async def test_the_last_use_is_recorded_beside_the_calls_and_not_at_each(lake: Lake) -> None:
    context = lake.platform.context
    token, _ = await create_token(context)
    now = [context.clock()]
    context.clock = lambda: now[0]  # type: ignore[assignment, return-value]

    async def used() -> int | None:
        await until(lambda: not context.noted_tokens)
        return (await list_tokens(context))[0].last_used

    assert await used() is None
    await authenticate(context, token)
    first = now[0]
    assert await used() == first
    now[0] += USED_EVERY_MS - 1
    async with await Platform.open(context.path) as other:
        # Neither this process nor another one writes again so soon.
        other.context.clock = context.clock
        for each in (context, other.context):
            await authenticate(each, token)
            assert not each.noted_tokens
        now[0] += 2
        # Where servers share a platform, they remember a token for some seconds.
        other.context.callers.forget()
        await authenticate(other.context, token)
        await until(lambda: not other.context.noted_tokens)
    assert await used() == now[0]


async def test_a_refused_token_is_not_used(lake: Lake) -> None:
    context = lake.platform.context
    token, info = await create_token(context)
    await revoke_token(context, info.id)
    with pytest.raises(AuthenticationError, match="revoked"):
        await authenticate(context, token)
    assert not context.noted_tokens
    assert (await list_tokens(context))[0].last_used is None


async def test_a_server_beside_others_refuses_a_revoked_token_within_five_seconds(
    lake: Lake,
) -> None:
    context = lake.platform.context
    token, info = await create_token(context)
    seconds = [100.0]
    async with await Platform.open(context.path) as other:
        other.context.share()
        other.context.callers = Remembered(CALLER_SECONDS, clock=lambda: seconds[0])
        assert await authenticate(other.context, token) == await authenticate(context, token)
        await revoke_token(context, info.id)
        assert await authenticate(other.context, token) is not None
        seconds[0] += 5
        with pytest.raises(AuthenticationError, match="revoked"):
            await authenticate(other.context, token)


async def test_a_server_refuses_a_token_at_once_that_it_has_revoked_itself(lake: Lake) -> None:
    context = lake.platform.context
    context.share()
    token, info = await create_token(context)
    await authenticate(context, token)
    await revoke_token(context, info.id)
    with pytest.raises(AuthenticationError, match="revoked"):
        await authenticate(context, token)


async def test_a_remembered_token_expires_in_time(lake: Lake) -> None:
    context = lake.platform.context
    context.share()
    token, _ = await create_token(context, lifetime=60)
    await authenticate(context, token)
    now = context.clock() + 60_001
    context.clock = lambda: now  # type: ignore[assignment, return-value]
    with pytest.raises(AuthenticationError, match="expired"):
        await authenticate(context, token)


def test_what_is_remembered_has_an_end_and_a_limit() -> None:
    seconds = [0.0]
    known: Remembered[int] = Remembered(4.0, clock=lambda: seconds[0])
    began = known.now()
    seconds[0] = 1.0
    known.keep("a", 1, began)
    assert known.find("a") == 1
    seconds[0] = 4.5  # counted from before it was read
    assert known.find("a") is None
    for key in range(MOST + 1):
        known.keep(key, key, seconds[0])
    assert [known.find(key) for key in (0, MOST)] == [None, MOST]
    nothing: Remembered[int] = Remembered()
    nothing.keep("a", 1, nothing.now())
    assert nothing.find("a") is None
