"""The official client's name for Classification."""

from headrace.blocking._generated import Classification

__all__ = ["Classification"]
