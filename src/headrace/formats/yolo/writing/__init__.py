"""Writes YOLO datasets."""
