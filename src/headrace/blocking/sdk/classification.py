"""The module of the official client for Classification."""

from headrace.blocking._generated import Classification

__all__ = ["Classification"]
