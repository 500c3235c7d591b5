"""The official client's name for Point."""

from headrace.blocking._generated import Point

__all__ = ["Point"]
