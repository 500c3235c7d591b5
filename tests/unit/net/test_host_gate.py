"""What a host asks of one call holds for all calls, and retries come from one bucket (F13, F15)."""

from __future__ import annotations

import anyio
import pytest
from aiohttp import web

from headrace.net.api_session import ApiSession
from headrace.net.host_gate import GatePolicy, HostGate
from tests.support.clock import Time


@pytest.fixture
def time() -> Time:
    return Time()


def gate(time: Time, **policy: float) -> HostGate:
    return HostGate("http://x", GatePolicy(**policy), clock=time, sleep=time.sleep)


async def test_a_pause_holds_for_all(time: Time) -> None:
    found = gate(time)
    assert found.pause_left() <= 0
    found.record(503, 5.0)
    found.record(429, 2.0)
    await found.wait()
    assert time.now == 1005.0
    found.record(200, None)
    assert found.pause_left() <= 0


async def test_pauses_of_a_host_that_names_none_double_once_for_all_calls(time: Time) -> None:
    found = gate(time, base=1.0, cap=64.0)
    for _ in range(100):
        found.record(503, None)
    assert found.pause_left() <= 1.0
    longest = 0.0
    for _ in range(12):
        await found.wait()
        found.record(503, None)
        longest = max(longest, found.pause_left())
    assert 1.0 < longest <= 64.0


async def test_an_outage_does_not_multiply_the_load(time: Time) -> None:
    """Of 500 calls that fail again and again, a host sees 64 retries at once and two a second."""
    found = gate(time)
    retries = 0

    async def one() -> None:
        nonlocal retries
        while time.now < 1060.0:
            await found.wait_for_retry()
            retries += 1

    async with anyio.create_task_group() as group:
        for _ in range(500):
            group.start_soon(one)
    assert retries <= 64 + 2 * (time.now - 1000.0) + 1


async def test_all_calls_of_a_session_wait_when_one_is_asked_to() -> None:
    seen: list[float] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(anyio.current_time())
        if len(seen) == 1:
            return web.Response(status=429, headers={"Retry-After": "1"})
        return web.json_response({})

    app = web.Application()
    app.router.add_get("/x", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    session = ApiSession(f"http://127.0.0.1:{site.port}", "token", user_agent="test")
    try:
        first = await session.send("GET", "/x", query=[], body=None, headers={})
        assert first.status == 429
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(_send, session)
    finally:
        await session.aclose()
        await runner.cleanup()
    assert len(seen) == 6
    assert all(at - seen[0] >= 0.9 for at in seen[1:])


async def _send(session: ApiSession) -> None:
    assert (await session.send("GET", "/x", query=[], body=None, headers={})).status == 200
