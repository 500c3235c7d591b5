"""The module of the official client for LabelGroup."""

from headrace.blocking._generated import LabelGroup

__all__ = ["LabelGroup"]
