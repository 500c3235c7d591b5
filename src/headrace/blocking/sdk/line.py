"""The module of the official client for Line."""

from headrace.blocking._generated import Line

__all__ = ["Line"]
