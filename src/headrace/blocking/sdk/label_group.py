"""The official client's name for LabelGroup."""

from headrace.blocking._generated import LabelGroup

__all__ = ["LabelGroup"]
