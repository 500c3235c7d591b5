"""The module of the official client for Job."""

from headrace.blocking._generated import Job

__all__ = ["Job"]
