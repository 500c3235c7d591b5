"""The official client's name for Datalake."""

from headrace.blocking._generated import Datalake

__all__ = ["Datalake"]
