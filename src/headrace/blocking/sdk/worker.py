"""The official client's name for Worker."""

from headrace.blocking._generated import Worker

__all__ = ["Worker"]
