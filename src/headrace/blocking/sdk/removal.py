"""The module of the official client for Removal."""

from headrace.blocking._generated import Removal

__all__ = ["Removal"]
