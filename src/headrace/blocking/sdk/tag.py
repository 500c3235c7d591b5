"""The module of the official client for Tag."""

from headrace.blocking._generated import Tag

__all__ = ["Tag"]
