"""The official client's name for Job."""

from headrace.blocking._generated import Job

__all__ = ["Job"]
