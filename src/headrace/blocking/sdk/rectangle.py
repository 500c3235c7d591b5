"""The official client's name for Rectangle."""

from headrace.blocking._generated import Rectangle

__all__ = ["Rectangle"]
