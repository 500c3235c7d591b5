"""The module of the official client for Asset."""

from headrace.blocking._generated import Asset, MultiAsset

__all__ = ["Asset", "MultiAsset"]
