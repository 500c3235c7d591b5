"""The official client's name for Processing."""

from headrace.blocking._generated import Processing

__all__ = ["Processing"]
