"""The official client's name for Asset."""

from headrace.blocking._generated import Asset, MultiAsset

__all__ = ["Asset", "MultiAsset"]
