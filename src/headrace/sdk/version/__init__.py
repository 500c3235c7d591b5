"""The handle of a dataset version."""
