"""The module of the official client for DataSource."""

from headrace.blocking._generated import DataSource

__all__ = ["DataSource"]
