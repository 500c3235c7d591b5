"""The official client's name for Mask."""

from headrace.blocking._generated import Mask

__all__ = ["Mask"]
