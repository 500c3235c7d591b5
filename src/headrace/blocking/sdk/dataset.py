"""The module of the official client for Dataset."""

from headrace.blocking._generated import Dataset

__all__ = ["Dataset"]
