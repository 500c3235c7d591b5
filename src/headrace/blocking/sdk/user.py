"""The module of the official client for User."""

from headrace.blocking._generated import User

__all__ = ["User"]
