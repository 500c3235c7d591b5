"""The module of the official client for Processing."""

from headrace.blocking._generated import Processing

__all__ = ["Processing"]
