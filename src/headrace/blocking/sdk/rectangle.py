"""The module of the official client for Rectangle."""

from headrace.blocking._generated import Rectangle

__all__ = ["Rectangle"]
