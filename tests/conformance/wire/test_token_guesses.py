"""Guessing tokens costs time, and those who share an address with the attacker keep working."""

from __future__ import annotations

import math
import time
from pathlib import Path

import aiohttp
import pytest

from headrace.errors import RateLimitError
from headrace.platform.accounts.tokens import create_token, digest_of, revoke_token
from headrace.server import guesses
from headrace.server.guesses import FORGET_SECONDS, LONGEST_SECONDS, MOST_PEERS, TokenGuard
from headrace.server.peers import network_of
from headrace.server.settings import ServerSettings
from tests.support.lakes.servers import Running, running
from tests.support.storage import kind

LIMIT = 3


async def ask(
    session: aiohttp.ClientSession, server: Running, token: str, **headers: str
) -> tuple[int, float]:
    """The status, and the seconds to wait."""
    headers["Authorization"] = f"Bearer {token}"
    async with session.get(server.address + "/api/home/ping", headers=headers) as answer:
        body = await answer.json()
        assert answer.status == 200 or body["message"]
        return answer.status, float(answer.headers.get("Retry-After", "0"))


async def test_an_attacker_is_slowed_down_and_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        running(tmp_path / "lake", ServerSettings(failed_tokens=LIMIT)) as server,
        aiohttp.ClientSession() as session,
    ):
        new, _ = await create_token(server.platform.context, name="new")
        assert await ask(session, server, server.token) == (200, 0)
        began = time.monotonic()
        came = [await ask(session, server, f"hr_{number}") for number in range(200)]
        looked_up = [status for status, _ in came].count(401)
        # One more than the limit for each wait, which begins at a second and doubles; each server counts for itself.
        waits = int(math.log2(time.monotonic() - began + 1))
        servers = 2 if kind() == "two" else 1
        assert LIMIT <= looked_up <= servers * (LIMIT + waits)
        assert {status for status, _ in came} == {401, 429}
        assert all(0 < wait <= LONGEST_SECONDS for status, wait in came if status == 429)
        # Right tokens pass during the attack, also one that the server has not seen; one that is newer waits a little.
        assert await ask(session, server, server.token) == (200, 0)
        assert await ask(session, server, new) == (200, 0)
        monkeypatch.setattr(guesses, "LEARN_SECONDS", 0.3)
        new, _ = await create_token(server.platform.context, name="newer")
        deadline = time.monotonic() + 10
        while (await ask(session, server, new))[0] != 200:
            assert time.monotonic() < deadline
            assert (await ask(session, server, "hr_again"))[0] in (401, 429)
        revoked, info = await create_token(server.platform.context, name="revoked")
        await revoke_token(server.platform.context, info.id)
        assert (await ask(session, server, revoked))[0] in (401, 429)
        # No token at all is no guess.
        async with session.get(server.address + "/api/home/ping") as answer:
            assert answer.status == 401


@pytest.mark.one_platform("each server counts the guesses that it gets")
async def test_behind_a_proxy_each_client_counts_for_itself(tmp_path: Path) -> None:
    settings = ServerSettings(failed_tokens=LIMIT, proxies=1)
    async with running(tmp_path / "lake", settings) as server, aiohttp.ClientSession() as session:
        for number in range(LIMIT + 1):
            # What the client itself put before the proxy's entry changes nothing.
            forwarded = {"X-Forwarded-For": f"10.0.0.{number}, 192.0.2.1"}
            await ask(session, server, "hr_wrong", **forwarded)
        assert (await ask(session, server, "hr_x", **{"X-Forwarded-For": "192.0.2.1"}))[0] == 429
        assert (await ask(session, server, "hr_x", **{"X-Forwarded-For": "192.0.2.2"}))[0] == 401


async def test_without_a_named_proxy_the_header_is_not_believed(tmp_path: Path) -> None:
    settings = ServerSettings(failed_tokens=LIMIT)
    async with running(tmp_path / "lake", settings) as server, aiohttp.ClientSession() as session:
        statuses = [
            (await ask(session, server, "hr_x", **{"X-Forwarded-For": f"192.0.2.{number}"}))[0]
            for number in range(LIMIT + 5)
        ]
        assert 429 in statuses


class Time:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def refused(guard: TokenGuard, peer: str, token: str = "hr_x") -> float:
    """The seconds to wait, 0 where the token may be looked up."""
    try:
        guard.check(peer, token)
    except RateLimitError as error:
        return error.retry_after or 0
    return 0


def test_waits_grow_and_are_bounded_and_forgotten() -> None:
    clock = Time()
    guard = TokenGuard(LIMIT, clock)
    waits = []
    for _ in range(LIMIT + 12):
        waited = refused(guard, "192.0.2.1")
        waits.append(waited)
        clock.now += waited
        guard.check("192.0.2.1", "hr_x")
        guard.wrong("192.0.2.1")
    assert waits[:LIMIT] == [0] * LIMIT
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_SECONDS
    assert refused(guard, "192.0.2.2") == 0
    clock.now += FORGET_SECONDS + 1
    guard.wrong("192.0.2.1")
    assert refused(guard, "192.0.2.1") == 0


def test_of_many_at_once_one_is_looked_up() -> None:
    clock = Time()
    guard = TokenGuard(LIMIT, clock)
    for _ in range(LIMIT):
        guard.wrong("192.0.2.1")
    clock.now += refused(guard, "192.0.2.1")
    assert guard.check("192.0.2.1", "hr_a")
    with pytest.raises(RateLimitError):
        guard.check("192.0.2.1", "hr_b")
    # Where it was right, the next need not wait.
    guard.right("192.0.2.1", digest_of("hr_a"), was_tried=True)
    assert refused(guard, "192.0.2.1", "hr_a") == 0
    assert guard.check("192.0.2.1", "hr_b")


def test_a_known_token_does_not_lift_the_wait_for_guesses() -> None:
    guard = TokenGuard(LIMIT, Time())
    guard.right("192.0.2.1", digest_of("hr_mine"), was_tried=False)
    for _ in range(LIMIT):
        guard.wrong("192.0.2.1")
    was_tried = guard.check("192.0.2.1", "hr_mine")
    guard.right("192.0.2.1", digest_of("hr_mine"), was_tried=was_tried)
    assert refused(guard, "192.0.2.1", "hr_guess") > 0


def test_a_network_of_ipv6_is_one_client() -> None:
    guard = TokenGuard(LIMIT, Time())
    for number in range(LIMIT):
        guard.wrong(f"2001:db8:1:2::{number + 1:x}")
    assert refused(guard, "2001:db8:1:2:ffff::9") > 0
    assert refused(guard, "2001:db8:1:3::1") == 0


def test_the_oldest_address_is_forgotten_where_there_are_too_many() -> None:
    guard = TokenGuard(LIMIT, Time())
    for _ in range(LIMIT):
        guard.wrong("192.0.2.1")
    assert refused(guard, "192.0.2.1") > 0
    for number in range(MOST_PEERS):
        guard.wrong(f"198.18.{number // 256}.{number % 256}")
    assert refused(guard, "192.0.2.1") == 0


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("not:an:address", "not:an:address"),
    ],
)
def test_the_network_of_an_address(peer: str, network: str) -> None:
    assert network_of(peer) == network
