"""Boxes, polygons, run lengths and their columns."""
