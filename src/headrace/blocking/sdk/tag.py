"""The official client's name for Tag."""

from headrace.blocking._generated import Tag

__all__ = ["Tag"]
