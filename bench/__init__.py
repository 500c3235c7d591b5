"""Measured comparisons: headrace beside its peers."""
