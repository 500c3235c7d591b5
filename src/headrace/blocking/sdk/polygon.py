"""The module of the official client for Polygon."""

from headrace.blocking._generated import Polygon

__all__ = ["Polygon"]
