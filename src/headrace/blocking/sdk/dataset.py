"""The official client's name for Dataset."""

from headrace.blocking._generated import Dataset

__all__ = ["Dataset"]
