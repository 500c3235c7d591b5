"""How hard a host is worked: what it says holds for all that talk to it (F13, F14, F15)."""

from __future__ import annotations

import logging

import anyio
import pytest

from headrace.errors import TransferTimeoutError
from headrace.net.congestion import AdaptiveLimiter, LimiterPolicy
from tests.support.clock import Time


@pytest.fixture
def time() -> Time:
    return Time()


def host(time: Time, **pressure: float) -> AdaptiveLimiter:
    return AdaptiveLimiter("http://x", LimiterPolicy(**pressure), clock=time, sleep=time.sleep)  # type: ignore[arg-type]


async def one(host: AdaptiveLimiter, status: int = 200, wait: float | None = None) -> None:
    async with host.permit() as permit:
        await anyio.lowlevel.checkpoint()
        permit.record(status, wait)


async def test_f13_what_is_asked_of_one_holds_for_all(time: Time) -> None:
    known = host(time)
    await one(known, 429, 2.0)
    await one(known)
    assert time.now == 1002.0


async def test_f13_an_absurd_wish_is_capped_and_told(
    time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    known = host(time)
    with caplog.at_level(logging.WARNING, "headrace.net"):
        await one(known, 503, 1e9)
        await one(known)
    assert time.now == 1600.0
    assert "http://x asks to wait 1000000000 s; waiting 600 s" in caplog.text


async def test_f14_the_window_halves_once_for_a_storm_and_grows_again(time: Time) -> None:
    known = host(time, start=16, ceiling=20)
    async with anyio.create_task_group() as group:
        for _ in range(16):
            group.start_soon(one, known, 429, 0.0)
    assert known.window == 8
    for _ in range(3):
        await one(known, 429, 0.0)
    assert known.window == 1
    await one(known, 429, 0.0)
    assert known.window == 1
    for _ in range(1000):
        await one(known)
    assert known.window == 20


async def test_f14_nobody_is_forgotten(time: Time) -> None:
    """A storm among many waiters, some of whom give up: the rest all get their permit."""
    known = host(time, start=4)
    done = 0

    async def asks(number: int) -> None:
        nonlocal done
        with anyio.CancelScope() as scope:
            if number % 7 == 0:
                scope.cancel()
            await one(known, 429 if number % 5 == 0 else 200, None)
            done += 1

    async with anyio.create_task_group() as group:
        for number in range(1, 201):
            group.start_soon(asks, number)
    assert done == 200 - 200 // 7
    assert known.busy == 0


async def test_f14_silence_slows_down_too(time: Time) -> None:
    known = host(time, start=8)
    with pytest.raises(TransferTimeoutError):
        async with known.permit():
            raise TransferTimeoutError("silent")
    assert known.window == 4


async def test_f15_second_tries_are_rationed(time: Time) -> None:
    known = host(time, retries=10, retries_per_second=2)
    for _ in range(110):
        await known.wait_for_retry()
    assert time.now == pytest.approx(1050.0)


async def test_one_turn_may_last_for_several_requests_while_all_is_calm(time: Time) -> None:
    known = host(time, start=4)
    permit = await known.acquire()
    assert known.may_continue(permit)
    permit.responses = 4
    known.release(permit, None)
    assert known.window == 5
    permit = await known.acquire()
    await one(known, 503, 0.0)
    assert not known.may_continue(permit)
    known.release(permit, None)
