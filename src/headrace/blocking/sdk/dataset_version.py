"""The module of the official client for DatasetVersion."""

from headrace.blocking._generated import DatasetVersion

__all__ = ["DatasetVersion"]
