"""The official client's name for Data."""

from headrace.blocking._generated import Data, MultiData

__all__ = ["Data", "MultiData"]
