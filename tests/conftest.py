"""What every test stands on."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# How fast a machine is says nothing about whether a promise holds.
settings.register_profile("headrace", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("headrace")
