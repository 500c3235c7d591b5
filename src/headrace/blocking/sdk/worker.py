"""The module of the official client for Worker."""

from headrace.blocking._generated import Worker

__all__ = ["Worker"]
