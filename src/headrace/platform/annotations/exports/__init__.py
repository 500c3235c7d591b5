"""Annotation files that the platform makes."""
