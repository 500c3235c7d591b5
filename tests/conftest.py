"""What every test stands on."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from tests.support import methods

# How fast a machine is says nothing about whether a promise holds.
settings.register_profile("headrace", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("headrace")


def pytest_configure() -> None:
    if methods.folder() is not None:
        methods.watch_headrace()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if methods.folder() is not None and call.when == "call":
        if report.passed:
            methods.passed(item.nodeid)
        methods.CALLS.take()
    return report
