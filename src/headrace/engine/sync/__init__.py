"""Synchronization of a folder and a version."""
