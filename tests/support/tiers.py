"""Which tests run when: a default run takes a sample where ``tools/test --all`` takes everything."""

from __future__ import annotations

from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet
from hypothesis import HealthCheck, settings

QUICK, THOROUGH = "quick", "thorough"
"""Profiles of hypothesis. ``quick`` draws a fifth of the examples, from a fixed seed, so that every run is the same."""


def register_profiles() -> None:
    """Register both profiles and load ``quick``; ``--hypothesis-profile=thorough`` overrules it."""
    # How fast a machine is says nothing about whether a promise holds.
    common: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
    settings.register_profile(QUICK, max_examples=20, derandomize=True, database=None, **common)
    settings.register_profile(THOROUGH, max_examples=100, **common)
    settings.load_profile(QUICK)


def scaled(examples: int) -> int:
    """The number of examples of a test: all of them in a thorough run, a fifth in a quick one."""
    return examples if settings.get_current_profile_name() == THOROUGH else max(1, examples // 5)


def slow(*values: Any) -> ParameterSet:
    """A parameter that only a run with ``--all`` uses."""
    return pytest.param(*values, marks=pytest.mark.slow)
