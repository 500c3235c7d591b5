"""The official client's name for User."""

from headrace.blocking._generated import User

__all__ = ["User"]
