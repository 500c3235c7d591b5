"""The module of the official client for Data."""

from headrace.blocking._generated import Data, MultiData

__all__ = ["Data", "MultiData"]
