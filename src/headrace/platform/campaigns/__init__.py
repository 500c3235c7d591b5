"""Annotation campaigns: workflow steps, tasks and their distribution to users."""
