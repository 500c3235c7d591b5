"""The official client's name for DatasetVersion."""

from headrace.blocking._generated import DatasetVersion

__all__ = ["DatasetVersion"]
