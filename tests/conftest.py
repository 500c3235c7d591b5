"""What every test stands on."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# How fast a machine is says nothing about whether a promise holds.
settings.register_profile("headrace", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("headrace")


@pytest.fixture(scope="session", autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is remembered of uploads is no person's own."""
    os.environ["HEADRACE_STATE"] = str(tmp_path_factory.mktemp("state"))
    yield
    del os.environ["HEADRACE_STATE"]
