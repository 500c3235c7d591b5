"""The official client's name for Line."""

from headrace.blocking._generated import Line

__all__ = ["Line"]
