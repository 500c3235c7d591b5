"""The assets of a version."""
