"""Imports of annotation files into a version."""
