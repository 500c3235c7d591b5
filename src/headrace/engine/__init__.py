"""Whole jobs over any backend: push, import, export, pull."""
