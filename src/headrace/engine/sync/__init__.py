"""Synchronize a folder and a version."""
