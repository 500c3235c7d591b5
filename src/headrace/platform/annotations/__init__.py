"""Annotations and shapes: one at a time, in bulk, and as files."""
