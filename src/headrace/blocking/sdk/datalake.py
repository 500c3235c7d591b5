"""The module of the official client for Datalake."""

from headrace.blocking._generated import Datalake

__all__ = ["Datalake"]
