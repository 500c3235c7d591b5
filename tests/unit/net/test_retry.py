"""When a request is sent again, and after how long."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import ConnectError, TransferError, TransferTimeoutError
from headrace.net.response import HttpResponse
from headrace.net.retry import (
    PATIENT,
    RetryPolicy,
    UnreachableError,
    backoff,
    retry_after,
    send_with_retries,
)

POLICY = RetryPolicy(attempts=4, base=0.5, cap=4.0, longest=60.0)


class Script:
    """Answers and failures in turn, the last one for ever; counts calls and waits."""

    def __init__(
        self, *steps: int | TransferError, headers: Mapping[str, str] | None = None
    ) -> None:
        self.steps = list(steps)
        self.headers = headers or {}
        self.calls = 0
        self.waits: list[float] = []

    async def send(self) -> HttpResponse:
        step = self.steps[min(self.calls, len(self.steps) - 1)]
        self.calls += 1
        if isinstance(step, TransferError):
            raise step
        return HttpResponse(step, self.headers, b"")

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def run(self, *, repeatable: bool, policy: RetryPolicy = POLICY) -> int:
        answer = await send_with_retries(
            self.send, repeatable=repeatable, policy=policy, sleep=self.sleep
        )
        return answer.status


@pytest.mark.parametrize("status", [408, 425, 429, 502, 503, 504])
async def test_what_may_be_repeated_is(status: int) -> None:
    script = Script(status, ConnectError("cut"), TransferTimeoutError("silent"), 200)
    assert await script.run(repeatable=True) == 200
    assert (script.calls, len(script.waits)) == (4, 3)


@pytest.mark.parametrize("status", [200, 204, 400, 401, 403, 404, 409, 413, 423, 500, 501])
async def test_final_answers_are_final(status: int) -> None:
    script = Script(status)
    assert await script.run(repeatable=True) == status
    assert script.calls == 1


@pytest.mark.parametrize(
    "step", [408, 502, 503, 504, ConnectError("cut"), TransferTimeoutError("x")]
)
async def test_what_may_have_run_is_not_sent_twice(step: int | TransferError) -> None:
    script = Script(step, 200)
    if isinstance(step, int):
        assert await script.run(repeatable=False) == step
    else:
        with pytest.raises(type(step)):
            await script.run(repeatable=False)
    assert script.calls == 1


@pytest.mark.parametrize("step", [425, 429, UnreachableError("refused")])
async def test_what_cannot_have_run_is_sent_again(step: int | TransferError) -> None:
    assert await Script(step, step, 201).run(repeatable=False) == 201


async def test_other_failures_are_final() -> None:
    script = Script(TransferError("no trust"))
    with pytest.raises(TransferError, match="no trust"):
        await script.run(repeatable=True)
    assert script.calls == 1


async def test_attempts_end_with_the_last_answer() -> None:
    script = Script(503)
    assert await script.run(repeatable=True) == 503
    assert script.calls == POLICY.attempts
    lost = Script(ConnectError("cut"))
    with pytest.raises(ConnectError):
        await lost.run(repeatable=True)
    assert lost.calls == POLICY.attempts


async def test_the_budget_ends_it_too() -> None:
    script = Script(503, headers={"Retry-After": "50"})
    assert await script.run(repeatable=True, policy=RetryPolicy(budget=40.0)) == 503
    assert script.waits == []


async def test_retry_after_is_a_floor_with_a_cap() -> None:
    script = Script(429, 429, 200, headers={"Retry-After": "7"})
    await script.run(repeatable=True)
    assert all(7.0 <= wait <= 7.0 + POLICY.base for wait in script.waits)
    absurd = Script(429, 200, headers={"Retry-After": "99999999999999999999"})
    await absurd.run(repeatable=True)
    assert absurd.waits[0] <= POLICY.longest + POLICY.base


@given(attempt=st.integers(1, 1000))
def test_waits_stay_below_a_doubling_ceiling(attempt: int) -> None:
    assert (
        0 <= backoff(attempt, POLICY) <= min(POLICY.cap, POLICY.base * 2.0 ** min(attempt - 1, 60))
    )


def test_jitter_spreads() -> None:
    assert len({backoff(4, POLICY) for _ in range(50)}) > 40


def test_dates_are_understood() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    found = retry_after({"Retry-After": soon})
    assert found is not None
    assert 80 < found <= 90
    past = format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)
    assert retry_after({"Retry-After": past}) == 0


@pytest.mark.parametrize("text", ["", "soon", "-3", "1e9", "١٢", "Wed, 99 Foo 2000 00:00:00 GMT"])
def test_garbage_asks_for_nothing(text: str) -> None:
    headers: dict[str, Any] = {"Retry-After": text}
    assert retry_after(headers) is None


async def test_ten_tries_outlast_a_host_that_is_away_for_forty_seconds() -> None:
    for _ in range(50):
        away = Script(*[UnreachableError("refused")] * 9, 200)
        assert await away.run(repeatable=False, policy=PATIENT) == 200
        assert sum(away.waits) >= 40.0
        assert max(away.waits) <= PATIENT.cap
    gone = Script(UnreachableError("refused"))
    with pytest.raises(UnreachableError):
        await gone.run(repeatable=True, policy=PATIENT)
    assert gone.calls == 10


@pytest.mark.parametrize("status", [429, 503])
async def test_f15_a_host_that_throttles_costs_time_but_no_tries(status: int) -> None:
    script = Script(*[status] * 100, 200, headers={"Retry-After": "3"})
    assert await script.run(repeatable=True, policy=PATIENT) == 200
    for_ever = Script(status)
    assert await for_ever.run(repeatable=True, policy=PATIENT) == status
    assert PATIENT.budget - PATIENT.cap <= sum(for_ever.waits) <= PATIENT.budget


async def test_those_who_choose_a_number_of_tries_get_it() -> None:
    script = Script(503)
    assert await script.run(repeatable=True, policy=RetryPolicy(attempts=1)) == 503
    assert script.calls == 1
