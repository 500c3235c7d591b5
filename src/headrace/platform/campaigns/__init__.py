"""Annotation campaigns: steps, tasks and their distribution."""
