"""The official client's name for Polygon."""

from headrace.blocking._generated import Polygon

__all__ = ["Polygon"]
