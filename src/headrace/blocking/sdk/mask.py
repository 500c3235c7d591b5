"""The module of the official client for Mask."""

from headrace.blocking._generated import Mask

__all__ = ["Mask"]
