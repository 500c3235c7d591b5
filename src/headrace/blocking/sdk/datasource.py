"""The official client's name for DataSource."""

from headrace.blocking._generated import DataSource

__all__ = ["DataSource"]
