"""The module of the official client for Label."""

from headrace.blocking._generated import Label

__all__ = ["Label"]
