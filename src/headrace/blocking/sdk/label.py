"""The official client's name for Label."""

from headrace.blocking._generated import Label

__all__ = ["Label"]
