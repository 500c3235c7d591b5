"""The module of the official client for Point."""

from headrace.blocking._generated import Point

__all__ = ["Point"]
